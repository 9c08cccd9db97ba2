"""Pages of ten titles: free, restricted to proposed clusters, diversified, or a dose of each."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from keyart.models.serendipity.world import Floats, Ints

PAGE: Final = 10
POOL: Final = 100
"""Best titles among which a page is diversified."""
BALANCE: Final = 0.7
"""Weight of relevance in MMR (Carbonell & Goldstein 1998)."""


def best(scores: Floats, seen: Ints, most: int = PAGE) -> Ints:
    """Return the best titles that were not seen, best first. `scores` (T,)."""
    shown = scores.copy()
    shown[seen] = -np.inf
    some = np.argpartition(-shown, min(most, len(shown) - 1))[:most]
    order: Ints = some[np.lexsort((some, -shown[some]))].astype(np.int64)
    return order[np.isfinite(shown[order])]


def restricted(
    scores: Floats, seen: Ints, labels: Ints, clusters: Sequence[int], most: int = PAGE
) -> Ints:
    """Return the best unseen titles of these clusters, in turn one of each, the first first.

    Parameters
    ----------
    labels
        (T,) cluster of each title.
    clusters
        In the order of the plan.
    """
    shelves = []
    unseen = np.ones(len(scores), bool)
    unseen[seen] = False
    for cluster in clusters:
        inside = np.flatnonzero((labels == cluster) & unseen)
        shelves.append(inside[np.lexsort((inside, -scores[inside]))].tolist())
    page: list[int] = []
    while len(page) < most and any(shelves):
        for shelf in shelves:
            if shelf and len(page) < most:
                page.append(shelf.pop(0))
    return np.array(page, np.int64)


def dosed(free: Ints, proposed: Ints, slots: int, most: int = PAGE) -> Ints:
    """Return a page whose last slots are proposals; a title stands once."""
    chosen = [at for at in proposed.tolist() if at not in set(free[: most - slots].tolist())][
        :slots
    ]
    rest = [at for at in free.tolist() if at not in set(chosen)][: most - len(chosen)]
    return np.array([*rest, *chosen], np.int64)


def mmr(scores: Floats, seen: Ints, vectors: Floats, most: int = PAGE) -> Ints:
    """Return a page that trades relevance against likeness to what it has already."""
    pool = best(scores, seen, POOL)
    level = scores[pool]
    level = (level - level.min()) / max(float(np.ptp(level)), 1e-9)
    close = vectors[pool] @ vectors[pool].T
    page: list[int] = []
    nearest = np.zeros(len(pool))
    left = np.ones(len(pool), bool)
    for _ in range(min(most, len(pool))):
        worth = np.where(left, BALANCE * level - (1.0 - BALANCE) * nearest, -np.inf)
        at = int(worth.argmax())
        page.append(at)
        left[at] = False
        nearest = np.maximum(nearest, close[at])
    return pool[page]


def dpp(scores: Floats, seen: Ints, vectors: Floats, most: int = PAGE) -> Ints:
    """Return the greedy maximum a posteriori page of a determinantal process.

    Chen, Zhang & Zhou 2018 (1709.05135), algorithm 1; quality is the exponential of the score's
    place in the pool's range.
    """
    pool = best(scores, seen, POOL)
    level = scores[pool]
    quality = np.exp(2.0 * (level - level.min()) / max(float(np.ptp(level)), 1e-9))
    close = 0.5 * (1.0 + vectors[pool] @ vectors[pool].T)
    kernel = quality[:, None] * close * quality[None, :]
    gains = np.diag(kernel).copy()
    basis = np.zeros((most, len(pool)))
    page: list[int] = []
    for turn in range(min(most, len(pool))):
        at = int(gains.argmax())
        if gains[at] <= 1e-10:
            break
        page.append(at)
        row = (kernel[at] - basis[:turn, at] @ basis[:turn]) / np.sqrt(gains[at])
        basis[turn] = row
        gains = gains - row**2
        gains[page] = -np.inf
    return pool[page]
