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
    found = {}
    for row, (at, each) in enumerate(left.items()):
        names = without.artworks[row]
        free = without.propensities[row, : len(names)].astype(np.float64)
        held = np.zeros(len(names))
        held[list(each.kept)] = under.propensities[at, : len(each.kept)]
        moved = free / free.sum() - held
        # taste as it was without rules, of those that were taken away too
        forgone = np.round(moved * without.multiplier[row, : len(names)], DIGITS)
        how = DEFAULTED if each.default else NARROWED * (len(each.kept) < len(names))
        if under.bounded is not None and under.bounded[at]:
            how |= BOUNDED
        if under.marks is not None and under.marks[at] == _PINNED:
            how |= PINNED
        places = np.flatnonzero(forgone).tolist()
        found[at] = Ruled(
            how,
            min(1.0, round(float(np.abs(moved).sum()) / 2.0, DIGITS)),
            tuple([names[place] for place in places]),
            tuple(forgone[places].tolist()),
        )
    return found
