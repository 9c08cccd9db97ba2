"""Takes of viewers who were to see a version against those of all others, in the same time."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.dataset.influence import FEW
from keyart.models.decide.experiment import viewer_share
from keyart.models.ope.canary import salt_of
from keyart.models.statistics.lift import Contrast, contrast
from keyart.models.statistics.timeline import viewer_weights
from keyart.schemas.posterior import PolicyBucket
from keyart.schemas.rollout import Rollout

ALWAYS: Final = 10
"""Rewards of a viewer that always count: of few viewers each has a large share."""


def compared(
    rollout: Rollout,
    viewers: Sequence[str],
    values: NDArray[np.float64],
    shown_ms: NDArray[np.int64],
    *,
    share: float = 1.0,
) -> tuple[Contrast | None, int]:
    """Return the lift of those who were to see the version, and their rewards in the last step.

    Within each step, whose shares are its own, and then averaged.

    Parameters
    ----------
    viewers
        (N,) pseudonyms.
    values, shown_ms
        (N,) rewards, and when they were shown, in that order.
    share
        Of a viewer among all rewards of the same step and side that had come by the time of theirs;
        those beyond it do not count. That is settled when a reward comes, and not by what came of
        it: weights that are worked out anew at each look, as those of what teaches are, would move
        what was looked at before, and the interval would not hold at every look.
    """
    names, number = np.unique(np.asarray(viewers, dtype=np.str_), return_inverse=True)
    salt = salt_of(rollout.version)
    places = np.array([viewer_share(str(each), salt) for each in names])[number]
    weights = viewer_weights([str(each) for each in names])[number].astype(np.float64)
    starts = [step.since_ms for step in rollout.steps]
    at_step = np.searchsorted(starts, shown_ms, side="right") - 1
    pairs, last = [], 0
    for at, step in enumerate(rollout.steps):
        here = at_step == at
        meant, others = (
            _within(number, here & side, share)
            for side in (places < step.share, places >= step.share)
        )
        pairs.append((_bucket(values, weights, meant), _bucket(values, weights, others)))
        last = int(meant.sum())
    return contrast(pairs), last


def _within(viewer: NDArray[np.intp], which: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    found = which.copy()
    found[which] = within_share(viewer[which], share)
    return found


def within_share(viewer: NDArray[np.intp], share: float) -> NDArray[np.bool_]:
    """Return (N,) whether each reward is within its viewer's share of all up to it.

    `ALWAYS` of a viewer are, and of few viewers each has twice an even share.

    Parameters
    ----------
    viewer
        (N,) numbers of viewers, 0 and up, in the order in which rewards came.
    """
    found = np.ones(len(viewer), np.bool_)
    if share >= 1.0:
        return found
    counted = [0] * (int(viewer.max(initial=-1)) + 1)
    met = 0
    for at, each in enumerate(viewer.tolist()):
        met += not counted[each]
        if counted[each] < max(ALWAYS, max(share, FEW / met) * (at + 1)):
            counted[each] += 1
        else:
            found[at] = False
    return found


def _bucket(
    values: NDArray[np.float64], weights: NDArray[np.float64], which: NDArray[np.bool_]
) -> PolicyBucket:
    return PolicyBucket(
        count=int(which.sum()),
        value=float(values[which].sum()),
        counts=weights[which].sum(axis=0).astype(int).tolist(),
        values=(weights[which] * values[which, None]).sum(axis=0).tolist(),
    )
