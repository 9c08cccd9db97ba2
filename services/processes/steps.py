"""The process that runs the steps of the embedded default, and keeps the log short."""

import signal
import threading
from typing import Final

from keyart.schemas.errors import Fenced, LogError, StoreError
from keyart.services.processes.housekeeping import keep_site_until
from keyart.services.processes.lock import FolderLock
from keyart.services.wiring.bootstrap import Parts
from keyart.services.wiring.memory import collect_seldom
from keyart.services.wiring.rebuilding import begin
from keyart.services.wiring.store_checks import check_store
from keyart.streams.embedded.driver import EmbeddedDriver
from keyart.streams.embedded.rest import Rest

LOCK: Final = "steps.lock"
BEFORE_S: Final = 15.0
"""How long steps that were told to end, because their parent is gone, are waited for."""


def run_steps(parts: Parts) -> None:
    """Run until SIGTERM or SIGINT; the batch at hand is committed first.

    A store that is away, or takes no writes, is waited for.

    Raises
    ------
    SettingsError
        The steps run in this folder already, or a setting does not fit what is stored.
    Fenced
        Another process runs the steps on this server now.
    """
    lock = FolderLock(parts.data_dir / LOCK, "`keyart steps`")
    lock.take(wait_s=BEFORE_S)
    try:
        _run(parts)
    finally:
        lock.release()


def _run(parts: Parts) -> None:
    collect_seldom()
    stopping = threading.Event()
    driver = _begun(parts, stopping)
    if driver is None:
        return

    def stop(*_: object) -> None:
        stopping.set()
        driver.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if stopping.is_set():
        return
    keeper = threading.Thread(target=keep_site_until, args=(stopping, parts.settings), daemon=True)
    keeper.start()
    driver.run()
    stopping.set()
    keeper.join(timeout=30)


def _begun(parts: Parts, stopping: threading.Event) -> EmbeddedDriver | None:
    """Return the driver once the store is there and its state whole; None when stopped before."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    rest = Rest("the start of the steps")
    while not stopping.wait(rest.left_s):
        with rest.after_failure(StoreError, LogError, passing=Fenced):
            check_store(parts)
            begin(parts.settings, parts.client, parts.space)
            return parts.driver
    return None
