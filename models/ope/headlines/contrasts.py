"""One policy against another on the same tests: what the bar is about, with paired intervals."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.statistics.bootstrap import ratio_interval

Array = NDArray[np.float64]
Played = dict[tuple[int, str, str], Array]
"""(T,) expected clicks of each test by tau, policy and kind of prior."""

KEYART, UCB, LOLA = ("keyart", "right"), ("ucb", "none"), ("lola-paper", "right")
BLIND: Final = ("keyart", "none")
BETTER: Final = "the better of the two"
PAIRS: Final = (
    (KEYART, UCB),
    (KEYART, LOLA),
    (("keyart", "inverted"), BLIND),
    (("keyart", "shuffled"), BLIND),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """One against another; `over`, `low` and `high` in per cent, 95 % interval over tests.

    Parameters
    ----------
    tau
        Impressions per creative; 0 is the mean over all that were played.
    """

    policy: str
    against: str
    tau: int
    over: float
    low: float
    high: float


def contrasts(played: Played, *, seed: int = 0) -> tuple[Contrast, ...]:
    """Return keyart against the others, and a wrong prior against none, by tau and on average.

    Which of UCB and LOLA is the better is seen for each tau after all of it was played.
    """
    taus = sorted({tau for tau, _, _ in played})
    out: list[Contrast] = []

    def add(policy: str, against: str, above: list[Array], below: list[Array]) -> None:
        for tau, numerator, denominator in (
            *zip(taus, above, below, strict=True),
            (0, np.stack(above), np.stack(below)),
        ):
            found = ratio_interval(numerator, denominator, seed=seed)
            over, low, high = (
                100.0 * (each - 1.0) for each in (found.estimate, found.low, found.high)
            )
            out.append(
                Contrast(policy=policy, against=against, tau=tau, over=over, low=low, high=high)
            )

    def of(one: tuple[str, str]) -> list[Array]:
        return [played[tau, *one] for tau in taus if (tau, *one) in played]

    for one, other in PAIRS:
        if of(one) and of(other):
            add(" ".join(one), " ".join(other), of(one), of(other))
    if of(KEYART) and of(LOLA):
        both = zip(of(UCB), of(LOLA), strict=True)
        better = [max(pair, key=lambda each: float(each.sum())) for pair in both]
        add(" ".join(KEYART), BETTER, of(KEYART), better)
    return tuple(out)
