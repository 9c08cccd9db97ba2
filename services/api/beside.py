"""A second generation of all that decides, for a share of viewers, while a version is let out.

Meanwhile it counts how long deciding takes with either version: the canary judges that, too.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from keyart.models.decide.board import Board
from keyart.models.decide.experiment import viewer_share
from keyart.models.decide.index import ServingIndex
from keyart.models.ope.canary import salt_of
from keyart.models.statistics.times import bucket_of
from keyart.schemas.errors import KeyartError, StoreAway
from keyart.schemas.rollout import Rollout
from keyart.services.api.prior import ServedPrior
from keyart.services.jobs.rollout import other_of, rollout_in, timed_as, times_of
from keyart.streams.site import Register

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Generation:
    """All that decides with one prior."""

    index: ServingIndex
    board: Board
    prior: ServedPrior


class _Out(NamedTuple):
    """Swapped as one: a request sees a rollout and the generation that belongs to it."""

    rollout: Rollout
    salt: bytes
    generation: Generation


class Beside:
    """The second generation, if the site has noted a rollout.

    Parameters
    ----------
    register
        Where it is noted.
    """

    def __init__(self, register: Register) -> None:
        self._register = register
        self._out: _Out | None = None
        self._unfit = ""
        self._times: dict[str, Counter[str]] = {}
        self._lock = threading.Lock()

    @property
    def generation(self) -> Generation | None:
        """The second generation; None while nothing is let out, or it cannot serve."""
        return None if self._out is None else self._out.generation

    def index_of(self, viewer: str) -> ServingIndex | None:
        """Return the second index where it decides for a viewer; None where the first does."""
        if (out := self._out) is None:
            return None
        tried = viewer_share(viewer, out.salt) < out.rollout.share
        wanted = out.rollout.version if tried else out.rollout.against
        return out.generation.index if wanted == out.generation.prior.name else None

    def took(self, prior: str, seconds: float) -> None:
        """Count how long it took to decide a page with a prior, if that is one of two."""
        if (out := self._out) is None or prior not in (out.rollout.version, out.rollout.against):
            return
        name = timed_as(prior, bucket_of(seconds))
        with self._lock:
            self._times.setdefault(times_of(out.rollout), Counter())[name] += 1

    def tell_times(self) -> None:
        """Add what was counted since to the site's counts; raises StoreAway, and counts on."""
        with self._lock:
            taken, self._times = self._times, {}
        while taken:
            name, counts = next(iter(taken.items()))
            try:
                self._register.add_counts(name, counts)
            except StoreAway:
                with self._lock:
                    for each, more in taken.items():
                        self._times.setdefault(each, Counter()).update(more)
                raise
            del taken[name]

    def refresh(self, serving: str, build: Callable[[str], Generation]) -> None:
        """Follow the note of the rollout; raises StoreAway when it cannot be read.

        A version that cannot serve leaves all viewers to the first, and the canary hears nothing
        of it.

        Parameters
        ----------
        serving
            The version that serves.
        build
            Makes a generation by the name of a version.
        """
        rollout = rollout_in(self._register)
        wanted = "" if rollout is None else other_of(rollout, serving)
        if rollout is None or not wanted:
            self._out, self._unfit = None, ""
            return
        salt = salt_of(rollout.version)
        if self._out is not None and self._out.generation.prior.name == wanted:
            self._out = _Out(rollout, salt, self._out.generation)
            return
        self._out = None
        if self._unfit == wanted:
            return
        try:
            self._out = _Out(rollout, salt, build(wanted))
        except StoreAway:
            raise
        except KeyartError as unfit:
            log.error("%s does not serve beside %s: %s", wanted, serving, unfit)
            self._unfit = wanted
