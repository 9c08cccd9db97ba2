"""Several ridges as one prior: each judges by vectors of its own, and a few weights add them up.

One ridge on all vectors side by side lets a weak encoder's many numbers drown a strong one's: on
real headlines it fell below the strong one alone. Here each encoder has a ridge of its own, and the
weights, one an encoder, are learned on what the ridges say of titles that they were not fitted on
(Wolpert, Neural Networks 1992; not negative: Breiman, Machine Learning 1996). They are drawn to the
best single ridge, and where they do not beat it beyond noise on titles that they have not seen, it
stands alone.

A sum of ridges is a ridge on vectors side by side, so what is saved and served is one like any.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from keyart.models.likelihood.calibrate import calibrate
from keyart.models.likelihood.relative import Effects, relative_effects
from keyart.models.priors.ridge import FOLDS, REPEATS, RidgeFit, RidgePrior, digest_of, fit_ridge
from keyart.schemas.errors import InvalidRecord

Array = NDArray[np.float64]

PULLS: Final = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""How strongly weights are drawn to the best single ridge; beside them, that it stands alone."""
LEAST_SHARE: Final = 0.02
"""Of all weights together: a member with less is left out, so that nothing is read for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFit(RidgeFit):
    """A fitted stack: a ridge on its members' vectors side by side.

    Parameters
    ----------
    shares
        (M,) weights of the members, at least 0; 0 for those that are not needed.
    members
        M fits, each alone.
    """

    shares: tuple[float, ...]
    members: tuple[RidgeFit, ...]

    @property
    def used(self) -> tuple[int, ...]:
        """The places of the members that are needed."""
        return tuple(at for at, share in enumerate(self.shares) if share > 0.0)


def fit_stack(
    blocks: Sequence[NDArray[np.floating]],
    groups: NDArray[np.integer],
    impressions: NDArray[np.floating],
    takes: NDArray[np.floating],
    *,
    space: str = "",
    seed: int = 0,
) -> StackFit:
    """Fit a ridge on each block of vectors, and the weights that add them up.

    Parameters
    ----------
    blocks
        M times (N, D_m): what each member reads of the same N rows.
    groups, impressions, takes
        As `fit_ridge` takes them.

    Raises
    ------
    InvalidRecord
        There is no block, or `fit_ridge` refuses one.
    """
    if not blocks:
        raise InvalidRecord("a stack needs a member")
    members = tuple(
        fit_ridge(block, groups, impressions, takes, space=space, seed=seed) for block in blocks
    )
    effects = relative_effects(
        np.asarray(groups), np.asarray(impressions, np.float64), np.asarray(takes, np.float64)
    )
    said = effects.centre(np.stack([member.held_out for member in members], axis=1))
    best = int(np.argmax([member.calibration.gain for member in members]))
    shares, held_out = stacked(said, effects, best, seed=seed)
    if np.count_nonzero(shares) == 1 and shares[best] == 1.0:
        calibration, held_out, scaled = members[best].calibration, members[best].held_out, shares
    else:
        calibration = calibrate(held_out, effects)
        scaled, held_out = shares * calibration.scale, held_out * calibration.scale
    weights = np.concatenate(
        [share * member.prior.weights for share, member in zip(scaled, members, strict=True)]
    )
    prior = RidgePrior(
        weights=weights,
        strength=calibration.strength,
        space=space,
        digest=digest_of(weights, space),
    )
    return StackFit(
        prior=prior,
        penalty=members[best].penalty,
        held_out=held_out,
        calibration=calibration,
        shares=tuple(shares.tolist()),
        members=members,
    )


def stacked(said: Array, effects: Effects, best: int, *, seed: int = 0) -> tuple[Array, Array]:
    """Return the members' weights (M,), and what they make of each title without knowing it, (N,).

    Parameters
    ----------
    said
        (N, M) what each member says of rows it was not fitted on, centred within titles.
    best
        The member that is best alone: its weight is 1 and the others' 0 where nothing else is
        better beyond noise.
    """
    alone = np.eye(said.shape[1])[best]
    if said.shape[1] == 1 or not said.any():
        return alone, said[:, best]
    rng = np.random.default_rng([seed, 2])
    titles = len(effects.level)
    parts = min(FOLDS, titles)
    splits = [rng.permutation(titles) % parts for _ in range(REPEATS)]
    # (P, N): predictions of each pull, by weights learned on other titles
    made = np.zeros((len(PULLS), len(said)))
    for split in splits:
        of_row = split[effects.group]
        for part in range(parts):
            of = of_row == part
            for at, pull in enumerate(PULLS):
                made[at, of] += said[of] @ _weights(said, effects, ~of, alone, pull) / REPEATS
    lost = _by_title(effects, said[:, best])
    saved = lost - np.stack([_by_title(effects, each) for each in made])  # (P, T)
    at = int(saved.sum(axis=1).argmax())
    gained = saved[at]
    if gained.mean() <= gained.std() / np.sqrt(titles):
        return alone, said[:, best]
    weights = _weights(said, effects, np.ones(len(said), np.bool_), alone, PULLS[at])
    weights[weights < LEAST_SHARE * weights.sum()] = 0.0
    return weights, made[at]


def without_idle(
    fit: StackFit, blocks: Sequence[NDArray[np.floating]], *, space: str = ""
) -> RidgeFit:
    """Return the same opinion as a ridge on the blocks of the members in use alone.

    Parameters
    ----------
    space
        The identity of those blocks' vectors.
    """
    ends = np.cumsum([block.shape[1] for block in blocks])
    cut = np.split(fit.prior.weights, ends[:-1])
    weights = np.concatenate([cut[at] for at in fit.used] or cut)
    prior = replace(fit.prior, weights=weights, space=space, digest=digest_of(weights, space))
    return RidgeFit(
        prior=prior, penalty=fit.penalty, held_out=fit.held_out, calibration=fit.calibration
    )


def _weights(
    said: Array, effects: Effects, of: NDArray[np.bool_], alone: Array, pull: float
) -> Array:
    """Return the weights, at least 0, that miss the effects of these rows least.

    The sum of w (y - P a)^2 + pull s |a - alone|^2, with s the mean size of a member.
    """
    rows = said[of]
    weighted = rows * effects.weight[of, None]
    gram, moment = weighted.T @ rows, weighted.T @ effects.effect[of]
    # a thousandth of a thousandth: two members that say the same leave their gram singular
    size = (pull + 1e-6) * float(np.trace(gram)) / len(alone)
    if size <= 0.0:
        return alone
    root = np.linalg.cholesky(gram + size * np.eye(len(alone)))
    found, _ = nnls(root.T, np.linalg.solve(root, moment + size * alone))
    return np.asarray(found, np.float64)


def _by_title(effects: Effects, predicted: Array) -> Array:
    """Return (T,) what a prediction misses of each title, squared and weighted."""
    missed = effects.weight * (effects.effect - predicted) ** 2
    return np.asarray(np.bincount(effects.group, missed, len(effects.level)), np.float64)
