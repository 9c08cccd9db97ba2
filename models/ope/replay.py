"""An on-line policy on a log, by rejection: it meets only the rows on which it would have agreed.

Li, Chu, Langford and Wang, WSDM 2011: on a uniform log the rows that are kept are a sample of what
the policy would have met, so its learning curve is unbiased. Where the log is not uniform, a row
whose action was likelier is kept more rarely, by smallest propensity over its own.
"""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from keyart.models.ope.rows import Array, Mask, Rows

PAGES: Final = 3


class Online(Protocol):
    """A policy that learns."""

    def propensities(self, x: Array, allowed: Mask | None = None) -> Array:
        """Return (N, K) exact probabilities of the actions, of features (N, D)."""
        ...

    def learn(self, x: Array, action: int, reward: float) -> None:
        """Take in one row."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The rows on which the policy agreed, in the order of the log.

    Parameters
    ----------
    matched
        (M,) their numbers.
    reward
        (M,) what came of them.
    """

    matched: Array
    reward: Array


def replay(policy: Online, x: Array, rows: Rows, *, seed: int = 0, scale: float = 1.0) -> Replayed:
    """Return what the policy met and earned, learning as it went.

    Parameters
    ----------
    x
        (N, D) features of the context.
    scale
        Rewards are divided by it before they are learned.
    """
    rng = np.random.default_rng(seed)
    least = float(rows.propensity.min())
    draws, coins = rng.random(len(rows)), rng.random(len(rows))
    matched: list[int] = []
    block = PAGES * rows.allowed.shape[1]
    at = 0
    while at < len(rows):
        # nothing is learned from rows that do not match, so those up to the next match are one page
        part = slice(at, min(at + block, len(rows)))
        shares = policy.propensities(x[part], rows.allowed[part]).cumsum(axis=1)
        drawn = (shares <= draws[part, None] * shares[:, -1:]).sum(axis=1)
        same = (drawn == rows.action[part]) & (coins[part] * rows.propensity[part] <= least)
        found = np.flatnonzero(same)
        if not len(found):
            at = part.stop
            continue
        row = at + int(found[0])
        matched.append(row)
        policy.learn(x[row], int(rows.action[row]), float(rows.reward[row]) / scale)
        at = row + 1
    numbers = np.array(matched, np.intp)
    return Replayed(matched=numbers.astype(np.float64), reward=rows.reward[numbers])
