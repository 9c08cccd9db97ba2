"""How well each trust and each spread explain a title's takes: Gamma-Poisson, level integrated out.

With x_ks = L_s pi_k E_ks, takes R_ks ~ Poisson(x_ks theta_k) and theta_k ~ Gamma(a, a), a = 1/r^2,

    log p(R | L) = sum_k [ lgamma(a + R_k) - lgamma(a) - R_k log a - (a + R_k) log(1 + X_k / a) ]
                 + sum_ks R_ks log x_ks

with R_k, X_k summed over surfaces. The level L_s is lognormal; its mode is found by Newton's method
in log L and it is integrated out by Laplace's approximation (MacKay 2003, chapter 27). Terms that
are the same at every point of the grid are left out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyart.models.belief.hyper import Hyper
from keyart.models.likelihood.gamma_poisson import of_expected, of_takes
from keyart.models.sums.arrays import Sums

Array = NDArray[np.float64]

CHUNK = 1024
STEPS = 5
WARM_STEPS = 2
LARGEST_STEP = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Of T titles at G = Gr Gs points of the grid, titles last.

    Parameters
    ----------
    log_evidence
        (G, T) log marginal likelihood, up to a constant per title.
    log_level
        (S, G, T) mode of the log level.
    level_variance
        (S, G, T) variance of the log level around it.
    """

    log_evidence: Array
    log_level: Array
    level_variance: Array


def prior_shares(opinion: Array, mask: NDArray[np.bool_], trusts: tuple[float, ...]) -> Array:
    """Return (Gr, K, T) relative takes pi by prior alone: mean 1 over a title's artworks.

    pi_k(rho) is proportional to exp(rho d_k); zero where masked.
    """
    powers = np.asarray(trusts)[:, None, None]
    shares = np.exp(np.clip(powers * opinion.T, -20.0, 20.0)) * mask.T
    counts = np.maximum(mask.sum(axis=1), 1)
    return np.asarray(shares * (counts / np.maximum(shares.sum(axis=1), 1e-300))[:, None, :])


def as_shown(shares: Array, expected: Array) -> Array:
    """Return (Gr, T) the mean of shares (Gr, K, T) over what was shown, expected (K, T); else 1."""
    shown = expected.sum(axis=0)
    mean = (shares * expected).sum(axis=1) / np.where(shown > 0.0, shown, 1.0)
    return np.where(shown > 0.0, mean, 1.0)


def weigh(
    sums: Sums, *, level_mean: Array, level_sd: Array, hyper: Hyper, start: Array | None = None
) -> Evidence:
    """Return the evidence of every title at every point.

    Parameters
    ----------
    level_mean, level_sd
        (V, S, G) mean and standard deviation of the log level, by version, at every point.
    start
        (S, G, T) log levels of an earlier call with almost the same sums: the search starts there.
    """
    parts = [
        _weigh(sums, slice(at, at + CHUNK), level_mean, level_sd, hyper, start)
        for at in range(0, len(sums.mask), CHUNK)
    ]
    if len(parts) == 1:
        return parts[0]
    return Evidence(
        log_evidence=np.concatenate([part.log_evidence for part in parts], axis=-1),
        log_level=np.concatenate([part.log_level for part in parts], axis=-1),
        level_variance=np.concatenate([part.level_variance for part in parts], axis=-1),
    )


