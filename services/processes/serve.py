"""`keyart serve`: the embedded server, the steps and the api, as processes of one family.

The server comes first and goes last. A child that dies is started again. One that ends by itself
five times within a minute ends the family, because restarting would only hide what is wrong; one
that cannot start with these settings ends it at once; one that is killed from outside is always
started again. A store that is away, frozen or full ends nothing: the api decides from memory, the
steps wait. If this process is killed the others end too; whoever comes next takes the folder over.
"""

import logging
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from keyart.schemas.errors import KeyartError, SettingsError, StoreAway
from keyart.services.api.listening import free_port
from keyart.services.processes.family import LastWords, Member
from keyart.services.processes.lock import FolderLock
from keyart.services.wiring.folder import check_room
from keyart.services.wiring.places import data_dir
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.store_checks import check_store
from keyart.services.wiring.stores import connected, server_of

log = logging.getLogger(__name__)
STOP_S = 10.0
MOST_DEATHS = 5
WITHIN_S = 60.0
LOOK_S = 0.5
ORPHANS_S = 15.0
"""How long a family whose supervisor was killed is waited for: its children end by themselves."""
TOLD_S = 10.0
LOCK: Final = "serve.lock"
API_ALONE: Final = ("KEYART_VIEWER_KEY", "KEYART_VIEWER_KEY_PREVIOUS", "KEYART_API_KEYS")
"""Secrets that only the api is given."""


class GivenUp(KeyartError):
    """A child died too often. Operator action: read its log above, mend the cause, start again."""


class Child:
    """One child process: a `keyart` command that is kept running."""

    def __init__(
        self, command: Sequence[str], *, environ: dict[str, str], inherits: Sequence[int] = ()
    ) -> None:
        self.command = command
        self._environ = environ
        self._inherits = inherits
        self._member = self._start()
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)

    def _start(self) -> Member:
        return Member(self.command, environ=self._environ, inherits=self._inherits)

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The process as it is now."""
        return self._member.process

    def look(self) -> None:
        """Start the process again if it has died.

        Raises
        ------
        SettingsError
            It cannot start with these settings.
        GivenUp
            It ended by itself too often.
        """
        code = self.process.poll()
        if code is None:
            return
        now, name, words = time.monotonic(), " ".join(self.command), self._member.last_words()
        if words.final:
            raise SettingsError(words.says)
        if code >= 0:
            self._deaths.append(now)
        if len(self._deaths) == MOST_DEATHS and now - self._deaths[0] < WITHIN_S:
            raise GivenUp(f"`keyart {name}` ended {MOST_DEATHS} times in a minute{_because(words)}")
        log.warning("`keyart %s` ended with %s; starting it again", name, code)
        self._member.close()
        self._member = self._start()

    def stop(self) -> None:
        """Ask it to finish, and kill it if it does not within 10 s."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._member.close()


def _because(words: LastWords) -> str:
    return f": {words.says}" if words.says else "; its log is above"


def serve(settings: Settings, commands: Sequence[tuple[str, ...]] = (("steps",), ("api",))) -> None:
    """Run the family until SIGINT or SIGTERM, then stop api, steps and server, in that order.

    Raises
    ------
    SettingsError
        Another family runs in this folder, the port is taken, or what is set does not fit what
        is stored.
    StoreAway
        The embedded server ended again and again before it had ever answered.
    GivenUp
        A child ended too often.
    """
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    lock = FolderLock(data_dir(settings) / LOCK, "`keyart serve`")
    address = f"http://{settings.api_host}:{settings.api_port or '(a free port)'}"
    lock.take(wait_s=ORPHANS_S, address=address)
    try:
        port = free_port(settings.api_host, settings.api_port)
        _run_family(settings, commands, stopping, lock, port)
    finally:
        lock.release()


def _run_family(
    settings: Settings,
    commands: Sequence[tuple[str, ...]],
    stopping: threading.Event,
    lock: FolderLock,
    port: int,
) -> None:
    server = None if settings.redis_url else server_of(settings)
    children: list[Child] = []
    try:
        if server is not None and not _first_answer(server, data_dir(settings), stopping):
            return
        try:
            with connected(settings) as client:
                check_store(settings, client)
        except StoreAway as away:
            log.warning("the store is away; the api and the steps wait for it: %s", away)
        environ = {**os.environ, "KEYART_API_PORT": str(port)}
        for command in commands:
            secrets = API_ALONE if command[0] != "api" else ()
            given = {name: text for name, text in environ.items() if name not in secrets}
            children.append(Child(command, environ=given, inherits=(lock.number,)))
        while not stopping.wait(LOOK_S):
            if server is not None:
                with suppress(KeyartError, OSError):
                    server.tend()
            for child in children:
                child.look()
    finally:
        for child in reversed(children):
            child.stop()
        if server is not None:
            server.stop(found_too=True)


class Starting(Protocol):
    """A server that is being started, as it is waited for."""

    @property
    def is_new(self) -> bool:
        """Whether it has never kept anything."""

    @property
    def gives_up(self) -> bool:
        """Whether it ended again and again."""

    def tend(self) -> bool:
        """Start it unless it runs; return whether it answers."""

    def last_words(self) -> str:
        """Return what it said last."""


def _first_answer(server: Starting, folder: Path, stopping: threading.Event) -> bool:
    """Start the server and wait until it answers, as long as it lives; False when asked to stop."""
    begun, told = time.monotonic(), time.monotonic()
    if server.is_new:
        check_room(folder)
    while not server.tend():
        if server.gives_up:
            raise StoreAway(f"the embedded server does not start; it says: {server.last_words()}")
        if time.monotonic() - told > TOLD_S:
            told = time.monotonic()
            log.warning("waiting for the embedded server since %.0f s", told - begun)
        if stopping.wait(0.05):
            return False
    return True
