"""The weights that all titles share: what taste, and what the prior says to a viewer, are worth.

How far each kind of relation between viewer and artwork matters is not known beforehand; it is
learned as the trust in the prior is. The weights of a kind have a spread, from next to nothing to
wide, and the evidence for each spread follows from the sums alone: they hold the expansion
g'w - w'Aw / 2 of the log likelihood of Poisson takes (`log_evidence`). Next to nothing is favoured,
so a relation moves little until takes of many titles speak for it (MacKay, Neural Computation
1992; Tipping, JMLR 2001).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.sums.shared import shared_matrices
from keyart.models.taste.crossing import CONTEXT_FEATURES, CROSSED
from keyart.models.taste.features import (
    F32,
    FEATURES,
    PERSONAL,
    PERSONAL_SCALE,
    PROJECTED,
    PROJECTED_SHORT,
    SURFACES,
)
from keyart.schemas.posterior import SharedSums

Array = NDArray[np.float64]
Kinds = NDArray[np.intp]

LIKENESS: Final = {"long": 0.1, "best": 0.1}
"""The direction that is looked along first: viewers take what is like what they took before. What
is one number is learned from a few hundred takes, two dozen are not."""
FIRST_LIKENESS: Final = 0.1
"""How far along it the weights are expected before any reward."""
FIRST_TRUST: Final = 0.3
"""How far what the prior says to a viewer is believed before any reward; 1 is word for word."""
RELATIONS: Final = {
    "long": ("long", "long_typical"),
    "short": ("short", "agreement"),
    "best": ("best", "best_squared"),
    "negative": ("negative",),
    "whoever looks": ("typical", "distinct"),
    "long projected": tuple(f"long_{axis}" for axis in range(PROJECTED)),
    "short projected": tuple(f"short_{axis}" for axis in range(PROJECTED_SHORT)),
    "surface": tuple(f"long_{name}" for name in SURFACES),
}
"""Kinds of relation, by the features whose weights share a spread. Features that a later keyart
logs are one more kind, and so are what priors say, and likeness."""
SPREADS: Final = (0.002, 0.03, 0.1, 0.3)
"""Standard deviations that the weights of a kind may have."""
LIKENESS_SPREADS: Final = (0.02, 0.3, 1.0, 3.0)
"""The same along likeness, in multiples of it."""
FIRST_ODDS: Final = (0.9, 0.05, 0.03, 0.02)
"""Probabilities of the spreads before any reward."""
CONTEXT_SPREADS: Final = (0.002, 0.03, 0.08, 0.2)
CONTEXT_ODDS: Final = (0.5, 0.2, 0.2, 0.1)
"""The same of the two kinds of a context: a site that sends one has a reason to."""
_CONTEXT_KINDS: Final = (np.arange(len(CONTEXT_FEATURES)) >= CROSSED).astype(np.intp)
RESPONSE_SPREAD: Final = 1.0
"""Standard deviation of the trust in responses before any reward; 1 is word for word."""
SITUATED: Final = PERSONAL + len(CONTEXT_FEATURES)
"""Features that no prior made, on a page that has a context."""
SWEEPS: Final = 3
"""Times that every kind's spread is weighed, given the others'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Posterior of the weights shared by all titles: mean (D,) and covariance (D, D), float32.

    `respond` is how far artworks' own responses are trusted, 0 to 1.
    `rows` (1 + D, D) are the mean and, below it, a square root of the covariance: one product with
    features x gives w'x and numbers whose squares add up to x' V x; worked out where it is not
    given. `situated` are the weights of pages that have a context, those of `CONTEXT_FEATURES`
    among them; None where there are none.
    """

    weights: F32
    covariance: F32
    situated: "Shared | None" = None
    respond: float = 1.0
    rows: F32 = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def __post_init__(self) -> None:
        """Take the root; rounding may have left eigenvalues a little below zero."""
        if len(self.rows):
            return
        values, vectors = np.linalg.eigh(self.covariance.astype(np.float64))
        root = (vectors * np.sqrt(np.maximum(values, 0.0))).T
        rows = np.vstack((self.weights[None], root)).astype(np.float32)
        object.__setattr__(self, "rows", rows)


def no_weights() -> Shared:
    """Return the shared weights before any reward: taste moves a little, until takes say more."""
    return learned_weights([], prior="")


def learned_weights(sums: Sequence[SharedSums], *, prior: str) -> Shared:
    """Return the posterior of the weights on the sums of all lanes.

    What other priors said is a feature of its own, and integrated out. The weights of a context are
    what is left to explain given the others, which they do not move: pages that have none are
    chosen as if nobody had any.

    Parameters
    ----------
    prior
        The one that serves: whose word the last weight is for.
    """
    gram, moment, own = shared_matrices(sums, prior=prior, least=SITUATED)
    plain = [*range(PERSONAL), *range(SITUATED, len(moment))]
    base = gram[np.ix_(plain, plain)]
    mean, covariance = _posterior(base, moment[plain], own - len(CONTEXT_FEATURES))
    met = slice(PERSONAL, SITUATED)
    # sums written by a later keyart may have features that this one does not know
    kept = [*range(PERSONAL), own - len(CONTEXT_FEATURES)]
    known = Shared(
        weights=mean[kept].astype(np.float32),
        covariance=covariance[np.ix_(kept, kept)].astype(np.float32),
        respond=trust_in_responses(sums),
    )
    if not gram[met, met].any():
        return replace(known, situated=_beside(known, _UNTOLD))
    left = moment[met] - gram[met][:, plain] @ mean
    context = _context_posterior(gram[met, met], left)
    return replace(known, situated=_beside(known, context))


def trust_in_responses(sums: Sequence[SharedSums]) -> float:
    """Return how far artworks' own responses are believed, 0 to 1: 0 until takes say more.

    The weight w of what they say, exp(w r), is normal around 0 before any reward; r is centred
    under the propensities, so what is told is told by what was drawn and not by who was shown what.
    """
    told = np.array([each.responded for each in sums if each.responded]).reshape(-1, 2)
    curvature, gradient = told.sum(axis=0).tolist()
    return float(np.clip(gradient / (curvature + RESPONSE_SPREAD**-2.0), 0.0, 1.0))


def _beside(known: Shared, context: Shared) -> Shared:
    """Return the weights of pages with a context: those of one stand before the last of the others.

    What is believed of them is independent, and so their roots stand beside each other.
    """
    its = np.arange(PERSONAL, SITUATED)
    others = np.r_[np.arange(PERSONAL), SITUATED]
    covariance = np.zeros((1 + SITUATED,) * 2, np.float32)
    rows = np.zeros((2 + SITUATED, 1 + SITUATED), np.float32)
    at = 0
    for part, places in ((known, others), (context, its)):
        covariance[np.ix_(places, places)] = part.covariance
        rows[0, places] = part.weights
        rows[np.ix_(1 + np.arange(at, at + len(places)), places)] = part.rows[1:]
        at += len(places)
    return Shared(weights=rows[0].copy(), covariance=covariance, rows=rows)


def _posterior(gram: Array, moment: Array, own: int) -> tuple[Array, Array]:
    """Return mean (W,) and covariance (W, W) of weights that have such sums."""
    turn, kinds, spreads = _coordinates(len(moment), own)
    start = np.zeros(len(turn))
    start[own:-1] = FIRST_TRUST / PERSONAL_SCALE
    start[-1] = FIRST_LIKENESS
    gram = turn @ gram @ turn.T
    pull = turn @ moment - gram @ start
    root = spread_of_weights(gram, pull, kinds, spreads)
    # (A + S^-2)^-1 = S (I + S A S)^-1 S, which spreads near 0 do not upset
    inner = np.eye(len(root)) + gram * np.outer(root, root)
    covariance = np.linalg.inv(inner) * np.outer(root, root)
    mean = start + covariance @ pull
    return mean @ turn, turn.T @ covariance @ turn


def _context_posterior(gram: Array, pull: Array) -> Shared:
    """Return the weights (C,) of a context, given all others."""
    spreads = np.tile(CONTEXT_SPREADS, (2, 1))
    root = spread_of_weights(gram, pull, _CONTEXT_KINDS, spreads, CONTEXT_ODDS)
    inner = np.eye(len(root)) + gram * np.outer(root, root)
    covariance = np.linalg.inv(inner) * np.outer(root, root)
    return Shared(
        weights=(covariance @ pull).astype(np.float32), covariance=covariance.astype(np.float32)
    )


def _coordinates(size: int, own: int) -> tuple[Array, Kinds, Array]:
    """Return coordinates v that are independent before any reward, in which weights are turn' v.

    Parameters
    ----------
    size
        Weights, all told.
    own
        Where those for the words of priors begin.

    Returns
    -------
    tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]
        (C, size) turn, one coordinate for each weight and the last along likeness; (C,) the kind of
        each; (kinds, spreads) what the spread of each kind may be.
    """
    turn = np.vstack((np.eye(size), np.zeros(size)))
    turn[-1, [FEATURES.index(name) for name in LIKENESS]] = list(LIKENESS.values())
    later, words, likeness = range(len(RELATIONS), len(RELATIONS) + 3)
    kinds = np.full(size + 1, later, np.intp)
    for at, names in enumerate(RELATIONS.values()):
        kinds[[FEATURES.index(name) for name in names]] = at
    kinds[own:size] = words
    kinds[-1] = likeness
    spreads = np.tile(SPREADS, (len(RELATIONS) + 3, 1))
    spreads[likeness] = LIKENESS_SPREADS
    return turn, kinds, spreads


def spread_of_weights(
    gram: Array,
    pull: Array,
    kinds: Kinds,
    spreads: Array,
    odds: Sequence[float] = FIRST_ODDS,
) -> Array:
    """Return (C,) the spread of every coordinate, its kind's spreads weighed by their evidence.

    Kind by kind, given the others. The mean is geometric: a wide spread of which there is a slight
    chance must not make all takes that are only noise into taste.

    Parameters
    ----------
    gram, pull
        (C, C) and (C,): the log likelihood is pull'v - v' gram v / 2.
    kinds
        (C,) the kind of each coordinate.
    spreads
        (kinds, G) what the spread of each kind may be.
    odds
        (G,) probabilities of the spreads before any reward.
    """
    log_spreads, log_odds = np.log(spreads), np.log(odds)
    root: Array = np.exp(log_spreads @ np.exp(log_odds))[kinds]
    told = np.unique(kinds[gram.diagonal() > 0.0])
    for each in told.tolist() * SWEEPS:
        its = kinds == each
        tried = np.tile(root, (spreads.shape[1], 1))
        tried[:, its] = spreads[each][:, None]
        weights = log_odds + log_evidence(gram, pull, tried)
        weights = np.exp(weights - weights.max())
        root[its] = np.exp(log_spreads[each] @ weights / weights.sum())
    return root


def log_evidence(gram: Array, pull: Array, spreads: Array) -> Array:
    """Return (G,) log marginal likelihoods, v normal around 0 with each of these spreads (G, C).

    The log of the mean of exp(pull'v - v' gram v / 2), in closed form.
    """
    inner = np.eye(len(pull)) + gram * (spreads[:, :, None] * spreads[:, None, :])
    scaled = spreads * pull
    explained = (scaled * np.linalg.solve(inner, scaled[:, :, None])[:, :, 0]).sum(axis=1)
    return np.asarray(0.5 * (explained - np.linalg.slogdet(inner)[1]))


_UNTOLD: Final = _context_posterior(
    np.zeros((len(CONTEXT_FEATURES),) * 2), np.zeros(len(CONTEXT_FEATURES))
)
"""The weights of a context of which nothing was ever told; made once, not at every refresh."""
