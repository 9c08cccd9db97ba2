"""The process that runs the steps of the embedded default, and keeps the log short."""

import logging
import signal
import threading

from keyart.schemas.errors import KeyartError, MissingExtra
from keyart.services.bootstrap import Parts
from keyart.services.erasure import finish_erasures
from keyart.services.rebuild import rebuild_if_needed

log = logging.getLogger(__name__)


def run_steps(parts: Parts) -> None:
    """Run until SIGTERM or SIGINT; the batch at hand is committed first.

    Raises
    ------
    Fenced
        Another process runs the steps on this server now.
    """
    stopping = threading.Event()

    def stop(*_: object) -> None:
        stopping.set()
        parts.driver.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    rebuild_if_needed(parts)
    keeper = threading.Thread(target=_keep_house, args=(parts, stopping), daemon=True)
    keeper.start()
    parts.driver.run()
    stopping.set()
    keeper.join(timeout=30)


def _keep_house(parts: Parts, stopping: threading.Event) -> None:
    """Archive, trim and erase every so often; a failure is logged and tried again next time."""
    house = Parts(parts.settings)
    while not stopping.wait(parts.settings.archive_s):
        try:
            house.archiver.run()
            finish_erasures(house)
            _score_new(house)
        except (KeyartError, OSError) as failed:
            log.warning("archiving failed and will be tried again: %s", failed)


def _score_new(house: Parts) -> None:
    """Let the current prior see new titles, where what runs it is installed."""
    try:
        from keyart.services.priors.serving import score_new_beside

        score_new_beside(house)
    except MissingExtra as missing:
        log.debug("%s", missing)
