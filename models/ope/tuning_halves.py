"""One half of a log's viewers, and what each option would have done on their rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from keyart.models.ope.diagnostics import effective_sample_size
from keyart.models.ope.gate.loss import loss_between
from keyart.models.ope.gate.rules import Loss
from keyart.models.ope.intervals import Resampled
from keyart.models.ope.rows import Array, Mask, Rows
from keyart.models.statistics.bootstrap import LEVEL

DRAWS: Final = 2000
NEVER: Final = 1e-6
"""A propensity below it is as good as none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A log with what each option would have done on it.

    Parameters
    ----------
    rows
        The log.
    judging
        (N,) True for rows of viewers who judge; the others pick.
    logged
        (N, K) propensities of every candidate when it was logged.
    model
        (N, K) cross-fitted expected rewards.
    serving
        (N, K) propensities of what serves.
    options
        (N, K) propensities of each option, by its name.
    unsure
        What each shows of what it is unsure of, over what serves, by its name.
    counts
        (N,) what each row counts, above 0 to 1; None: all in full.
    """

    rows: Rows
    judging: Mask
    logged: Array
    model: Array
    serving: Array
    options: Mapping[str, Array]
    unsure: Mapping[str, float]
    counts: Array | None = None


def level_of(among: int) -> float:
    """Return the level of each interval of so many that together hold with `LEVEL`."""
    return 1.0 - (1.0 - LEVEL) / max(among, 1)


class Half:
    """Rows of some viewers, who are drawn again once for all options."""

    def __init__(self, log: Logged, which: Mask, seed: int) -> None:
        self._log, self._which = log, np.flatnonzero(which)
        self.rows = log.rows.at(self._which) if len(self._which) else None
        self._worlds = None if self.rows is None else Resampled(self.rows, seed=seed, draws=DRAWS)

    def loss(self, name: str, among: int, margin: float) -> Loss | None:
        """Return what an option loses, with the interval of one of so many."""
        if self.rows is None:
            return None
        log, which = self._log, self._which
        return loss_between(
            self.rows,
            log.options[name][which],
            log.serving[which],
            model=log.model[which],
            margin=margin,
            level=level_of(among),
            worlds=self._worlds,
            counts=None if log.counts is None else log.counts[which],
        )

    def size(self, name: str) -> float:
        """Return how many rows these are worth for an option."""
        if self.rows is None:
            return 0.0
        return effective_sample_size(self.rows, self._log.options[name][self._which])

    def untried(self, name: str) -> float:
        """Return the share of what an option would show that could not have been shown."""
        which = self._which
        never = self._log.logged[which] < NEVER
        return float(np.where(never, self._log.options[name][which], 0.0).sum(axis=1).mean())
