"""What is done now and then beside the steps: archive, erase, and let the prior see new titles."""

import logging
import threading

from keyart.schemas.errors import KeyartError, MissingExtra
from keyart.services.bootstrap import Parts
from keyart.services.erasure import finish_erasures

log = logging.getLogger(__name__)


def keep_house(parts: Parts) -> int:
    """Do one round; return how many records were archived."""
    done = parts.archiver.run()
    finish_erasures(parts)
    _score_new(parts)
    return done


def keep_house_until(stopping: threading.Event, parts: Parts) -> None:
    """Do a round every `archive_s` seconds; a failure is logged and tried again next time."""
    while not stopping.wait(parts.settings.archive_s):
        try:
            keep_house(parts)
        except (KeyartError, OSError) as failed:
            log.warning("housekeeping failed and will be tried again: %s", failed)


def _score_new(parts: Parts) -> None:
    """Let the current prior see new titles, where what runs it is installed."""
    try:
        from keyart.services.priors.serving import score_new_beside

        score_new_beside(parts)
    except MissingExtra as missing:
        log.debug("%s", missing)
