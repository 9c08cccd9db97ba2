"""Whether an opinion of a title's artworks is borne out by what was taken of them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.statistics.interval import Interval

Array = NDArray[np.float64]

LEAST_TAKES: Final = 10.0
"""With fewer takes an interval would be made up."""
WIDTH: Final = 1.96
"""Standard errors on either side of a 95 % interval."""


def log_gain(opinion: Array, takes: Array, expected: Array) -> Interval | None:
    """Return the log likelihood that the opinion gains over none, for each take, in nats.

    Of takes R_k with expectations L pi_k E_k the level L is what makes their sum right, with the
    opinion and without it, so what is left is a multinomial: mean of log(pi_k / pi) over takes,
    with pi the mean of pi_k as shown. Its variance is the larger of that of the takes as they fell
    and that without an opinion: few takes on one artwork are no certainty.

    Parameters
    ----------
    opinion
        (K,) log relative takes, up to a shift; made without these takes.
    takes, expected
        (K,) rewards, and what was expected of them.

    Returns
    -------
    Interval or None
        With a 95 % interval; None with fewer than `LEAST_TAKES` takes.
    """
    total, shown = float(takes.sum()), float(expected.sum())
    if total < LEAST_TAKES or shown <= 0.0:
        return None
    log_share = np.clip(opinion - opinion.max(), -20.0, 0.0)
    gain = log_share - np.log((expected * np.exp(log_share)).sum() / shown)
    mean = float((takes * gain).sum() / total)
    even = float((expected * gain).sum() / shown)
    variance = max(
        float((takes * (gain - mean) ** 2).sum() / total),
        float((expected * (gain - even) ** 2).sum() / shown),
    )
    error = WIDTH * float(np.sqrt(variance / total))
    return Interval(estimate=mean, low=mean - error, high=mean + error)
