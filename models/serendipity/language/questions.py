"""A planner's question in words: what a viewer came to, and what may come next.

The answer is one of the options, by its letter, so whatever a model says stands in the vocabulary.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from keyart.models.dataset.examples import Choice, Entry, Example
from keyart.models.serendipity.vocabulary.vocabulary import Vocabulary

OPTIONS: Final = 20
"""Clusters that one question offers."""
LATEST: Final = 8
"""Clusters of the way that are told, the most recent first."""
TEMPLATE: Final = "plan.v1"

Pair = tuple[int, int]


class Successors:
    """What viewers came to after two clusters.

    It is told in the question, so that it can be refreshed without training.

    Parameters
    ----------
    orders
        Deduplicated ways of the viewers who teach.
    """

    def __init__(self, orders: Iterable[Sequence[int]]) -> None:
        self._after: dict[Pair, Counter[int]] = {}
        for order in orders:
            for first, second, after in zip(order, order[1:], order[2:], strict=False):
                self._after.setdefault((first, second), Counter())[after] += 1

    def top(self, order: Sequence[int], *, but: int | None = None) -> int | None:
        """Return the most frequent cluster after the last two, ties to the lower; None: never seen.

        Parameters
        ----------
        but
            What came next of this very viewer, who does not tell about themselves.
        """
        if len(order) < 2:
            return None
        found = dict(self._after.get((order[-2], order[-1]), {}))
        if but is not None and but in found:
            found[but] -= 1
        best = min(found, key=lambda each: (-found[each], each), default=None)
        return best if best is not None and found[best] > 0 else None


def question(
    vocabulary: Vocabulary,
    order: Sequence[int],
    options: Sequence[int],
    *,
    id: str,
    successor: int | None = None,
    answer: int = -1,
) -> Example:
    """Return the question which of the options comes after a way.

    Parameters
    ----------
    order
        Clusters by first engagement, oldest first.
    options
        Two clusters or more.
    answer
        Place of the right one; -1: not known.
    """
    names, words = vocabulary.names, vocabulary.keywords
    told = [
        Entry(title=names[at], description=", ".join(words[at])) for at in reversed(order[-LATEST:])
    ]
    count = len(options)
    return Example(
        id=id,
        pair=id,
        title=id,
        name="what comes next",
        history=tuple(told),
        taste="" if successor is None else names[successor],
        options=tuple(
            Choice(artwork=names[at], description=", ".join(words[at])) for at in options
        ),
        propensities=(1.0 / count,) * count,
        impressions=(1.0,) * count,
        rewards=tuple(float(at == answer) for at in range(count)),
        answer=answer,
        weight=1.0 if answer >= 0 else 0.0,
    )
