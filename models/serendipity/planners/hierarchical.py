"""A hierarchical contextual bandit: what explores instead of planning, as a baseline.

Clusters stand under groups of clusters alike. A group learns how its clusters are received in a
context, and a cluster only how far it is off its group, so that what is learned of one is of use to
its neighbours (Song et al. 2021, "Show me the whole world", a tree of interests; the deviations are
those of Hong et al. 2022, "Hierarchical Bayesian bandits"). It hears of what it proposed alone:
each viewer who teaches is met once at every share of their way, gets five proposals, and says which
of them they came to.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from keyart.models.serendipity.cases import Case
from keyart.models.serendipity.histories import History, counts_of
from keyart.models.serendipity.planners.novelty import TOP
from keyart.models.serendipity.vocabulary.clustering import cluster, nearest
from keyart.models.serendipity.world import Floats

WIDE: Final = 16
"""Dimensions of a context, beside the constant."""
PRECISION: Final = 1.0
OPTIMISM: Final = 0.5
"""How many standard deviations above what is expected an option is looked at (LinUCB's alpha)."""


class Bandit:
    """Expects of each cluster what its group and its own deviation earn in a viewer's context.

    Parameters
    ----------
    centres
        (K, D) of the clusters, unit vectors.
    cases
        Viewers who teach, each at a moment, in any order.
    seed
        Of the order in which they are met, and of groups.
    """

    name = "hierarchical bandit"

    def __init__(self, centres: Floats, cases: Iterable[Case], *, seed: int = 0) -> None:
        mean = centres.mean(axis=0)
        _, _, axes = np.linalg.svd(centres - mean, full_matrices=False)
        self._places = (centres - mean) @ axes[:WIDE].T
        groups = cluster(centres, max(round(len(centres) ** 0.5), 1), seed=seed)
        self._group = nearest(centres, groups)
        width = self._places.shape[1] + 1
        self._groups = _Ridges(len(groups), width)
        self._own = _Ridges(len(centres), width)
        met = list(cases)
        for at in np.random.default_rng(seed).permutation(len(met)):
            self._meet(met[at])

    def scores(self, histories: Sequence[History]) -> Floats:
        """Return (N, K): what is expected, without the optimism with which it explored."""
        contexts = self._contexts(histories)
        made: Floats = contexts @ (self._groups.mean[self._group] + self._own.mean).T
        return made

    def _contexts(self, histories: Sequence[History]) -> Floats:
        """Return (N, 1 + D'): the constant, and the mean place of what was explored."""
        deep = np.log1p(counts_of(histories, len(self._places)))
        mean = deep @ self._places / np.maximum(deep.sum(axis=1, keepdims=True), 1e-12)
        return np.hstack([np.ones((len(mean), 1)), mean])

    def _meet(self, case: Case) -> None:
        context = self._contexts([case.history])[0]
        by_group, wide_group = self._groups.told(context)
        own, wide = self._own.told(context)
        hoped = by_group[self._group] + own + OPTIMISM * (wide_group[self._group] + wide)
        hoped[list(case.history.order)] = -np.inf
        came = {*case.targets}
        for each in np.argsort(-hoped, kind="stable")[:TOP].tolist():
            reward, group = float(each in came), int(self._group[each])
            # the deviation is from what the group expected before it heard of this
            self._own.learn(each, context, reward - float(self._groups.mean[group] @ context))
            self._groups.learn(group, context, reward)


class _Ridges:
    """Ridge regressions of one width, each with its inverse (Sherman & Morrison 1950)."""

    def __init__(self, many: int, width: int) -> None:
        self.mean = np.zeros((many, width))
        self._sums = np.zeros((many, width))
        self._inverse = np.tile(np.eye(width) / PRECISION, (many, 1, 1))

    def told(self, context: Floats) -> tuple[Floats, Floats]:
        """Return (M,) what each expects, and its standard deviation in units of the noise's."""
        spread = np.einsum("i,mij,j->m", context, self._inverse, context, optimize=True)
        return self.mean @ context, np.sqrt(np.maximum(spread, 0.0))

    def learn(self, at: int, context: Floats, reward: float) -> None:
        """Take one reward."""
        inverse = self._inverse[at]
        told = inverse @ context
        inverse -= np.outer(told, told) / (1.0 + context @ told)
        self._sums[at] += reward * context
        self.mean[at] = inverse @ self._sums[at]
