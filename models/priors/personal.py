"""What a prior says for one viewer beyond what it says for everybody: a product of two sides.

An artwork has a row of numbers, worked out beside the line; a viewer has as many, worked out from
the taste while the request waits; their product is the artwork's log relative take for this viewer,
less everybody's. With segments the viewer's side picks a column; with a dual encoder it is what its
viewer tower says.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from keyart.models.taste.features import F32, TasteVectors
from keyart.schemas.priors import SegmentCentre
from keyart.schemas.taste import TASTE_DIMENSIONS


class Seen(NamedTuple):
    """A viewer as a prior sees them: (P,) coordinates, and the name of their segment, if any."""

    coordinates: F32
    segment: str = ""


class ViewerSide(Protocol):
    """From a taste to the viewer's side. Safe to use from several threads."""

    @property
    def width(self) -> int:
        """P, the length of either side."""
        ...

    def see(self, taste: TasteVectors) -> Seen | None:
        """Return the viewer's side; None for a viewer of whom nothing is known."""
        ...


class SegmentSide:
    """Viewers by taste segment: the one whose centre is nearest to the long-term taste.

    Parameters
    ----------
    segments
        With unit centres in the space's leading `TASTE_DIMENSIONS`.
    """

    def __init__(self, segments: Sequence[SegmentCentre]) -> None:
        self.names = tuple(segment.name for segment in segments)
        centres = [segment.centre for segment in segments]
        self._centres = np.array(centres, np.float32).reshape(-1, TASTE_DIMENSIONS)
        self._columns = np.eye(len(segments), dtype=np.float32)

    @property
    def width(self) -> int:
        """The number of segments."""
        return len(self.names)

    def see(self, taste: TasteVectors) -> Seen | None:
        """Return the column of the nearest segment; None without a long-term taste."""
        long = taste.directions[0]
        if not long.any():
            return None
        at = int((self._centres @ long).argmax())
        return Seen(self._columns[at], self.names[at])
