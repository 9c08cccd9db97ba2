"""What `keyart evaluate serendipity` says: tables for a terminal, figures as JSON."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.table import Column, Table

from keyart.models.serendipity.language.planner import Asked
from keyart.models.serendipity.language.questions import TEMPLATE
from keyart.models.serendipity.measure.evaluate import Judged
from keyart.models.serendipity.measure.items import Served
from keyart.models.serendipity.measure.plan import STEPS, over
from keyart.models.statistics.bootstrap import Worlds, ratio_interval
from keyart.models.statistics.interval import Interval
from keyart.schemas.errors import MissingExtra
from keyart.services.jobs.evaluation.grounding import served_figures, served_table

FREE: Final = "ials"
PER: Final = 1000.0


def asked(model: str) -> Asked:
    """Return a language model that answers a planner's questions.

    Raises
    ------
    MissingExtra
        The extra `llm` is not installed.
    """
    try:
        from keyart.models.llm.scoring.opinions import TEMPLATE_FILE, load_opinions
    except ModuleNotFoundError:
        raise MissingExtra("llm", "a language model") from None
    own = (Path(model) / TEMPLATE_FILE).is_file()
    opinions = load_opinions(model, template="" if own else TEMPLATE)
    return lambda questions: [one.probabilities for one in opinions.scored(questions)]


def figures(judged: Judged, *, seed: int = 0) -> dict[str, Any]:
    """Return the figures as JSON has them."""
    worlds = Worlds(judged.viewers, seed=seed)
    return {
        "viewers": judged.viewers,
        "clusters": judged.vocabulary.clusters,
        "plan": [
            {
                "planner": name,
                "hit1": float(marks.hit1.mean()),
                "hit5": float(marks.hit5.mean()),
                "recall10": float(marks.recall10.mean()),
                "bits": float(marks.bits.mean()),
                "exact_match": float(marks.exact.mean()),
                "over_cooccurrence": _per_cent(over(marks, worlds=worlds)),
            }
            for name, marks in judged.plans.items()
        ],
        "items": [
            {
                "recommender": name,
                "hr10": float(its.hit.mean()),
                "ndcg10": float(its.ndcg.mean()),
                "ueuc": _per(its.pairs, its.shown),
                "serendipity": _per(its.serendipity, its.shown),
            }
            for name, its in judged.items.items()
        ],
        "served": served_figures(judged.items, worlds),
    }


def tables(judged: Judged, *, seed: int = 0) -> list[Table]:
    """Return what a person reads: plans, their curve over self-information, pages, those served."""
    worlds = Worlds(judged.viewers, seed=seed)
    return [
        _plans(judged, worlds),
        _curve(judged),
        _items(judged, worlds),
        served_table(judged.items, worlds),
    ]


def _plans(judged: Judged, worlds: Worlds) -> Table:
    names = ("hit@1", "hit@5", "recall@10", "nDCG@10", "bits", "exact, %", "over co-occ., %")
    size = judged.vocabulary
    title = (
        f"clusters entered later, {judged.viewers:,} viewers, {size.clusters} clusters "
        f"(median {size.median:.0f} titles, {100 * size.coverage:.0f} % of titles covered)"
    )
    table = _table(title, "planner", names)
    for name, marks in judged.plans.items():
        table.add_row(
            name,
            *(
                f"{float(each.mean()):.3f}"
                for each in (marks.hit1, marks.hit5, marks.recall10, marks.ndcg10)
            ),
            f"{float(marks.bits.mean()):.2f}",
            f"{100 * float(marks.exact.mean()):.0f}",
            _shown(over(marks, worlds=worlds)),
        )
    return table


def _curve(judged: Judged) -> Table:
    names = [f"+{step:g} bits" if step else "its bits" for step in STEPS]
    table = _table("hit@5 at co-occurrence's self-information and above", "planner", names)
    for name, marks in judged.plans.items():
        table.add_row(name, *(f"{float(each.mean()):.3f}" for each in marks.curve))
    return table


def _items(judged: Judged, worlds: Worlds) -> Table:
    names = (
        *("HR@10 new", "nDCG@10 new", "HR@10 any", "UEUC/1,000", "over iALS, %"),
        *("serendip./1,000", "alike", "unexpected"),
    )
    table = _table("pages of ten titles", "recommender", names)
    base = judged.items[FREE]
    for name, its in judged.items.items():
        table.add_row(
            name,
            f"{float(its.hit.mean()):.3f}",
            f"{float(its.ndcg.mean()):.3f}",
            f"{float(its.any_hit.mean()):.3f}",
            f"{_per(its.pairs, its.shown):.1f}",
            _shown(_over(its, base, worlds)),
            f"{_per(its.serendipity, its.shown):.1f}",
            f"{float(its.alike.mean()):.2f}",
            f"{float(its.unexpected.mean()):.2f}",
        )
    return table


def _over(its: Served, base: Served, worlds: Worlds) -> Interval | None:
    return ratio_interval(its.pairs, base.pairs, worlds=worlds) if base.pairs.any() else None


def _per(count: Any, shown: Any) -> float:
    return PER * float(count.sum()) / max(float(shown.sum()), 1.0)


def _per_cent(found: Interval | None) -> dict[str, float | None]:
    if found is None:
        return {"percent": None, "low": None, "high": None}
    ratios = (found.estimate, found.low, found.high)
    return dict(zip(("percent", "low", "high"), (100 * r - 100 for r in ratios), strict=True))


def _shown(found: Interval | None) -> str:
    said = _per_cent(found)
    if said["percent"] is None:
        return "-"
    return f"{said['percent']:+.1f} ({said['low']:+.1f}..{said['high']:+.1f})"


def _table(title: str, first: str, names: Sequence[str]) -> Table:
    columns = [Column(each, justify="right") for each in names]
    return Table(Column(first, overflow="fold"), *columns, box=SIMPLE_HEAD, title=title)
