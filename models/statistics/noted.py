"""The mean of a reward that is watched, with an interval that clusters by viewer."""

from math import sqrt

from keyart.models.statistics.interval import Interval
from keyart.models.statistics.lift import interval
from keyart.schemas.posterior import Noted, PolicyBucket


def noted_interval(noted: Noted) -> Interval | None:
    """Return the mean of what was said, -1 to 1, with its 95 % interval; None of nothing.

    What was given and what was taken away are two fractions of 0 to 1, each with Wilson's interval
    at the effective sample size (`lift.interval`), so that one that never happened has a width too.
    Their difference has the square-and-add interval of Newcombe (1998), with the correlation that
    two outcomes of one trial have (Zou & Donner 2008): they exclude each other in an impression.
    """
    gain = interval(PolicyBucket(noted.count, noted.gain, counts=noted.counts, values=noted.gains))
    loss = interval(PolicyBucket(noted.count, noted.loss, counts=noted.counts, values=noted.losses))
    if gain is None or loss is None:
        return None
    p, q = gain.estimate, loss.estimate
    if q == 0.0 < p:
        return gain
    if p == 0.0 < q:
        return Interval(estimate=-q, low=-loss.high, high=-loss.low)
    apart = (1.0 - p) * (1.0 - q)
    correlation = -min(1.0, sqrt(p * q / apart)) if apart > 0.0 else -1.0
    return Interval(
        estimate=p - q,
        low=max(-1.0, p - q - _half(p - gain.low, loss.high - q, correlation)),
        high=min(1.0, p - q + _half(gain.high - p, q - loss.low, correlation)),
    )


def _half(one: float, other: float, correlation: float) -> float:
    return sqrt(max(0.0, one * one + other * other - 2.0 * correlation * one * other))
