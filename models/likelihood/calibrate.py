"""From raw opinions to relative takes with an effective sample size, by held-out likelihood.

Opinions d of artworks that were not fitted on them are held against what happened. With a power
rho and an own deviation of spread r, an artwork's takes are Poisson(L pi_k(rho) theta_k n_k) and
theta_k ~ Gamma(1/r^2, 1/r^2). The pair with the largest likelihood gives the scale, rho, and the
strength: an opinion whose misses have spread r is worth 1/r^2 expected takes, so 1/(r^2 L)
impressions at the level L.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyart.models.likelihood.gamma_poisson import of_expected, of_takes
from keyart.models.likelihood.relative import Effects

Array = NDArray[np.float64]

SPREADS = (float(np.log(0.02)), float(np.log(2.0)))
"""Of the log spread, lower and upper bound."""
LEAST_GAIN = 4.0
"""Nats by which an opinion must be more likely than none to be worth anything."""
LARGEST_SCALE = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What held-out takes say about an opinion.

    Parameters
    ----------
    scale
        Power by which raw opinions become log relative takes, 0 to `LARGEST_SCALE`; 0 when they
        do not help.
    spread
        Relative standard deviation of what the opinion misses.
    strength
        Effective sample size in impressions at the median level of the titles.
    gain
        Log likelihood over that of no opinion (each with its own best spread), in nats.
    """

    scale: float
    spread: float
    strength: float
    gain: float


def calibrate(opinion: Array, effects: Effects) -> Calibration:
    """Return scale and strength of raw opinions.

    Parameters
    ----------
    opinion
        (N,) raw, on a log scale up to an unknown positive power; made without its own title.
    effects
        Of the same N artworks.
    """
    # here: an api reads what was calibrated, and pays for no optimiser
    from scipy.optimize import minimize_scalar

    level = effects.level
    unit = float(np.sqrt(np.average(effects.centre(opinion) ** 2, weights=effects.weight + 1e-12)))
    norm = opinion / unit if unit > 0.0 else np.zeros_like(opinion)

    def best_spread(scale: float) -> tuple[float, float]:
        def loss(log_spread: float) -> float:
            spread = float(np.exp(log_spread))
            group, expected, takes = effects.group, effects.expected, effects.takes
            return -log_likelihood(norm * scale, spread, group, expected, takes, len(level))

        found = minimize_scalar(loss, bounds=SPREADS, method="bounded", options={"xatol": 1e-3})
        return float(found.fun), float(np.exp(found.x))

    free = minimize_scalar(
        lambda scale: best_spread(float(scale))[0],
        bounds=(0.0, 2.0),
        method="bounded",
        options={"xatol": 1e-3},
    )
    without, wide = best_spread(0.0)
    size, (with_opinion, spread) = float(free.x), best_spread(float(free.x))
    if not with_opinion < without - LEAST_GAIN:
        size, with_opinion, spread = 0.0, without, wide
    scale = size / unit if unit > 0.0 else 0.0
    middle = float(np.median(level[level > 0.0]))
    return Calibration(
        scale=min(scale, LARGEST_SCALE),
        spread=spread,
        strength=1.0 / (spread**2 * middle) if scale > 0.0 else 0.0,
        gain=without - with_opinion,
    )


def log_likelihood(
    log_relative: Array,
    spread: float,
    group: NDArray[np.intp],
    expected: Array,
    takes: Array,
    titles: int,
) -> float:
    """Return the Gamma-Poisson log likelihood of takes, the level of each title integrated out.

    The level is flat in its logarithm; Laplace's approximation. Taking its best value instead would
    find spreads too narrow: each title would have spent one of its artworks on its level.

    Parameters
    ----------
    log_relative
        (N,) log relative takes; a common shift within a title changes nothing.
    spread
        Spread r of own deviations, above 0.
    group
        (N,) titles, 0 to `titles` - 1.
    expected
        (N,) takes expected at the title's observed level.
    takes
        (N,) takes.
    """
    shape = 1.0 / spread**2
    base = np.exp(np.clip(log_relative, -20.0, 20.0)) * expected
    total = np.bincount(group, takes, titles)
    level = np.log(np.maximum(total, 1e-12) / np.maximum(np.bincount(group, base, titles), 1e-12))
    for _ in range(6):
        x = np.exp(level)[group] * base
        pulled = x * (shape + takes) / (shape + x)
        slope = total - np.bincount(group, pulled, titles)
        bend = np.bincount(group, pulled * shape / (shape + x), titles)
        level += np.clip(slope / np.maximum(bend, 1e-12), -1.0, 1.0)
    x = np.exp(level)[group] * base
    each = (
        of_takes(takes, shape)
        + of_expected(takes, x, shape)
        + takes * np.log(np.where(x > 0.0, x, 1.0))
    )
    bend = np.bincount(group, x * (shape + takes) * shape / (shape + x) ** 2, titles)
    return float(each.sum() - 0.5 * np.log(bend[bend > 0.0]).sum())
