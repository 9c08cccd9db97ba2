"""The least-squares sums of the weights that all titles share.

A += y x x', g += (y - b) x, with y what was taken, b the take expected without taste and x the
chosen artwork's features centred under the propensities. Whatever is wrong with b is the same for
all artworks of the title: in g it cancels (action-centring: Greenewald, Tewari, Klasnja and Murphy
2017), and A has none of it (the observed information: Efron and Hinkley, Biometrika 1978). With b
in A, a level that is still far too low makes noise into weights that are far too large. What a
prior says to the viewer is one more feature, with a weight of its own for every prior.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.sums.responses import add_responded, add_situations
from keyart.schemas.posterior import SharedSums
from keyart.schemas.rewards import Reward

Array = NDArray[np.float64]

MOST_PRIORS: Final = 32
"""Priors whose weights are kept; the one that has taught least makes room."""


def add_to_shared(
    before: SharedSums, rewards: Sequence[Reward], *, half_life_ms: float
) -> SharedSums:
    """Return the sums with these rewards added.

    Features are only ever appended: what a shorter list lacks was 0. Rewards without features are
    left out.
    """
    used = [reward for reward in rewards if reward.features]
    if not used:
        return before
    lengths = [len(reward.features) for reward in used]
    size = max(before.dimensions, *lengths)
    spoken = [(at, reward) for at, reward in enumerate(used) if reward.personal != 0.0]
    priors = sorted({*before.priors, *(reward.versions.prior for _, reward in spoken)})
    shown = np.array([reward.shown_at_ms for reward in used], np.float64)
    as_of_ms = max(before.as_of_ms, int(shown.max()))
    weight = np.exp2((shown - as_of_ms) / half_life_ms)
    x = np.zeros((len(used), size + len(priors)))
    for length in set(lengths):
        rows = [at for at, its in enumerate(lengths) if its == length]
        x[rows, :length] = [used[at].features for at in rows]
    for at, reward in spoken:
        x[at, size + priors.index(reward.versions.prior)] = reward.personal
    b = np.array([reward.expected for reward in used], np.float64)
    y = np.array([reward.value for reward in used], np.float64)
    gram, moment = _spread(before, size, priors)
    fade = 2.0 ** ((before.as_of_ms - as_of_ms) / half_life_ms) if before.count else 0.0
    gram = fade * gram + x.T @ (x * (weight * y)[:, None])
    moment = fade * moment + x.T @ (weight * (y - b))
    kept = list(range(size)) + _told_most(gram.diagonal(), size)
    upper = np.triu_indices(len(kept))
    return SharedSums(
        as_of_ms=as_of_ms,
        count=before.count + len(used),
        dimensions=size,
        priors=[priors[at - size] for at in kept[size:]],
        gram=gram[np.ix_(kept, kept)][upper].tolist(),
        moment=moment[kept].tolist(),
        situations=add_situations(before.situations, used, weight, fade),
        responded=add_responded(before.responded, used, weight, fade),
    )


def _told_most(diagonal: Array, size: int) -> list[int]:
    """Return the places of the `MOST_PRIORS` priors that have taught most, in their order."""
    places = range(size, len(diagonal))
    return sorted(sorted(places, key=lambda at: -diagonal[at])[:MOST_PRIORS])


def _spread(sums: SharedSums, size: int, priors: Sequence[str]) -> tuple[Array, Array]:
    """Return the sums as (A, g) over `size` features and these priors; what was not there is 0."""
    gram, moment = np.zeros((size + len(priors),) * 2), np.zeros(size + len(priors))
    places = [*range(sums.dimensions), *(size + priors.index(name) for name in sums.priors)]
    if places:
        triangle = np.zeros((len(places),) * 2)
        triangle[np.triu_indices(len(places))] = sums.gram
        gram[np.ix_(places, places)] = triangle + np.triu(triangle, 1).T
        moment[places] = sums.moment
    return gram, moment


def shared_matrices(
    sums: Sequence[SharedSums], *, prior: str = "", least: int = 0
) -> tuple[Array, Array, int]:
    """Return (A, g) of all lanes together, and where in them this prior's own feature stands.

    It comes first after those that no prior made; those of other priors follow.

    Parameters
    ----------
    prior
        The one that serves; its feature is there, of zeros, even when it has taught nothing.
    least
        Features at least, apart from those of priors.
    """
    size = max([least, *(each.dimensions for each in sums)])
    others = {name for each in sums for name in each.priors} - {prior}
    priors = [prior, *sorted(others)]
    gram, moment = np.zeros((size + len(priors),) * 2), np.zeros(size + len(priors))
    for each in sums:
        more_gram, more_moment = _spread(each, size, priors)
        gram += more_gram
        moment += more_moment
    return gram, moment, size
