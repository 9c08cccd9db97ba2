"""What ties the processes of one `keyart serve` together, however one of them ends.

Parent and child hold the ends of a socket pair. When the parent is gone, even by `kill -9`, the
child's end is at its end, and the child stops as if asked to. Before it fails it says why: the
reason is then the last line that the family tells, and what cannot start is not started again.
"""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from keyart.services.wiring.settings import FAMILY

log = logging.getLogger(__name__)
ORPHAN_S: Final = 12.0
"""How long a child whose parent is gone may take to end by itself."""
_MOST_WORDS: Final = 8192
_joined: socket.socket | None = None


class LastWords(NamedTuple):
    """Why a child ended: one line, and whether it would end so again and again."""

    says: str
    final: bool


NOTHING: Final = LastWords("", False)


class Member:
    """A child process: a `keyart` command, tied to this process."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environ: Mapping[str, str] | None = None,
        inherits: Sequence[int] = (),
    ) -> None:
        self._cord, theirs = socket.socketpair()
        whole = [sys.executable, "-m", "keyart.services.cli.main", *command]
        given = {**(os.environ if environ is None else environ), FAMILY: str(theirs.fileno())}
        try:
            self.process = subprocess.Popen(
                whole, env=given, start_new_session=True, pass_fds=(theirs.fileno(), *inherits)
            )
        finally:
            theirs.close()

    def last_words(self) -> LastWords:
        """Return why the process, which has ended, ended."""
        self._cord.setblocking(False)
        try:
            said = json.loads(self._cord.recv(_MOST_WORDS) or b"{}")
            return LastWords(str(said["says"]), bool(said["final"]))
        except (OSError, ValueError, KeyError, TypeError):
            return NOTHING

    def close(self) -> None:
        """Let go of a process that has ended."""
        self._cord.close()


def join_family(environ: "os._Environ[str]" = os.environ) -> None:
    """Tie this process to the one that started it, if that was `keyart serve`."""
    global _joined
    number = environ.pop(FAMILY, "")
    if not number.isdecimal():
        return
    try:
        _joined = socket.socket(fileno=int(number))
    except OSError:
        return
    _joined.set_inheritable(False)
    threading.Thread(target=_watch, args=(_joined,), name="family", daemon=True).start()


def in_family() -> bool:
    """Whether this process was started by another of keyart's."""
    return _joined is not None


def tell_family(line: str, *, final: bool) -> bool:
    """Tell the parent why this process fails; return whether the parent will tell everybody.

    Parameters
    ----------
    line
        The reason.
    final
        Whether it would fail so again and again.
    """
    if _joined is None:
        return False
    words = json.dumps({"says": " ".join(line.split())[: _MOST_WORDS // 8], "final": final})
    with suppress(OSError):
        _joined.send(words.encode())
        return final
    return False


def _watch(cord: socket.socket) -> None:
    with suppress(OSError):
        while cord.recv(1):
            pass
    log.warning("the process that started this one is gone; stopping")
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ORPHAN_S)
    os._exit(1)
