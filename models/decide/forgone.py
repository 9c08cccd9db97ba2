"""What rules did to a page: its distributions against those of the same policy without any."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from keyart.models.decide.page import DecidedPage
from keyart.models.decide.rules import Candidates
from keyart.schemas.ruled import BOUNDED, DEFAULTED, NARROWED, PINNED, Ruled
from keyart.schemas.rules import MARKS
from keyart.schemas.rules import PINNED as PIN

DIGITS: Final = 5
_PINNED: Final = 1 + MARKS.index(PIN)


def what_rules_did(
    under: DecidedPage, left: Mapping[int, Candidates], without: DecidedPage
) -> dict[int, Ruled]:
    """Return by place in `under` what rules did to each title.

    Parameters
    ----------
    under
        The page as it is served.
    left
        By place in it, what rules left: of the titles of which a rule says anything.
    without
        A page of the titles of `left`, in its order, with all their artworks.
    """
    free = without.propensities.astype(np.float64)
    free /= free.sum(axis=1, keepdims=True)
    held = np.zeros_like(free)
    for row, (at, each) in enumerate(left.items()):
        held[row, each.kept] = under.propensities[at, : len(each.kept)]
    moved = free - held
    changed = np.minimum(np.round(np.abs(moved).sum(axis=1) / 2.0, DIGITS), 1.0).tolist()
    # taste as it was without rules, of those that were taken away too
    forgone = np.round(moved * without.multiplier, DIGITS).tolist()
    found = {}
    for row, (at, each) in enumerate(left.items()):
        names = without.artworks[row]
        how = DEFAULTED if each.default else NARROWED * (len(each.kept) < len(names))
        if under.bounded is not None and under.bounded[at]:
            how |= BOUNDED
        if under.marks is not None and under.marks[at] == _PINNED:
            how |= PINNED
        told = [(name, lost) for name, lost in zip(names, forgone[row], strict=False) if lost]
        found[at] = Ruled(
            how, changed[row], tuple([name for name, _ in told]), tuple([lost for _, lost in told])
        )
    return found
