"""What rows add up to, for each action: the least-squares sums of its rewards on a context.

Sums have no order, and those of two parts of a log add up to those of the whole.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]


@dataclass(slots=True, kw_only=True)
class ArmSums:
    """Sums over the rows of K actions with D features.

    Parameters
    ----------
    gram
        (K, D, D) sums of w x x'.
    moment
        (K, D) sums of w x y.
    squares
        (K,) sums of w y y.
    count
        (K,) sums of w.
    """

    gram: Array
    moment: Array
    squares: Array
    count: Array

    @classmethod
    def empty(cls, actions: int, features: int) -> "ArmSums":
        """Return sums of no row."""
        return cls(
            gram=np.zeros((actions, features, features)),
            moment=np.zeros((actions, features)),
            squares=np.zeros(actions),
            count=np.zeros(actions),
        )

    @classmethod
    def of(
        cls, x: Array, action: Numbers, reward: Array, *, actions: int, weight: Array | None = None
    ) -> "ArmSums":
        """Return the sums of N rows: features (N, D), actions, rewards and weights (N,)."""
        sums = cls.empty(actions, x.shape[1])
        order = np.argsort(action, kind="stable")
        ends = np.searchsorted(action[order], np.arange(actions + 1))
        for arm in range(actions):
            rows = order[ends[arm] : ends[arm + 1]]
            if not len(rows):
                continue
            its, y = x[rows], reward[rows]
            w = np.ones(len(rows)) if weight is None else weight[rows]
            weighted = its * w[:, None]
            sums.gram[arm] = weighted.T @ its
            sums.moment[arm] = weighted.T @ y
            sums.squares[arm] = float(w @ (y * y))
            sums.count[arm] = float(w.sum())
        return sums

    def __add__(self, other: "ArmSums") -> "ArmSums":
        """Return the sums of both parts."""
        return ArmSums(
            gram=self.gram + other.gram,
            moment=self.moment + other.moment,
            squares=self.squares + other.squares,
            count=self.count + other.count,
        )

    def __sub__(self, other: "ArmSums") -> "ArmSums":
        """Return the sums without a part that is in them."""
        return ArmSums(
            gram=self.gram - other.gram,
            moment=self.moment - other.moment,
            squares=self.squares - other.squares,
            count=self.count - other.count,
        )

    def learn(self, arm: int, x: Array, y: float) -> None:
        """Add one row, in place."""
        self.gram[arm] += np.outer(x, x)
        self.moment[arm] += y * x
        self.squares[arm] += y * y
        self.count[arm] += 1.0
