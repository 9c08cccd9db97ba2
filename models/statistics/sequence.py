"""Intervals that hold at every look at once, from a standard error that clusters by viewer.

A page is looked at all the time; an interval for one look excludes the truth at some look in a
quarter of all comparisons in which there is no difference. An asymptotic confidence sequence
(Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, "Time-uniform central limit theory and asymptotic
confidence sequences", arXiv 2103.06476, the Gaussian-mixture boundary of their theorem 2.2) is
wider by a factor of about 1.6 to 1.9 and excludes it at any look in at most 5 % of them. The
variance comes from the `REPLICATES` sums of the Poisson bootstrap, so a boundary of the normal
distribution is taken to that of Student's t with the same tail.
"""

from math import exp, inf, log, sqrt

from scipy.special import ndtr, ndtri, stdtr, stdtrit

LEVEL = 0.95
MOST = 1e6
"""More times the impressions than these are never reached."""


def reach(information: float, *, tuned: float, replicates: int, level: float = LEVEL) -> float:
    """Return the half-width, in standard errors, of the interval that holds at every look.

    Parameters
    ----------
    information
        1 / (standard error)^2 of the estimate now, above 0; it grows with the impressions.
    tuned
        Information from which on the interval is sharp: narrowest, at 3.0 normal standard errors,
        at eight times it.
    replicates
        Bootstrap replicates that the standard error comes from.
    """
    told = information / tuned
    normal = sqrt((1.0 + 1.0 / told) * log((1.0 + told) / (1.0 - level) ** 2))
    return -float(stdtrit(replicates - 1, ndtr(-normal)))


def growth_until_told(
    estimate: float, error: float, *, tuned: float, replicates: int
) -> float | None:
    """Return by what factor impressions must grow until the interval excludes 0.

    If the estimate stays as it is and the information grows with the impressions. 1 or less: it
    excludes 0 now. None: not within `MOST` times the impressions.
    """
    if error <= 0.0 or estimate == 0.0:
        return None
    now = 1.0 / error**2

    def short(growth: float) -> bool:
        information = now * growth
        half = reach(information, tuned=tuned, replicates=replicates) / sqrt(information)
        return half >= abs(estimate)

    low, high = 1.0, MOST
    if not short(low):
        return 1.0
    if short(high):
        return None
    while high / low > 1.001:
        middle = sqrt(low * high)
        low, high = (middle, high) if short(middle) else (low, middle)
    return high


def evidence(gap: float, variance: float, spread: float, *, replicates: int) -> float:
    """Return the log of the e-value against "the gap has mean 0", a normal mixture.

    Its expectation under that is at most 1 at every look (Robbins 1970; Howard, Ramdas, McAuliffe
    & Sekhon 2021), asymptotically: the same mixture as the interval's.

    Parameters
    ----------
    gap
        A sum of what was seen less what was expected.
    variance
        Of the sum, from this many replicates.
    spread
        Standard deviation of the gaps that the mixture is about.
    """
    if variance <= 0.0:
        return inf if abs(gap) > 1e-6 else 0.0
    tail = stdtr(replicates - 1, -abs(gap) / sqrt(variance))
    normal = -float(ndtri(max(tail, 1e-300)))
    whole = variance + spread**2
    return 0.5 * log(variance / whole) + 0.5 * normal**2 * (1.0 - variance / whole)


def p_value(logs: list[float]) -> float:
    """Return the p-value, at every look, of the mean of these e-values; 1 of none."""
    if not logs:
        return 1.0
    top = max(logs)
    if top == inf:
        return 0.0
    # the mean of exp(logs), kept from overflowing
    mean = top + log(sum(exp(each - top) for each in logs) / len(logs))
    return exp(-mean) if mean > 0.0 else 1.0
