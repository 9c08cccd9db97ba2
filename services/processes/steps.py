"""The process that runs the steps of the embedded default, and keeps the log short."""

import signal
import threading
from contextlib import ExitStack
from typing import Final

from keyart.schemas.errors import Fenced, LogError, StoreError
from keyart.services.processes.housekeeping import keep_site_until
from keyart.services.processes.lock import FolderLock
from keyart.services.wiring.memory import collect_seldom
from keyart.services.wiring.places import data_dir
from keyart.services.wiring.rebuilding import begin
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.steps import driver_of
from keyart.services.wiring.store_checks import check_store
from keyart.services.wiring.stores import connected
from keyart.services.wiring.titles import current_titles
from keyart.streams.embedded.driver import EmbeddedDriver
from keyart.streams.embedded.rest import Rest

LOCK: Final = "steps.lock"
BEFORE_S: Final = 15.0
"""How long steps that were told to end, because their parent is gone, are waited for."""


def run_steps(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; the batch at hand is committed first.

    A store that is away, or takes no writes, is waited for.

    Raises
    ------
    SettingsError
        The steps run in this folder already, or a setting does not fit what is stored.
    Fenced
        Another process runs the steps on this server now.
    """
    lock = FolderLock(data_dir(settings) / LOCK, "`keyart steps`")
    lock.take(wait_s=BEFORE_S)
    try:
        with ExitStack() as held:
            _run(settings, held)
    finally:
        lock.release()


def _run(settings: Settings, held: ExitStack) -> None:
    collect_seldom()
    stopping = threading.Event()
    driver = _begun(settings, held, stopping)
    if driver is None:
        return

    def stop(*_: object) -> None:
        stopping.set()
        driver.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if stopping.is_set():
        return
    keeper = threading.Thread(target=keep_site_until, args=(stopping, settings), daemon=True)
    keeper.start()
    driver.run()
    stopping.set()
    keeper.join(timeout=30)


def _begun(settings: Settings, held: ExitStack, stopping: threading.Event) -> EmbeddedDriver | None:
    """Return the driver once the store is there and its state whole; None when stopped before."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    client = held.enter_context(connected(settings))
    titles = current_titles(settings, client)
    rest = Rest("the start of the steps")
    while not stopping.wait(rest.left_s):
        with rest.after_failure(StoreError, LogError, passing=Fenced):
            check_store(settings, client)
            begin(settings, client, titles.space)
            return driver_of(settings, client, titles)
    return None