def _weigh(
    sums: Sums, of: slice, level_mean: Array, level_sd: Array, hyper: Hyper, start: Array | None
) -> Evidence:
    takes = np.ascontiguousarray(sums.takes[of].transpose(2, 1, 0))  # (S, K, T)
    expected = np.ascontiguousarray(sums.expected[of].transpose(2, 1, 0))
    version, grid = sums.version[of], (len(takes), *hyper.shape, len(sums.version[of]))
    mean = level_mean[version].transpose(1, 2, 0).reshape(grid)
    precision = (1.0 / level_sd[version] ** 2).transpose(1, 2, 0).reshape(grid)
    shares = prior_shares(sums.opinion[of], sums.mask[of], hyper.trusts)  # (Gr, K, T)
    shares /= as_shown(shares, expected.sum(axis=0))[:, None]
    base = (shares * expected[:, None])[:, :, None]  # (S, Gr, 1, K, T)
    shape = (1.0 / np.asarray(hyper.spreads) ** 2)[:, None, None]  # (Gs, 1, 1)
    own = takes.sum(axis=0)  # (K, T)
    total = takes.sum(axis=1)[:, None, None]  # (S, 1, 1, T)

    shown = expected.sum(axis=1)[:, None, None]
    if start is None:
        level = np.log((total + precision) / (shown + precision * np.exp(-mean)))
    else:
        level = start[:, :, of].reshape(grid).copy()
    steps = STEPS if start is None else WARM_STEPS
    surfaces, titles = len(takes), grid[-1]
    filled = shape + own  # (Gs, K, T)
    for step in range(steps + 1):
        x = np.exp(level)[:, :, :, None] * base  # (S, Gr, Gs, K, T)
        rate = shape + x.sum(axis=0)  # (Gr, Gs, K, T)
        deviation = filled / rate
        pulled = x * deviation  # expected takes, own deviation included
        slope = total - pulled.sum(axis=3) - (level - mean) * precision
        bend = _bend(x, pulled, rate, shape, precision)
        if step < steps:
            level += np.clip(_solve(bend, slope), -LARGEST_STEP, LARGEST_STEP)

    log_evidence = of_expected(own, rate - shape, shape).sum(axis=2)  # (Gr, Gs, T)
    log_evidence += of_takes(own, shape).sum(axis=1)
    log_shares = np.log(np.where(shares > 0.0, shares, 1.0))
    log_evidence += (own * log_shares).sum(axis=1)[:, None]
    log_evidence += (total * level - 0.5 * precision * (level - mean) ** 2).sum(axis=0)
    log_evidence += 0.5 * np.log(precision).sum(axis=0)
    log_determinant, variance = _invert(bend)
    log_evidence -= 0.5 * log_determinant
    points = hyper.size
    return Evidence(
        log_evidence=log_evidence.reshape(points, titles),
        log_level=level.reshape(surfaces, points, titles),
        level_variance=variance.reshape(surfaces, points, titles),
    )


def _bend(x: Array, pulled: Array, rate: Array, shape: Array, precision: Array) -> Array:
    """Return the negative second derivative: (1, Gr, Gs, T) for one surface, else (..., S, S)."""
    if len(x) == 1:
        # x theta (1 - x / rate), with rate - x = a
        single: Array = (pulled * (shape / rate)).sum(axis=3) + precision
        return single
    crossed = np.einsum("spqkt,upqkt->pqtsu", pulled / rate, x)
    diagonal = np.moveaxis(pulled.sum(axis=3) + precision, 0, -1)  # (Gr, Gs, T, S)
    return np.asarray(diagonal[..., None] * np.eye(len(x)) - crossed)


def _solve(bend: Array, slope: Array) -> Array:
    if len(slope) == 1:
        return slope / bend
    solved = np.asarray(np.linalg.solve(bend, np.moveaxis(slope, 0, -1)[..., None]), np.float64)
    return np.moveaxis(solved[..., 0], -1, 0)


def _invert(bend: Array) -> tuple[Array, Array]:
    """Return the log determinant (Gr, Gs, T) and the inverse's diagonal (S, Gr, Gs, T)."""
    if bend.ndim == 4:
        return np.log(bend[0]), 1.0 / bend
    sign_log = np.asarray(np.linalg.slogdet(bend)[1], np.float64)
    inverse = np.asarray(np.linalg.inv(bend), np.float64)
    diagonal = np.asarray(np.diagonal(inverse, axis1=-2, axis2=-1), np.float64)
    return sign_log, np.moveaxis(diagonal, -1, 0)
