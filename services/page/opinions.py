"""What the prior says of one title, beside what is believed, and whether that helped here."""

from collections.abc import Sequence
from math import expm1
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from keyart.models.decide.index import ANY_SURFACE, BELIEF_COLUMNS, MAX_TAKE, Place, ServingIndex
from keyart.models.likelihood.helps import LEAST_TAKES, log_gain
from keyart.services.page.title_views import OpinionView, PriorView

Array = NDArray[np.float64]
_AT: Final = {name: at for at, name in enumerate(BELIEF_COLUMNS)}
LEAST_WORTH: Final = 0.05
"""Expected takes that an opinion is worth at least: with fewer its interval is the whole scale."""
SAME: Final = 1e-3
"""Opinions of a title that differ less, on a log scale, hold all artworks for equal."""


Said = tuple[Sequence[float], float]
"""A prior's opinion of a title: log relative takes, in the order of the artworks that may be
chosen, and what it is worth in impressions."""


def expected_of(
    index: ServingIndex, title: str, surface: str, said: Said | None
) -> dict[str, PriorView]:
    """Return by artwork what the prior expects at the title's level; none without an opinion."""
    place = index.arrays.places.get(title)
    if place is None or said is None or len(said[0]) != place.size:
        return {}
    relative, strength = np.asarray(said[0]), said[1]
    rows = _rows(index, place, surface)
    level = float(rows[0, _AT["level"]])
    share = np.exp(np.clip(relative - relative.max(), -20.0, 0.0))
    mean = np.minimum(level * share / share.mean(), MAX_TAKE)
    shape = max(strength * level, LEAST_WORTH)
    low, high = (np.minimum(mean * gammaincinv(shape, q) / shape, 1.0) for q in (0.025, 0.975))
    return {
        name: PriorView(mean=its, low=least, high=most)
        for name, its, least, most in zip(
            place.artworks, mean.tolist(), low.tolist(), high.tolist(), strict=True
        )
    }


def opinion_of(
    index: ServingIndex, title: str, prior: str, said: Said | None
) -> OpinionView | None:
    """Return whether the opinion helps on a title; None where there is none.

    By all that is known of the title now, on all surfaces. Opinions of titles that a prior was
    fitted on are made without them (`models/priors/folds`), so no opinion is its own witness.
    """
    place = index.arrays.places.get(title)
    if place is None or said is None or len(said[0]) != place.size:
        return None
    relative, strength = np.asarray(said[0]), said[1]
    rows = _rows(index, place, ANY_SURFACE)
    takes, seen, trust = rows[:, _AT["taken"]], rows[:, _AT["seen"]], float(rows[0, _AT["trust"]])
    found = log_gain(relative, takes, seen)
    if float(np.ptp(relative)) < SAME:
        helps, words = "silent", "It holds all artworks for equal, so it neither helps nor harms."
    elif found is None:
        helps = "early"
        words = (
            f"Whether it helps here cannot be told yet: of {LEAST_TAKES:.0f} takes that it needs "
            f"there are {takes.sum():.0f}."
        )
    else:
        ends = " to ".join(_percent(each) for each in (found.low, found.high))
        less = "less likely" if found.estimate < 0.0 else "likelier"
        by = (
            f"takes were {_percent(found.estimate).lstrip('+−')} {less} with it than without "
            f"(95\u00a0% interval {ends})."
        )
        helps = "yes" if found.low > 0.0 else "no" if found.high < 0.0 else "even"
        words = {
            "yes": f"It helps here: {by}",
            "no": f"It misleads here: {by}",
            "even": f"Whether it helps here cannot be told yet: {by}",
        }[helps]
    return OpinionView(
        prior=prior,
        helps=helps,
        says=words,
        worth=strength,
        trust=trust,
        takes=float(takes.sum()),
        impressions=float(seen.sum()),
        gain=found.estimate if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
    )


def _rows(index: ServingIndex, place: Place, surface: str) -> Array:
    beliefs = index.arrays.beliefs
    table = beliefs.get(surface, beliefs[ANY_SURFACE])
    return table[place.offset : place.offset + place.size].astype(np.float64)


def _percent(log: float) -> str:
    return f"{100.0 * expm1(log):+.0f}\u00a0%".replace("-", "−")
