"""A blend of planners by learned trust: a logistic regression on viewers none of them had seen."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import minimize

from keyart.models.serendipity.cases import Case
from keyart.models.serendipity.histories import History
from keyart.models.serendipity.planners.opinions import NAMES, Opinions
from keyart.models.serendipity.world import Floats

SHRINKAGE: Final = 30.0
"""Precision of the trusts around 0: an opinion has to prove itself."""


class Trust(NamedTuple):
    """What opinions weigh: (P,) each, for opinions as they are."""

    weights: Floats
    deviations: Floats

    def shares(self) -> dict[str, float]:
        """Return how much a standard deviation of each opinion moves the log-odds."""
        moved = self.weights * self.deviations
        return dict(zip(NAMES, moved.tolist(), strict=True))


class Blend:
    """Adds the opinions up, each as far as it is trusted."""

    name = "blend"

    def __init__(self, opinions: Opinions, trust: Trust) -> None:
        self.opinions = opinions
        self.trust = trust

    def scores(self, histories: Sequence[History]) -> Floats:
        """Return (N, K)."""
        made: Floats = self.opinions.of(histories) @ self.trust.weights
        return made


def learn_trust(
    folds: Sequence[tuple[Callable[[], Opinions], Sequence[Case]]], clusters: int
) -> Trust:
    """Return how far each opinion is to be trusted.

    Parameters
    ----------
    folds
        Opinions, and cases of viewers who are not in what they have counted.
    clusters
        K.
    """
    rows: list[Floats] = []
    entered: list[Floats] = []
    for opinions, cases in folds:
        if not cases:
            continue
        told = opinions().of([case.history for case in cases])
        for case, its in zip(cases, told, strict=True):
            new = np.ones(clusters, bool)
            new[list(case.history.order)] = False
            hit = np.zeros(clusters)
            hit[list(case.targets)] = 1.0
            rows.append(its[new])
            entered.append(hit[new])
    if not rows:
        # nobody to learn from: co-occurrence alone
        return Trust(np.eye(len(NAMES))[NAMES.index("co-occurrence")], np.ones(len(NAMES)))
    return _fit(np.concatenate(rows), np.concatenate(entered))


def _fit(rows: Floats, entered: Floats) -> Trust:
    means, deviations = rows.mean(axis=0), rows.std(axis=0)
    deviations = np.where(deviations > 1e-9, deviations, 1.0)
    scaled = np.column_stack([(rows - means) / deviations, np.ones(len(rows))])

    def loss(trusts: Floats) -> tuple[float, Floats]:
        logits = scaled @ trusts
        error = 1.0 / (1.0 + np.exp(-logits)) - entered
        slope = scaled.T @ error
        slope[:-1] += SHRINKAGE * trusts[:-1]
        value = (np.logaddexp(0.0, logits) - entered * logits).sum()
        return float(value + 0.5 * SHRINKAGE * (trusts[:-1] ** 2).sum()), slope

    found = minimize(loss, np.zeros(scaled.shape[1]), jac=True, method="L-BFGS-B")
    fitted: Floats = found.x[:-1] / deviations
    return Trust(fitted, deviations)
