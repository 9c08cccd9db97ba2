"""What a policy would have taken less than another on the same rows: what the gate's veto reads."""

from typing import Final

import numpy as np
from scipy.special import ndtri

from keyart.models.ope.estimators import Difference, counted, terms
from keyart.models.ope.gate.rules import MARGIN, Loss
from keyart.models.ope.intervals import Resampled, bootstrap, standard_error
from keyart.models.ope.rows import Array, Rows
from keyart.models.statistics.bootstrap import LEVEL

LEAST_ROWS: Final = 200
"""Rewards below which nothing is estimated."""


def loss_between(
    rows: Rows,
    candidate: Array,
    champion: Array,
    *,
    model: Array,
    margin: float = MARGIN,
    level: float = LEVEL,
    worlds: Resampled | None = None,
    counts: Array | None = None,
    seed: int = 0,
) -> Loss | None:
    """Return the candidate's take fraction less the champion's; None: fewer than `LEAST_ROWS`.

    Doubly robust, the two on the same rows (Delta-OPE), with a bootstrap over viewers.

    Parameters
    ----------
    candidate, champion
        (N, K) propensities.
    model
        (N, K) cross-fitted expected rewards.
    margin
        Share of the champion's takes that may be lost; of `rows_to_bound`.
    level
        Of the interval, above 0 and below 1.
    worlds
        The rows' viewers drawn again, where several are compared; None: drawn here by `seed`.
    counts
        (N,) what each row counts, above 0 to 1; None: all in full. Both are then of a log in which
        nobody says more than a share.
    """
    if len(rows) < LEAST_ROWS:
        return None
    ours, theirs = (
        counted(terms("dr", rows, each, model=model), counts) for each in (candidate, champion)
    )
    difference = Difference(first=ours, second=theirs)
    drawn = Resampled(rows, seed=seed) if worlds is None else worlds
    interval = bootstrap(difference, drawn, level=level)
    error, base = standard_error(rows, difference), max(theirs.value, 1e-12)
    sure = float(ndtri(0.5 + level / 2.0))
    wanted = len(rows) * (sure * error / (margin * base)) ** 2
    return Loss(
        difference=interval.estimate,
        low=interval.low,
        high=interval.high,
        champion=theirs.value,
        rows=len(rows),
        rows_to_bound=float(wanted) if np.isfinite(wanted) and wanted > len(rows) else None,
        level=level,
    )
