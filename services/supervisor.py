"""`keyart serve`: the embedded server, the steps and the api, as processes of one family.

The server comes first and goes last. A child that dies is started again. One that ends by itself
five times within a minute ends the family, because restarting would only hide what is wrong; one
that is killed from outside is always started again.
"""

import logging
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence

from keyart.schemas.errors import KeyartError
from keyart.services.bootstrap import Parts
from keyart.services.store_checks import check_store

log = logging.getLogger(__name__)
STOP_S = 10.0
MOST_DEATHS = 5
WITHIN_S = 60.0


class GivenUp(KeyartError):
    """A child died too often. Operator action: read its log above, mend the cause, start again."""


class Child:
    """One child process: a `keyart` command that is kept running."""

    def __init__(self, *command: str) -> None:
        self.command = command
        self.process = self._start()
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)

    def _start(self) -> subprocess.Popen[bytes]:
        whole = [sys.executable, "-m", "keyart.services.cli.main", *self.command]
        return subprocess.Popen(whole, start_new_session=True)

    def look(self) -> None:
        """Start the process again if it has died.

        Raises
        ------
        GivenUp
            It ended by itself too often.
        """
        code = self.process.poll()
        if code is None:
            return
        now, name = time.monotonic(), " ".join(self.command)
        if code >= 0:
            self._deaths.append(now)
        if len(self._deaths) == MOST_DEATHS and now - self._deaths[0] < WITHIN_S:
            raise GivenUp(f"`keyart {name}` ended {MOST_DEATHS} times in a minute")
        log.warning("`keyart %s` ended with %s; starting it again", name, code)
        self.process = self._start()

    def stop(self) -> None:
        """Ask it to finish, and kill it if it does not within 10 s."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def serve(parts: Parts, commands: Sequence[tuple[str, ...]] = (("steps",), ("api",))) -> None:
    """Run the family until SIGINT or SIGTERM, then stop api, steps and server, in that order."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    own_server = not parts.settings.redis_url
    children: list[Child] = []
    try:
        if own_server:
            parts.server.start()
        check_store(parts)
        parts.log  # noqa: B018 - creates the streams before the children look for them
        children = [Child(*command) for command in commands]
        while not stopping.wait(0.5):
            if own_server:
                parts.server.start()
            for child in children:
                child.look()
    finally:
        for child in reversed(children):
            child.stop()
        if own_server:
            parts.server.stop()
