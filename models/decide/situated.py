"""What of a page's context moved a choice: the words for the weights that all titles share."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.bandits.protocol import Page
from keyart.models.decide.responding import Responding, shown
from keyart.models.taste.crossing import CROSSED, SWAYED, context_side, turned
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
    found = [name for name in told if name not in (CONTEXT, LIKES)]
    places = np.full(len(because), -1, np.intp)
    for at, its in enumerate(because.tolist()):
        if its < 0:
            continue
        name = told[its]
        if name in (CONTEXT, LIKES):
            worth = _worth(name, page_of, page, int(chosen[at]), at)
            value = (max if raised[at] else min)(worth, key=lambda each: worth[each])
            name = f"{name}: {value} = {shown(page_of.context[value])}"
        if name not in found:
            found.append(name)
        places[at] = found.index(name)
    return found, places


def _worth(kind: str, page_of: Responding, page: Page, chosen: int, title: int) -> dict[str, float]:
    """Return by name what the values of the context add to the log of a choice's expected take."""
    assert page_of.sides is not None
    shape = page.mask.T.shape  # (K, T)
    weights, features = page.weights, page.features
    values = {name: its for name, its in page_of.context.items() if its is not None}
    if kind == LIKES:
        of = slice(PERSONAL + CROSSED, PERSONAL + CROSSED + SWAYED)
        # the same liking meets every value
        push = {
            name: float(weights[of] @ context_side({name: its}, SWAYED))
            for name, its in values.items()
        }
        long, best = FEATURES.index("long"), FEATURES.index("best")
        liking = float(features[title, chosen, long] + features[title, chosen, best])
        return {name: its * liking for name, its in push.items()}
    of = slice(PERSONAL, PERSONAL + CROSSED)
    sides = page_of.sides.reshape(*shape, CROSSED)[:, title][page.mask[title]]
    side = sides[chosen] - sides.mean(axis=0)
    return {
        name: float(weights[of] @ (turned(context_side({name: its}, CROSSED)) @ side))
        for name, its in values.items()
    }
