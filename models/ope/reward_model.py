"""The reward model of the direct method, cross-fitted: no row is judged by what it taught.

Viewers are dealt into folds; a row's expected rewards come from the sums of the other folds, which
are those of the whole less its own (Chernozhukov et al. 2018, double machine learning).
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from keyart.models.context.posterior import Posterior, believe
from keyart.models.context.sums import ArmSums, Array, Numbers
from keyart.models.ope.rows import Rows

FOLDS: Final = 5


def folds_of(rows: Rows, *, folds: int = FOLDS, seed: int = 0) -> Numbers:
    """Return (N,) the fold of each row, 0 to folds - 1; a viewer's rows are in one."""
    rng = np.random.default_rng(seed)
    dealt = rng.permutation(rows.clusters) % folds
    return dealt if rows.cluster is None else dealt[rows.cluster]


def cross_fitted(
    x: Array,
    rows: Rows,
    fold: Numbers,
    tell: Callable[[Posterior, Numbers], None] | None = None,
) -> Array:
    """Return (N, K) expected rewards, each from the rows of other folds.

    Parameters
    ----------
    x
        (N, D) features of the context, the first of them 1.
    fold
        (N,) of `folds_of`.
    tell
        Called with the posterior of each fold and the rows that it may judge.
    """
    actions = rows.allowed.shape[1]
    parts = [np.flatnonzero(fold == each) for each in range(int(fold.max()) + 1)]
    sums = [ArmSums.of(x[at], rows.action[at], rows.reward[at], actions=actions) for at in parts]
    total = sums[0]
    for each in sums[1:]:
        total = total + each
    centre, low, high = rows.reward.mean(), rows.reward.min(), rows.reward.max()
    expected = np.empty((len(rows), actions))
    for at, own in zip(parts, sums, strict=True):
        posterior = believe(total - own, mean=float(centre))
        expected[at] = np.clip(posterior.means(x[at]), low, high)
        if tell is not None:
            tell(posterior, at)
    return expected
