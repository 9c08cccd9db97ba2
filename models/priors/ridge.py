"""A ridge on embeddings: which words do better within a title, learned from logged takes.

The target is an artwork's take fraction over its title's, less one; both sides are centred within
the title, so the level of a title, which says nothing about its artworks, cancels. The penalty is
cross-validated over titles, and the held-out predictions give the opinion's scale and strength.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from keyart.models.likelihood.calibrate import Calibration, calibrate
from keyart.models.likelihood.relative import Effects, relative_effects
from keyart.models.priors.opinion import Relative, opinion_by
from keyart.schemas.errors import InvalidRecord

Array = NDArray[np.float64]

PENALTIES = (3.0, 10.0, 30.0, 60.0, 100.0, 200.0, 400.0, 1000.0, 3000.0)
FOLDS = 5
REPEATS = 4
"""Times that titles are split into folds anew: one split moves the figures by a tenth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RidgePrior:
    """A linear opinion about vectors.

    Parameters
    ----------
    weights
        (D,) already on the calibrated scale: log relative take = vector . weights.
    strength
        Effective sample size in impressions.
    space
        Identity of the embedding space the vectors live in; "" when unknown.
    digest
        Hex digest that names these weights.
    """

    weights: Array
    strength: float
    space: str = ""
    digest: str = ""

    @property
    def version(self) -> str:
        """Return `ridge-` and the digest's first 8 digits."""
        return f"ridge-{self.digest[:8]}"

    def relative(self, vectors: NDArray[np.floating]) -> Array:
        """Return (N,) log relative takes of (N, D) vectors, not centred.

        Raises
        ------
        InvalidRecord
            The vectors are not as wide as the weights.
        """
        if vectors.shape[-1] != len(self.weights):
            raise InvalidRecord(
                f"vectors have {vectors.shape[-1]} numbers, the prior was fitted on "
                f"{len(self.weights)}"
            )
        return np.asarray(vectors, np.float64) @ self.weights

    def opinion(self, vectors: NDArray[np.floating]) -> Relative:
        """Return the opinion of one title's artworks, (K, D)."""
        return opinion_by(self.relative, vectors, self.strength)


@dataclass(frozen=True, slots=True, kw_only=True)
class RidgeFit:
    """A fitted ridge and what cross-validation said about it.

    Parameters
    ----------
    prior
        The fitted prior.
    penalty
        The penalty that was chosen.
    held_out
        (N,) calibrated opinions of the fitted rows, each made without its own title.
    calibration
        Scale, strength and evidence of those opinions.
    """

    prior: RidgePrior
    penalty: float
    held_out: Array
    calibration: Calibration


def fit_ridge(
    vectors: NDArray[np.floating],
    groups: NDArray[np.integer],
    impressions: NDArray[np.floating],
    takes: NDArray[np.floating],
    *,
    space: str = "",
    penalties: Sequence[float] = PENALTIES,
    folds: int = FOLDS,
    seed: int = 0,
) -> RidgeFit:
    """Fit the ridge on logged counts.

    Parameters
    ----------
    vectors
        (N, D) finite; one row for each artwork of each title.
    groups
        (N,) which title a row belongs to.
    impressions, takes
        (N,) counts.
    penalties
        Tried in cross-validation; all above 0.
    folds
        Parts the titles are split into, at random by `seed`, `REPEATS` times.

    Raises
    ------
    InvalidRecord
        Shapes do not fit, a value is not finite, or there are fewer than two titles.
    """
    x = np.asarray(vectors, np.float64)
    if x.ndim != 2 or len(x) != len(groups):
        raise InvalidRecord("vectors must be (N, D), with as many rows as groups")
    if not np.isfinite(x).all():
        raise InvalidRecord("vectors must be finite")
    effects = relative_effects(
        np.asarray(groups), np.asarray(impressions, np.float64), np.asarray(takes, np.float64)
    )
    titles = len(effects.level)
    if titles < 2:
        raise InvalidRecord("a prior needs at least two titles to learn from")
    size = _size(x)
    centred_x = effects.centre(x / size)
    rng = np.random.default_rng(seed)
    splits = [rng.permutation(titles) % min(folds, titles) for _ in range(REPEATS)]
    held_out, penalty = _cross_validate(
        centred_x, effects, [fold[effects.group] for fold in splits], penalties
    )
    calibration = calibrate(held_out, effects)
    weights = _solve(*_moments(centred_x, effects), [penalty])[0] * calibration.scale / size
    digest = digest_of(weights, space)
    prior = RidgePrior(weights=weights, strength=calibration.strength, space=space, digest=digest)
    return RidgeFit(
        prior=prior,
        penalty=penalty,
        held_out=held_out * calibration.scale,
        calibration=calibration,
    )


def digest_of(weights: Array, space: str) -> str:
    """Return the hex digest that names these weights on vectors of this space."""
    return sha256(space.encode() + b"\0" + weights.astype("<f8").tobytes()).hexdigest()


def _size(x: Array) -> float:
    """Return what rows are divided by, so that penalties mean the same for all encoders.

    Embeddings are of unit length, or about; those of other lengths are brought to it.
    """
    size = float(np.sqrt((x**2).sum(axis=1).mean()))
    return 1.0 if not size or 0.5 < size < 2.0 else size


def _moments(x: Array, effects: Effects) -> tuple[Array, Array]:
    weighted = x * effects.weight[:, None]
    return weighted.T @ x, weighted.T @ effects.effect


def _solve(gram: Array, moment: Array, penalties: Sequence[float]) -> Array:
    """Return (P, D) weights, one row for each penalty."""
    values, basis = np.linalg.eigh(gram)
    turned = basis.T @ moment
    damped = turned / (np.maximum(values, 0.0) + np.asarray(penalties)[:, None])
    return np.asarray(damped @ basis.T)


def _cross_validate(
    x: Array,
    effects: Effects,
    splits: Sequence[NDArray[np.integer]],
    penalties: Sequence[float],
) -> tuple[Array, float]:
    """Return (N,) held-out predictions at the best penalty, and that penalty.

    A prediction is the mean over splits, each without the row's own title. A penalty is judged by
    the correlation of its predictions with the effects, because their scale is calibrated
    afterwards.
    """
    gram, moment = _moments(x, effects)
    predictions = np.zeros((len(penalties), len(x)))
    for fold in splits:
        for part in np.unique(fold):
            of = fold == part
            weighted = x[of] * effects.weight[of, None]
            rest = _solve(
                gram - weighted.T @ x[of], moment - weighted.T @ effects.effect[of], penalties
            )
            predictions[:, of] += rest @ x[of].T / len(splits)
    product = predictions @ (effects.weight * effects.effect)
    size = np.sqrt(np.maximum((predictions**2) @ effects.weight, 1e-300))
    best = int(np.argmax(product / size))
    return predictions[best], float(penalties[best])
