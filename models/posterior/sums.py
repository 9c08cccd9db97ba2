"""Adding rewards to the sums of a title and to the sums shared by all titles.

A sum stands at the latest event time it has seen. A later reward first shrinks the sum to its own
time; an earlier one is shrunk before it is added. Either way the result is the sum over rewards of
value x 2^-(age / half-life), so the order of the rewards does not matter, to rounding.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.posterior import MAX_KEPT_ARTWORKS, MAX_SURFACES, Cell, SharedSums, TitleSums
from keyart.schemas.rewards import Reward

SHARES_KEPT = 48
OTHER_SURFACE = "other"


def add_to_title(
    before: TitleSums, rewards: Sequence[Reward], *, half_life_ms: float, bucket_ms: int
) -> TitleSums:
    """Return the title's sums with these rewards added.

    Parameters
    ----------
    before
        Not changed.
    rewards
        All of this title.
    half_life_ms
        Of forgetting, by the time the artwork was shown.
    bucket_ms
        Width of the buckets in `shares`; the newest 48 are kept.
    """
    as_of_ms = max(before.as_of_ms, max(reward.shown_at_ms for reward in rewards))
    fade = 2.0 ** ((before.as_of_ms - as_of_ms) / half_life_ms) if before.as_of_ms else 1.0
    artworks = {
        artwork: {
            surface: Cell(cell.count, cell.taken, cell.reward * fade, cell.expected * fade)
            for surface, cell in cells.items()
        }
        for artwork, cells in before.artworks.items()
    }
    shares = {start: dict(counts) for start, counts in before.shares.items()}
    for reward in rewards:
        weight = 2.0 ** ((reward.shown_at_ms - as_of_ms) / half_life_ms)
        cell = _cell(artworks, reward.artwork, reward.surface)
        cell.count += 1
        cell.taken += reward.value
        cell.reward += weight * reward.value
        cell.expected += weight * reward.multiplier
        bucket = shares.setdefault(reward.shown_at_ms - reward.shown_at_ms % bucket_ms, {})
        bucket[reward.artwork] = bucket.get(reward.artwork, 0) + 1
    if len(shares) > SHARES_KEPT:
        shares = {start: shares[start] for start in sorted(shares)[-SHARES_KEPT:]}
    return TitleSums(title=before.title, as_of_ms=as_of_ms, artworks=artworks, shares=shares)


def _cell(artworks: dict[str, dict[str, Cell]], artwork: str, surface: str) -> Cell:
    if artwork not in artworks and len(artworks) >= MAX_KEPT_ARTWORKS:
        artwork = min(artworks, key=lambda name: sum(c.expected for c in artworks[name].values()))
        del artworks[artwork]
    cells = artworks.setdefault(artwork, {})
    if surface not in cells and len(cells) >= MAX_SURFACES - 1:
        surface = OTHER_SURFACE
    return cells.setdefault(surface, Cell())


def add_to_shared(
    before: SharedSums, rewards: Sequence[Reward], *, half_life_ms: float
) -> SharedSums:
    """Return the least-squares sums of the shared taste weights with these rewards added.

    A += b x x', g += (y - b) x, with b the take expected without taste and x the chosen artwork's
    features centred under the propensities: whatever is wrong with b is the same for all artworks
    of the title and cancels (action-centring: Greenewald, Tewari, Klasnja and Murphy 2017).
    Rewards without features, or with another number of them, are left out.
    """
    dimensions = before.dimensions or max(len(reward.features) for reward in rewards)
    used = [reward for reward in rewards if len(reward.features) == dimensions]
    if not used or dimensions == 0:
        return before
    shown = np.array([reward.shown_at_ms for reward in used], np.float64)
    as_of_ms = max(before.as_of_ms, int(shown.max()))
    weight = np.exp2((shown - as_of_ms) / half_life_ms)
    x = np.array([reward.features for reward in used], np.float64)  # (N, D)
    b = np.array([reward.expected for reward in used], np.float64)
    y = np.array([reward.value for reward in used], np.float64)
    upper = np.triu_indices(dimensions)
    gram = (x.T @ (x * (weight * b)[:, None]))[upper]
    moment = x.T @ (weight * (y - b))
    if before.dimensions:
        fade = 2.0 ** ((before.as_of_ms - as_of_ms) / half_life_ms)
        gram = gram + fade * np.array(before.gram)
        moment = moment + fade * np.array(before.moment)
    return SharedSums(
        as_of_ms=as_of_ms,
        count=before.count + len(used),
        dimensions=dimensions,
        gram=gram.tolist(),
        moment=moment.tolist(),
    )


def shared_matrices(sums: Sequence[SharedSums]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (A, g), shapes (D, D) and (D,), of all lanes together, at the time of the newest.

    Lanes that have seen nothing, or another number of features than the newest, count nothing.
    """
    held = [each for each in sums if each.dimensions]
    if not held:
        return np.zeros((0, 0)), np.zeros(0)
    size = max(held, key=lambda each: each.as_of_ms).dimensions
    gram, moment = np.zeros((size, size)), np.zeros(size)
    for each in held:
        if each.dimensions == size:
            triangle = np.zeros((size, size))
            triangle[np.triu_indices(size)] = each.gram
            gram += triangle + np.triu(triangle, 1).T
            moment += np.array(each.moment)
    return gram, moment
