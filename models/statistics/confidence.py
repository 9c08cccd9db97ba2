"""A confidence sequence for a mean: it holds at every row at once, whatever the rows' law."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceSequence:
    """A confidence sequence: (N,) low and high, valid at all N looks together."""

    low: Array
    high: Array


def confidence_sequence(
    values: Array, *, low: float, high: float, level: float = 0.95
) -> ConfidenceSequence:
    """Return an anytime-valid sequence for the mean of values in `low` to `high`, in their order.

    Waudby-Smith and Ramdas 2010.09686, theorem 2. Only what came before a value sets how much is
    bet on it, so values may depend on the past: of a policy that learns it covers the weighted mean
    so far of what each row was expected to earn. Looks are not intersected: that mean moves.
    """
    alpha = 1.0 - level
    x = np.clip((np.asarray(values, np.float64) - low) / (high - low), 0.0, 1.0)
    t = np.arange(1, len(x) + 1)
    mean = (0.5 + np.cumsum(x)) / (t + 1.0)
    before = np.concatenate(([0.5], mean[:-1]))
    variance = (0.25 + np.cumsum((x - mean) ** 2)) / (t + 1.0)
    earlier = np.concatenate(([0.25], variance[:-1]))
    bet = np.minimum(np.sqrt(2.0 * np.log(2.0 / alpha) / (earlier * t * np.log(t + 1.0))), 0.5)
    psi = -np.log1p(-bet) - bet
    spent = np.cumsum((x - before) ** 2 * psi)
    total = np.cumsum(bet)
    centre = np.cumsum(bet * x) / total
    half = (np.log(2.0 / alpha) + spent) / total
    under, over = np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
    return ConfidenceSequence(low=low + under * (high - low), high=low + over * (high - low))
