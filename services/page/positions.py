"""What the place on a page has to do with takes, as the page tells it."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from keyart.models.belief.positions import Positions
from keyart.schemas.posterior import BAND_STARTS
from keyart.services.page.views import PlaceView, PositionsView

MOST_SURFACES: Final = 4
"""Those with the most shown; a site has many surfaces that hardly anybody sees."""
_NORMAL: Final = 1.96


def positions_of(learned: Mapping[str, Positions], surface: str) -> tuple[PositionsView, ...]:
    """Return what is known of each surface, the most shown first; of one, if `surface` names it.

    Surfaces of which one place alone was shown say nothing, and are left out.
    """
    held = [
        (name, its)
        for name, its in learned.items()
        if surface in ("", name) and np.count_nonzero(its.expected) > 1
    ]
    held.sort(key=lambda each: (-float(each[1].expected.sum()), each[0]))
    return tuple(
        PositionsView(surface=name, places=_places(its)) for name, its in held[:MOST_SURFACES]
    )


def _places(its: Positions) -> tuple[PlaceView, ...]:
    width = np.exp(_NORMAL * its.sd)
    ends = [*(start - 1 for start in BAND_STARTS[1:]), 0]
    return tuple(
        PlaceView(
            first=BAND_STARTS[at],
            last=ends[at],
            factor=float(its.factor[at]),
            low=float(its.factor[at] / width[at]),
            high=float(its.factor[at] * width[at]),
            impressions=float(its.expected[at]),
        )
        for at in np.flatnonzero(its.expected).tolist()
    )
