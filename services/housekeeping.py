"""What is done now and then beside the steps: archive, erase, and let the prior see new titles."""

import logging
import threading
import time
from typing import Final

from keyart.schemas.errors import KeyartError, MissingExtra
from keyart.services.bootstrap import Parts
from keyart.services.erasure import finish_erasures, rewrite_if_due
from keyart.streams.valkey.room import NEARLY_FULL, room_of

ALIVE: Final = "housekeeping.alive"
ALIVE_ROUNDS: Final = 3
ALIVE_MORE_S: Final = 3600.0
"""What a round may take: a neural encoder reads new titles for up to an hour."""
log = logging.getLogger(__name__)


def keep_house(parts: Parts) -> int:
    """Do one round; return how many records were archived."""
    if (room := room_of(parts.client)).share >= NEARLY_FULL:
        log.warning("the state store is nearly full: %s; soon it takes nothing new", room)
    done = parts.archiver.run()
    finish_erasures(parts)
    rewrite_if_due(parts)
    _score_new(parts)
    return done


def keep_house_until(stopping: threading.Event, parts: Parts) -> None:
    """Do a round every `archive_s` seconds; a failure is logged and tried again next time."""
    mark = parts.data_dir / ALIVE
    parts.data_dir.mkdir(parents=True, exist_ok=True)
    mark.touch()
    while not stopping.wait(parts.settings.archive_s):
        try:
            keep_house(parts)
        except (KeyartError, OSError) as failed:
            log.warning("housekeeping failed and will be tried again: %s", failed)
        except Exception:
            # a thread that ends would leave the log to grow while all else looks well
            log.exception("housekeeping failed and will be tried again")
        mark.touch()


def is_alive(parts: Parts) -> bool:
    """Whether a round was begun or tried lately, by a mark in the data directory."""
    mark = parts.data_dir / ALIVE
    late = ALIVE_ROUNDS * parts.settings.archive_s + ALIVE_MORE_S
    return mark.is_file() and time.time() - mark.stat().st_mtime < late


def _score_new(parts: Parts) -> None:
    """Let the current prior see new titles, where what runs it is installed."""
    try:
        from keyart.services.priors.serving import score_new_beside

        score_new_beside(parts)
    except MissingExtra as missing:
        log.debug("%s", missing)
