"""The process that runs the steps of the embedded default, and keeps the log short."""

import signal
import threading

from keyart.services.bootstrap import Parts
from keyart.services.housekeeping import keep_house_until
from keyart.services.rebuild import rebuild_if_needed


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
    keeper = threading.Thread(
        target=keep_house_until, args=(stopping, Parts(parts.settings)), daemon=True
    )
    keeper.start()
    parts.driver.run()
    stopping.set()
    keeper.join(timeout=30)
