"""What an estimate stands on, in words: overlap, weights, whether the propensities are true."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import chdtrc, ndtri

from keyart.models.ope.estimators import weights
from keyart.models.ope.rows import Array, Rows
from keyart.models.statistics.bootstrap import LEVEL

LEAST_ROWS: Final = 100.0
"""With fewer effective rows than this no estimate is more than a guess."""
ALARM: Final = 1e-4


def effective_sample_size(rows: Rows, policy: Array) -> float:
    """Return (sum w)^2 / sum w^2: rows that the log is worth for the policy (Kish 1965)."""
    w = weights(rows, policy)
    squares = float((w**2).sum())
    return float(w.sum()) ** 2 / squares if squares > 0.0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Whether what was chosen agrees with the propensities that were logged."""

    statistic: float
    degrees: int
    p_value: float


def sample_ratio(rows: Rows, logged: Array) -> Ratio:
    """Compare how often each action was chosen with the sum of its propensities.

    A chi-square of (chosen - predicted)^2 / predicted variance over actions; `logged` are (N, K)
    propensities of every action. Propensities that are wrong make every estimate wrong.
    """
    chosen = np.bincount(rows.action, minlength=logged.shape[1]).astype(np.float64)
    predicted = logged.sum(axis=0)
    variance = (logged * (1.0 - logged)).sum(axis=0)
    used = variance > 1.0
    degrees = max(int(used.sum()) - 1, 0)
    statistic = float((((chosen - predicted) ** 2)[used] / variance[used]).sum())
    if degrees:
        statistic *= degrees / (degrees + 1)
    p_value = float(chdtrc(degrees, statistic)) if degrees else 1.0
    return Ratio(statistic=statistic, degrees=degrees, p_value=p_value)


def mean_weight(rows: Rows, policy: Array) -> tuple[float, float]:
    """Return the mean importance weight, which should be 1, and its standard error by viewer."""
    w = weights(rows, policy)
    mean = float(w.mean())
    sums = rows.by_cluster(w - mean)
    return mean, float(np.sqrt((sums**2).sum())) / len(rows)


def rows_to_tell(
    difference: float, standard_error: float, rows: int, *, level: float = LEVEL
) -> float:
    """Return how many rows in all would show this difference at a level, half the time.

    The standard error falls with the root of the rows; inf where there is no difference to show.
    """
    if difference == 0.0 or not np.isfinite(standard_error):
        return float("inf")
    wanted = abs(difference) / float(ndtri(0.5 + level / 2.0))
    return rows * (standard_error / wanted) ** 2


def complaints(rows: Rows, policy: Array, name: str) -> list[str]:
    """Return what makes estimates for this policy weak, each a sentence."""
    said: list[str] = []
    size = effective_sample_size(rows, policy)
    w = weights(rows, policy)
    covered = float(np.where(rows.propensity > 0.0, w, 0.0).mean())
    if size < LEAST_ROWS:
        more = len(rows) * (LEAST_ROWS / max(size, 0.5) - 1.0)
        said.append(
            f"{name}: not enough overlap to say. {len(rows)} rows are worth {size:.0f} for it; "
            f"about {more:,.0f} more rows of this kind would be enough"
        )
    mean, error = mean_weight(rows, policy)
    if error > 0.0 and abs(mean - 1.0) > -ndtri(ALARM / 2) * error:
        said.append(
            f"{name}: the mean importance weight is {mean:.3f} and should be 1: the propensities "
            "are not those that the log was made with, or some actions were never tried"
        )
    if (share := float(w.max()) / float(w.sum()) if w.sum() else 0.0) > 0.05 and covered:
        said.append(f"{name}: a single row carries {100 * share:.0f} % of all weight")
    return said
