"""Pages as the service makes them, with intervals, beside what is measured off line."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Column, Table

from keyart.models.serendipity.grounds import IALS, TASTE
from keyart.models.serendipity.measure.evaluate import AS_SERVED, DOSED, SERVING
from keyart.models.serendipity.measure.items import Served
from keyart.models.statistics.bootstrap import Worlds, ratio_interval
from keyart.models.statistics.interval import Interval

WHOLE: Final = tuple(f"{AS_SERVED}{by}" for by in (TASTE, IALS))
"""Pages of proposals alone."""
SERVED: Final = (*WHOLE, *DOSED)
BESIDE: Final = {
    **dict.fromkeys(WHOLE, (WHOLE[0], f"ials restricted by {SERVING}", "ials")),
    **dict.fromkeys(DOSED, ("ials",)),
}
"""What the pages are compared with, viewer by viewer."""
PER: Final = 1000.0


def served_figures(items: Mapping[str, Served], worlds: Worlds) -> list[dict[str, Any]]:
    """Return of each way of grounding its figures, and by how many per cent they are above others.

    Intervals are 95 %, and count viewers.
    """
    return [
        {
            "recommender": name,
            **{key: _ends(each) for key, each in _own(items[name], worlds).items()},
            "over": {
                other: {key: _ends(each) for key, each in found.items()}
                for other, found in _over(name, items, worlds).items()
            },
        }
        for name in SERVED
    ]


def served_table(items: Mapping[str, Served], worlds: Worlds) -> Table:
    """Return what a person reads: each way of grounding, then what it is above others."""
    names = ("UEUC/1,000", "HR@10 new", "nDCG@10 new", "HR@10 any")
    table = Table(
        Column("pages", overflow="fold"),
        *(Column(each, justify="right") for each in names),
        box=SIMPLE_HEAD,
        title="pages as the service makes them; over others in %, by viewer",
    )
    for name in SERVED:
        own = zip(_own(items[name], worlds).values(), (".1f", ".3f", ".3f", ".3f"), strict=True)
        table.add_row(name, *(_said(each, form) for each, form in own))
        for other, found in _over(name, items, worlds).items():
            table.add_row(f"  over {other}", *(_said(each, "+.1f") for each in found.values()))
    return table


def _own(its: Served, worlds: Worlds) -> dict[str, Interval | None]:
    each = np.ones(len(its.hit))
    shown = its.shown if its.shown.any() else each
    return {
        "ueuc": ratio_interval(PER * its.pairs, shown, worlds=worlds),
        "hr10": ratio_interval(its.hit, each, worlds=worlds),
        "ndcg10": ratio_interval(its.ndcg, each, worlds=worlds),
        "any10": ratio_interval(its.any_hit, each, worlds=worlds),
    }


def _over(
    name: str, items: Mapping[str, Served], worlds: Worlds
) -> dict[str, dict[str, Interval | None]]:
    its = items[name]
    found = {}
    for other in BESIDE[name]:
        if other == name:
            continue
        base = items[other]
        found[other] = {
            "ueuc": _percent(its.pairs, base.pairs, worlds),
            "hr10": _percent(its.hit, base.hit, worlds),
            "ndcg10": _percent(its.ndcg, base.ndcg, worlds),
            "any10": _percent(its.any_hit, base.any_hit, worlds),
        }
    return found


def _percent(its: Any, base: Any, worlds: Worlds) -> Interval | None:
    if not base.any():
        return None
    over = ratio_interval(its, base, worlds=worlds)
    estimate, low, high = (100 * each - 100 for each in (over.estimate, over.low, over.high))
    return Interval(estimate=estimate, low=low, high=high)


def _ends(found: Interval | None) -> dict[str, float | None]:
    if found is None:
        return {"estimate": None, "low": None, "high": None}
    return {"estimate": found.estimate, "low": found.low, "high": found.high}


def _said(found: Interval | None, form: str) -> str:
    if found is None:
        return "-"
    return f"{found.estimate:{form}} ({found.low:{form}}..{found.high:{form}})"
