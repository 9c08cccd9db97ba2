"""What the place on a page has to do with takes, learned within each artwork.

An artwork of a title that stands first is taken more often than the same one further down. So
exposures are counted by where they were: one of factor f is worth f of an average one, a take far
down says more and a miss there less. With R takes of E expected in cell c (one artwork on one
surface) and band b of positions,

    R_cb ~ Poisson(l_c f_b E_cb),

and given a cell's takes, which of them fell into which band is multinomial with weights f_b E_cb:
the cells' own levels l_c drop out (the conditional likelihood of a Poisson regression with fixed
effects: Hausman, Hall and Griliches 1984). Good titles at the top, or good artworks there, teach
nothing about positions; only the same artwork at several places does. log f_b ~ N(0, s^2), and s is
learned by expectation-maximisation, so that where places do not matter the factors stay at 1.

The factor need not be what the place *causes*: it also holds who is shown a title at the top. It is
what is common to all artworks of a title there, and that is what is to be taken out of each.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.posterior import BAND_STARTS

Array = NDArray[np.float64]

BANDS: Final = len(BAND_STARTS)
ROUNDS: Final = 30
SETTLED: Final = 1e-4
"""A round that moves no log factor by more, nor the variance by so large a part, is the last."""
FIRST_SD: Final = 0.3
"""Standard deviation of the log factors that is assumed at first, worth `FIRST_BANDS` bands."""
FIRST_BANDS: Final = 1.0
LONGEST_STEP: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    """What positions do on one surface, for each of `BANDS` bands.

    Parameters
    ----------
    factor
        (B,) takes there, of those at an average position: 1 on average over what was shown.
    sd
        (B,) standard deviation of the log of the factor, against that of all places together.
    takes, expected
        (B,) sums over all artworks: how many takes of how many expected, decayed.
    """

    factor: Array
    sd: Array
    takes: Array
    expected: Array


def learn(takes: Array, expected: Array) -> Positions:
    """Return what positions do, from the sums of cells (C, B)."""
    whole = takes.sum(axis=1)
    some = whole > 0.0
    total, shown = takes.sum(axis=0), expected.sum(axis=0)
    log, covariance = _log_factors(takes[some], expected[some], whole[some])
    factor = np.exp(log)
    if (mass := float(shown.sum())) <= 0.0:
        return Positions(factor=factor, sd=np.zeros(BANDS), takes=total, expected=shown)
    factor *= mass / float(shown @ factor)
    # the average of all places is set to 1, so that its own uncertainty is none of a place's
    against = np.eye(BANDS) - shown * factor / mass
    sd = np.sqrt(np.einsum("ab,bc,ac->a", against, covariance, against))
    return Positions(factor=factor, sd=sd, takes=total, expected=shown)


def _log_factors(takes: Array, expected: Array, whole: Array) -> tuple[Array, Array]:
    """Return (B,) modes of the log factors and their covariance: Newton's steps, and EM for s."""
    log: Array = np.zeros(BANDS)
    shown = expected.sum(axis=0) > 0.0
    counted = float(shown.sum())
    variance = FIRST_SD**2
    covariance = variance * np.eye(BANDS)
    if counted < 2.0 or not len(whole):
        return log, covariance
    total = takes.sum(axis=0)
    for _ in range(ROUNDS):
        share = np.exp(log) * expected
        share /= share.sum(axis=1, keepdims=True)  # (C, B)
        said = whole[:, None] * share
        curve = np.diag(said.sum(axis=0)) - share.T @ said + np.eye(BANDS) / variance
        covariance = np.asarray(np.linalg.inv(curve), np.float64)
        step = covariance @ (total - said.sum(axis=0) - log / variance)
        step = np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        log += step
        square = float((log**2 + covariance.diagonal())[shown].sum())
        before, variance = variance, (FIRST_BANDS * FIRST_SD**2 + square) / (FIRST_BANDS + counted)
        if np.abs(step).max() < SETTLED and abs(variance - before) < SETTLED * before:
            break
    return log, covariance
