"""Titles sent to a running api, one after the other: patiently, and saying how far it came."""

import shlex
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from keyart.schemas.catalogue import Title
from keyart.schemas.errors import KeyartError, SettingsError
from keyart.services.client import ErrorAnswer

TRIES: Final = 6
MAX_WAIT_S: Final = 30.0
AGAIN: Final = (409, 429, 503)
"""Statuses that say: not now."""


class Stopped(KeyartError):
    """A load ended before its end; what was sent stands, and sending it again changes nothing."""

    def __init__(self, done: int, titles: Sequence[Title], why: KeyartError) -> None:
        at = titles[done].id
        super().__init__(
            f"loaded {done} of {len(titles)} titles, stopped at {at!r}: {why}. "
            f"Once that is mended go on with the same command and --start {shlex.quote(at)}"
        )
        self.done = done


def starting_with(titles: Sequence[Title], start: str) -> Sequence[Title]:
    """Return the titles from the named one on; all for "".

    Raises
    ------
    SettingsError
        There is none of that id.
    """
    if not start:
        return titles
    for at, title in enumerate(titles):
        if title.id == start:
            return titles[at:]
    raise SettingsError(f"--start: there is no title {start!r} in the file")


def send_all(
    titles: Sequence[Title],
    put: Callable[[Title], None],
    *,
    shown: Callable[[Iterable[Title]], Iterable[Title]] = iter,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Send titles in their order; where the api says "not now", try again after a while.

    Parameters
    ----------
    titles
        In the order of the file.
    put
        Sends one.
    shown
        Goes through them, and may show how far it is.
    wait
        Passes seconds.

    Raises
    ------
    Stopped
        One was refused, or the api was away for longer than a minute; says how far it came.
    """
    for done, title in enumerate(shown(titles)):
        try:
            _patiently(title, put, wait)
        except KeyartError as why:
            raise Stopped(done, titles, why) from why


def _patiently(title: Title, put: Callable[[Title], None], wait: Callable[[float], None]) -> None:
    pause = 1.0
    for left in reversed(range(TRIES)):
        try:
            put(title)
            return
        except ErrorAnswer as answer:
            if answer.status not in AGAIN or not left:
                raise
            pause = max(pause, answer.retry_s)
        except KeyartError:
            # nobody answered: a restart takes some seconds
            if not left:
                raise
        wait(min(pause, MAX_WAIT_S))
        pause *= 2
