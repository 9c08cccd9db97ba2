"""What all learning from a site's log works with, and what makes a version of one kind."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from keyart.models.dataset.influence import Bounds
from keyart.schemas.errors import InvalidRecord
from keyart.services.jobs.priors.serving import Scoring
from keyart.streams.ports import Clock
from keyart.streams.registry.registry import Registry

Tell = Callable[[str], None]
"""Hears in words what is being done."""


class CannotRefresh(InvalidRecord):
    """What serves has nothing to measure anew, or the log has too little to measure it by."""


@dataclass(frozen=True, kw_only=True)
class Learning:
    """What learns from a site's log.

    Parameters
    ----------
    registry
        Where versions are kept.
    scoring
        The site's priors, titles and opinions.
    archive
        The folder with the site's training log.
    bounds
        What may teach.
    clock
        Now, in milliseconds.
    """

    registry: Registry
    scoring: Scoring
    archive: Path
    bounds: Bounds
    clock: Clock


class Trains(Protocol):
    """Makes a version of one kind from the log; killed and asked again, it makes the same."""

    def train(self, *, since_ms: int, by: str, tell: Tell) -> str:
        """Train, keep it in the registry, and return its name.

        Parameters
        ----------
        since_ms
            What was shown before teaches nothing.
        by
            Who trains, for the registry.
        tell
            Hears what is being done.
        """
