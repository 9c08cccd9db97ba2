"""Tests as padded arrays: what is true of them, and what a prior says, right and wrong."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from keyart.models.dataset.creative_table import CreativeTable
from keyart.models.likelihood.calibrate import log_likelihood
from keyart.models.likelihood.relative import relative_effects
from keyart.schemas.errors import UnknownName

Array = NDArray[np.float64]

TRUTHS = ("observed", "shrunk")
KINDS = ("right", "shuffled", "inverted", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaddedTests:
    """T tests of up to K creatives.

    Parameters
    ----------
    rate
        (T, K) true click rate; 0 where masked.
    mask
        (T, K) True where there is a creative.
    """

    rate: Array
    mask: NDArray[np.bool_]

    @property
    def counts(self) -> NDArray[np.intp]:
        """(T,) creatives of each test."""
        return np.asarray(self.mask.sum(axis=1), np.intp)


def pad(table: CreativeTable, values: Array, fill: float = 0.0) -> Array:
    """Return the (N,) values of the creatives as (T, K), `fill` where there is none."""
    counts = np.bincount(table.test, minlength=table.tests)
    place = np.arange(len(table.test)) - (np.cumsum(counts) - counts)[table.test]
    out = np.full((table.tests, int(counts.max())), fill)
    out[table.test, place] = values
    return out


def padded(table: CreativeTable, truth: str = "observed") -> PaddedTests:
    """Return the tests with their true rates.

    Parameters
    ----------
    truth
        `observed`: clicks over impressions, sampling noise included, as the published protocol has
        it. `shrunk`: the level of the test times the posterior mean of the creative's own
        deviation, with the spread that makes the table most likely.

    Raises
    ------
    UnknownName
        The truth is neither.
    """
    if truth not in TRUTHS:
        raise UnknownName(f"truth {truth!r}: use {' or '.join(TRUTHS)}")
    rate = table.clicks / table.impressions
    if truth == "shrunk":
        effects = relative_effects(table.test, table.impressions, table.clicks)

        def loss(log_spread: float) -> float:
            return -log_likelihood(
                np.zeros(len(rate)),
                float(np.exp(log_spread)),
                effects.group,
                effects.expected,
                effects.takes,
                table.tests,
            )

        best = minimize_scalar(loss, bounds=(np.log(0.02), np.log(2.0)), method="bounded")
        shape = float(np.exp(-2.0 * best.x))
        level = effects.level[effects.group]
        rate = level * (shape + effects.takes) / (shape + effects.expected)
    return PaddedTests(rate=pad(table, rate), mask=pad(table, np.ones(len(rate))) > 0)


def opinion_of(
    kind: str,
    opinion: Array,
    mask: NDArray[np.bool_],
    *,
    replications: int = 1,
    seed: int = 0,
) -> Array:
    """Return a padded opinion (R, T, K) as the prior means it, or one of its controls.

    Each replication has a shuffle of its own: a single one may be right by luck.

    Parameters
    ----------
    kind
        `right`; `shuffled`, at random within each test; `inverted`, its sign turned; `none`.
    opinion
        (T, K) log relative rates.

    Raises
    ------
    UnknownName
        The kind is none of them.
    """
    if kind not in KINDS:
        raise UnknownName(f"prior {kind!r}: use one of {', '.join(KINDS)}")
    counts = mask.sum(axis=1, keepdims=True)
    centred = np.where(
        mask, opinion - np.where(mask, opinion, 0.0).sum(1, keepdims=True) / counts, 0
    )
    if kind == "shuffled":
        keys = np.random.default_rng(seed).random((replications, *mask.shape))
        order = np.where(mask, keys, 2.0).argsort(axis=2)
        return np.where(mask, np.take_along_axis(centred[None], order, axis=2), 0.0)
    meant = centred * {"right": 1.0, "inverted": -1.0, "none": 0.0}[kind]
    return np.broadcast_to(meant, (replications, *mask.shape))


def top_one(opinion: Array, tests: PaddedTests) -> float:
    """Return how often the best by opinion is the best in truth; ties count by their chance."""
    held = np.where(tests.mask, opinion, -np.inf)
    best = np.isclose(held, held.max(axis=1, keepdims=True), rtol=0.0, atol=1e-12) & tests.mask
    true = np.where(tests.mask, tests.rate, -1.0)
    winner = true >= true.max(axis=1, keepdims=True)
    return float(((best & winner).sum(axis=1) / best.sum(axis=1)).mean())
