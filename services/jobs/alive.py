"""A mark on disk that says housekeeping is at work; probes ask for it often, so it loads little."""

import logging
import time
from pathlib import Path
from typing import Final

ALIVE: Final = "housekeeping.alive"
ALIVE_ROUNDS: Final = 3
ALIVE_MORE_S: Final = 3600.0
"""What a round may take: a neural encoder reads new titles for up to an hour."""
log = logging.getLogger(__name__)


def leave_mark(folder: Path) -> None:
    """Note that somebody is at work; a disk that is full or gone does not end it."""
    mark = folder / ALIVE
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    except OSError as wrong:
        log.warning("housekeeping cannot leave its mark: %s", wrong)


def is_alive(folder: Path, *, every_s: float) -> bool:
    """Whether a round was begun or tried lately, by a mark in the site's folder."""
    mark = folder / ALIVE
    late = ALIVE_ROUNDS * every_s + ALIVE_MORE_S
    return mark.is_file() and time.time() - mark.stat().st_mtime < late
