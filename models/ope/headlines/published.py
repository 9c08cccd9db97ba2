"""The published policies, impression by impression, on all tests at once.

A test of K creatives lasts tau K impressions. What is counted is the true rate of the creative that
was shown: the expectation of its click, so the last coin's noise stays out of the comparison.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from keyart.models.ope.headlines.padded import PaddedTests

Array = NDArray[np.float64]
Tick = Callable[[float], None]
Index = Callable[[Array, Array, float, int, np.random.Generator], Array]
"""(clicks, shown, log t, rows) -> index; the creative with the largest is shown."""

WIDTH = 0.08
AUXILIARY = 1000.0
_TICKS = 100


def upper_bound(clicks: Array, shown: Array, log_t: float, width: float) -> Array:
    """Return c / n + a sqrt(log t / n); infinite where nothing has been shown."""
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = clicks / shown + width * np.sqrt(log_t / shown)
    return np.where(shown > 0.0, bound, np.inf)


def ucb(*, width: float = WIDTH) -> Index:
    """Return UCB1 with the width a of LOLA's paper."""

    def index(
        clicks: Array, shown: Array, log_t: float, rows: int, rng: np.random.Generator
    ) -> Array:
        return upper_bound(clicks, shown, log_t, width)

    return index


def lola(expected: Array, *, width: float = WIDTH, auxiliary: float = AUXILIARY) -> Index:
    """Return LOLA's min(U1, U2) (Marketing Science 2025).

    Parameters
    ----------
    expected
        (rows, K) click rates the prior expects, in the order of the rows that are played.
    auxiliary
        n_aux, impressions each expectation is worth.
    """

    def index(
        clicks: Array, shown: Array, log_t: float, rows: int, rng: np.random.Generator
    ) -> Array:
        both = shown + auxiliary
        with_prior = clicks + expected[:rows] * auxiliary
        second = with_prior / both + width * np.sqrt(log_t / both)
        return np.minimum(upper_bound(clicks, shown, log_t, width), second)

    return index


def thompson(mask: NDArray[np.bool_]) -> Index:
    """Return Beta(1, 1) Thompson sampling at full scale.

    Parameters
    ----------
    mask
        (rows, K) where there is a creative, in the order of the rows that are played: draws are
        most of the work.
    """

    def index(
        clicks: Array, shown: Array, log_t: float, rows: int, rng: np.random.Generator
    ) -> Array:
        there, drawn = mask[:rows], np.zeros((rows, mask.shape[1]))
        taken = clicks[there]
        drawn[there] = rng.beta(taken + 1.0, shown[there] - taken + 1.0)
        return drawn

    return index


def order_of(tests: PaddedTests, replications: int) -> NDArray[np.intp]:
    """Return (R T,) rows, longest tests first, as `play` holds them: row r T + t is test t."""
    return np.argsort(-np.tile(tests.counts, replications), kind="stable")


def play(
    index: Index,
    tests: PaddedTests,
    *,
    tau: int,
    replications: int,
    rng: np.random.Generator,
    tick: Tick,
) -> Array:
    """Return (T,) expected clicks of each test, the mean over replications.

    Parameters
    ----------
    index
        Its prior, if any, in the order of `order_of`.
    tau
        Impressions per creative.
    tick
        Called with the share done, 0 to 1, now and then.
    """
    order = order_of(tests, replications) % len(tests.mask)
    rate, mask = tests.rate[order], tests.mask[order]
    horizon = tau * mask.sum(axis=1)
    closed = np.where(mask, 0.0, -np.inf) + rng.random(mask.shape) * 1e-9  # ties fall at random
    shown, clicks = np.zeros_like(rate), np.zeros_like(rate)
    earned = np.zeros(len(rate))
    every = np.arange(len(rate))
    last = int(horizon[0])
    for t in range(1, last + 1):
        rows = int(np.searchsorted(-horizon, -t, side="right"))
        value = index(clicks[:rows], shown[:rows], float(np.log(t)), rows, rng)
        # untried creatives all have an infinite index: they fall at random too
        value = np.where(np.isinf(value), 1e9, value) + closed[:rows] * np.where(
            np.isinf(value), 1e12, 1.0
        )
        at = value.argmax(axis=1)
        of = every[:rows]
        p = rate[of, at]
        earned[:rows] += p
        shown[of, at] += 1.0
        clicks[of, at] += rng.random(rows) < p
        if t % max(last // _TICKS, 1) == 0:
            tick(t / last)
    return np.bincount(order, earned, len(tests.mask)) / replications


def prior_only(opinion: Array, tests: PaddedTests, *, tau: int) -> Array:
    """Return (T,) expected clicks when the prior's best is always shown, ties evenly.

    Parameters
    ----------
    opinion
        (R, T, K); the mean over R is returned.
    """
    held = np.where(tests.mask, opinion, -np.inf)
    best = np.isclose(held, held.max(axis=2, keepdims=True), rtol=0.0, atol=1e-12) & tests.mask
    mean = (best * tests.rate).sum(axis=2) / best.sum(axis=2)
    return np.asarray(tau * tests.counts * mean.mean(axis=0))
