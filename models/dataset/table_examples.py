"""A table of tests as examples: one question a test, its answer the text that was clicked most."""

from collections.abc import Iterator

from keyart.models.dataset.creative_table import CreativeTable
from keyart.models.dataset.examples import Choice, Example
from keyart.models.likelihood.best import chances_of_best


def table_examples(table: CreativeTable, *, soft: bool = True) -> Iterator[Example]:
    """Yield one example a test, in the order of time.

    The answer is the text with the highest click rate; which one that is, is partly luck, so with
    `soft` every text also has its probability to be the best. Nobody's history is known. Where
    times are not known, tests are shown one after the other, a millisecond each.

    Parameters
    ----------
    table
        Of different texts (`CreativeTable.distinct`), with the names of its tests.
    """
    texts, known = list(table.texts), bool(table.at_ms.any())
    ends = table.test.searchsorted(range(table.tests + 1))
    for at, test in enumerate(table.ids):
        of = slice(ends[at], ends[at + 1])
        shown, clicks = table.impressions[of], table.clicks[of]
        yield Example(
            id=test,
            pair=test,
            title=test,
            shown_at_ms=int(table.at_ms[at]) if known else at + 1,
            options=tuple(
                Choice(artwork=str(place), description=text) for place, text in enumerate(texts[of])
            ),
            propensities=tuple((shown / shown.sum()).tolist()),
            impressions=tuple(shown.tolist()),
            rewards=tuple(clicks.tolist()),
            answer=int((clicks / shown).argmax()),
            soft=tuple(chances_of_best(clicks, shown).round(6).tolist()) if soft else (),
        )
