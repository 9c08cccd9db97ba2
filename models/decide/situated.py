"""What of a page's context moved a choice: the words for the weights that all titles share."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.bandits.protocol import Page
from keyart.models.decide.responding import Responding, shown
from keyart.models.taste.crossing import CROSSED, value_sides, weighed
from keyart.models.taste.features import F32, FEATURES, PERSONAL

CONTEXT, LIKES = "context", "context and likes"
"""How `Terms.because` begins: where context meets what artworks show, and where it meets what the
viewer likes. What follows after a colon is the value that moved the choice furthest."""
_NAMES: Final = (*FEATURES[:PERSONAL], CONTEXT, LIKES, FEATURES[PERSONAL])


def by_kind(pushes: F32) -> tuple[F32, Sequence[str]]:
    """Return what features (D, T) of a page with a context push, and the names of the rows.

    A sketch is read as a whole: its numbers are one row together.
    """
    shows = pushes[PERSONAL : PERSONAL + CROSSED].sum(axis=0)
    likes = pushes[PERSONAL + CROSSED : -1].sum(axis=0)
    return np.vstack((pushes[:PERSONAL], shows[None], likes[None], pushes[-1:])), _NAMES


def values_named(
    told: Sequence[str],
    because: NDArray[np.intp],
    page_of: Responding,
    page: Page,
    chosen: NDArray[np.intp],
    *,
    raised: NDArray[np.bool_],
) -> tuple[list[str], NDArray[np.intp]]:
    """Return reasons with the value of the context in them, and which of them each choice has.

    A context of which every value is null is unlike the usual, too: its reasons name none.

    Parameters
    ----------
    told, because
        Reasons by kind; (T,) places among them, -1 for none.
    page_of
        The context, and what the artworks show.
    page
        What the policy was given.
    chosen, raised
        (T,) the choices, and whether taste and context raised their expected takes.
    """
    values = {name: its for name, its in page_of.context.items() if its is not None}
    if not values:
        return list(told), because
    names = list(values)
    alone = value_sides(values)
    found, places = list(told), because.copy()
    for kind in (CONTEXT, LIKES):
        if kind not in told or not len(its := np.flatnonzero(because == told.index(kind))):
            continue
        worth = (_likes if kind == LIKES else _shows)(alone, page_of, page, chosen, its)
        furthest = np.where(raised[its], worth.argmax(axis=0), worth.argmin(axis=0))
        named = np.flatnonzero(np.bincount(furthest, minlength=len(names)))
        places[its] = len(found) + named.searchsorted(furthest)
        found += [f"{kind}: {names[at]} = {shown(values[names[at]])}" for at in named.tolist()]
    kept = [at for at, name in enumerate(found) if name not in (CONTEXT, LIKES)]
    moved = np.full(len(found) + 1, -1, np.intp)  # the last for -1, none
    moved[kept] = np.arange(len(kept))
    return [found[at] for at in kept], moved[places]


def _likes(
    alone: F32, page_of: Responding, page: Page, chosen: NDArray[np.intp], its: NDArray[np.intp]
) -> F32:
    """Return (N, M) what values add to the log of choices' expected takes, where likings count."""
    long, best = FEATURES.index("long"), FEATURES.index("best")
    features = page.features[its, chosen[its]]
    # the same liking meets every value
    liking = features[:, long] + features[:, best]
    return np.outer(alone[:, CROSSED:] @ page.weights[PERSONAL + CROSSED : -1], liking)


def _shows(
    alone: F32, page_of: Responding, page: Page, chosen: NDArray[np.intp], its: NDArray[np.intp]
) -> F32:
    """Return (N, M) what values add to the log of choices' expected takes, by what these show."""
    assert page_of.sides is not None
    shape = page.mask.T.shape  # (K, T)
    sides, mask = page_of.sides.reshape(*shape, CROSSED), page.mask.T
    picked = sides[chosen[its], its]  # (M, CROSSED)
    if not mask.all():
        sides = sides * mask[:, :, None]
    side = picked - (sides.sum(axis=0) / mask.sum(axis=0, dtype=np.float32)[:, None])[its]
    met = weighed(page.weights[PERSONAL : PERSONAL + CROSSED])
    return np.asarray(alone[:, :CROSSED] @ (met @ side.T))
