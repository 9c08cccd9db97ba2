"""The synchronous client."""

import atexit
import os
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Self

import httpx

from keyart.schemas.catalogue import Title
from keyart.schemas.errors import KeyartError
from keyart.services.client import calls
from keyart.services.client.answers import Choice, Page, Proposals
from keyart.services.client.calls import Call, Event, T, Value
from keyart.services.client.core import Growing, core
from keyart.services.client.outbox import Counts, Kind, event_of
from keyart.services.client.patience import Patience
from keyart.services.client.sender import Sender


class Client:
    """keyart's HTTP interface, from any number of threads.

    Connections are kept and shared; calls are tried again with growing waits where that can help;
    what viewers did waits in a bounded queue and goes out in batches, the last of them at exit.
    `decide` never raises because keyart is away: it answers the default artworks, and says so in
    `away`.

    Parameters
    ----------
    url
        Where keyart is, such as http://127.0.0.1:8650.
    key
        Sent as a bearer key; empty for none.
    defaults
        Title -> artwork that is shown when keyart is away; may be any mapping of your own.
    timeout_s
        Of an attempt.
    decide_within_s
        A page is answered, or gets its defaults, within about this time.
    attempts
        Of a call, with growing waits between them; 1 for none again.
    queue, batch, every_s
        Events that may wait (the oldest is dropped and counted), that go in one call, and for how
        long they wait for others.
    exit_s
        For the last events, at exit or `close`.
    verify
        A context of `ssl` where the server's certificate is of an authority of your own.
    transport
        Of httpx, for tests; None for the network.
    wait
        Passes seconds.

    Raises
    ------
    SettingsError
        The url is no http or https one, or a number is out of its bounds.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str = "",
        defaults: Mapping[str, str] | None = None,
        timeout_s: float = 5.0,
        decide_within_s: float = 1.0,
        attempts: int = 3,
        queue: int = 10_000,
        batch: int = 500,
        every_s: float = 0.5,
        exit_s: float = 5.0,
        verify: Any = True,
        transport: httpx.BaseTransport | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._core = core(
            url,
            key,
            timeout_s=timeout_s,
            decide_within_s=decide_within_s,
            attempts=attempts,
            defaults=defaults,
        )
        self._made_with = (verify, transport)
        self._wait, self._exit_s = wait, exit_s
        self._sender = Sender(self.send, queue=queue, batch=batch, every_s=every_s)
        self._connect()
        # by reference that does not hold the client: one that is let go of need not wait for exit
        self._at_exit = partial(_close, weakref.WeakMethod(self.close))
        atexit.register(self._at_exit)

    def _connect(self) -> None:
        self._process = os.getpid()
        self._http = httpx.Client(**self._core.options(*self._made_with))

    def __enter__(self) -> Self:
        """Return itself; `close` follows."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @property
    def counts(self) -> Counts:
        """What came of the events that were queued: sent, dropped, refused."""
        return self._sender.counts

    def decide(
        self,
        viewer: str,
        titles: Sequence[str],
        *,
        surface: str = "home",
        why: bool = True,
        context: Mapping[str, Value] | None = None,
        allow: Mapping[str, Any] | None = None,
        deny: Mapping[str, Any] | None = None,
        positions: Sequence[int] | None = None,
        slate: Mapping[str, Any] | None = None,
    ) -> Page:
        """Return the artworks to show a viewer, in the order of the titles.

        They stand on the page in that order, unless `positions` say where: 1 for the first. A
        `slate` keeps the pictures of the row apart, by attributes (`alike`, `most`) or by vectors
        (`cosine`): `docs/rules.md`.

        Raises
        ------
        ErrorAnswer
            The request is wrong, or the key. Not that keyart is away: see `Page.away`.
        """
        if (resting := self._core.rests()) is not None:
            return self._core.fallback(viewer, titles, surface, resting.away)
        more = {
            "context": context,
            "allow": allow,
            "deny": deny,
            "positions": positions,
            "slate": slate,
        }
        call = calls.decide(viewer, titles, surface, why=why, more=more)
        try:
            page = self._ask(call, self._core.decide_patience)
        except KeyartError as error:
            if not self._core.failed(error):
                raise
            return self._core.fallback(viewer, titles, surface, str(error))
        self._core.outage.over()
        return page

    def propose(
        self,
        viewer: str,
        *,
        surface: str = "home",
        count: int = 5,
        titles: Sequence[str] | None = None,
        context: Mapping[str, Value] | None = None,
    ) -> Proposals:
        """Return up to `count` titles a viewer would not have looked for, each with its picture.

        Of `titles`, or of the whole catalogue. A site without a table, and a keyart that is away,
        propose nothing, and `Proposals.away` says why: no page breaks for it.

        Raises
        ------
        ErrorAnswer
            The request is wrong, or the key.
        """
        if (resting := self._core.rests()) is not None:
            return Proposals(titles=(), surface=surface, away=resting.away)
        more = {"count": count, "titles": titles, "context": context}
        try:
            call = calls.propose(viewer, surface, more)
            found = self._ask(call, self._core.decide_patience)
        except KeyartError as error:
            return self._core.nothing(surface, error)
        self._core.outage.over()
        return found

    def track(
        self,
        kind: Kind,
        viewer: str,
        choice: Choice,
        *,
        surface: str = "home",
        minutes: float | None = None,
        at_ms: int | None = None,
    ) -> None:
        """Queue what a viewer did with a choice, and return at once.

        Parameters
        ----------
        kind
            impression (it was on screen), click, play (with `minutes`), finish, like, hide.
        at_ms
            When, in milliseconds since 1970; now, when it is left out.
        """
        self.queue(event_of(kind, viewer, choice, surface=surface, minutes=minutes, at_ms=at_ms))

    def queue(self, event: Event) -> None:
        """Queue an event as `POST /v1/events` takes it, with an id; return at once."""
        self._sender.add(event)

    def flush(self, within_s: float = 10.0) -> bool:
        """Send what is queued; return whether all is sent, or was refused, within the time."""
        return self._sender.flush(within_s)

    def send(self, events: Sequence[Event]) -> int:
        """Send up to 1,000 events now, all or none; return how many were accepted."""
        return self._ask(calls.send(events)).accepted

    def put_title(self, title: Title) -> None:
        """Add or replace a title."""
        self._ask(calls.put_title(title))

    def withdraw_title(self, title: str) -> None:
        """Remove a title from choice; its history stays."""
        self._ask(calls.withdraw_title(title))

    def viewer(self, viewer: str) -> dict[str, Any]:
        """Return all that is kept of a viewer."""
        return self._ask(calls.read_viewer(viewer))

    def correct_viewer(
        self, viewer: str, concepts: Mapping[str, float], *, reset: bool = False
    ) -> None:
        """Take a viewer's own word: named interests with weights of -1 to 1."""
        self._ask(calls.correct_viewer(viewer, concepts, reset=reset))

    def erase_viewer(self, viewer: str) -> None:
        """Erase a viewer, everywhere."""
        self._ask(calls.erase_viewer(viewer))

    def ready(self) -> bool:
        """Return whether the server answers requests now."""
        try:
            self._attempt(calls.ready(), self._core.patience.timeout(0.0))
        except KeyartError:
            return False
        return True

    def behind_ms(self) -> int:
        """Return how old the oldest event is that has not taught yet; 0 when all have."""
        return calls.behind_ms(self._ask(calls.overview()))

    def close(self) -> None:
        """Send what is queued, within `exit_s`, and close the connections."""
        self._sender.close(self._exit_s)
        self._http.close()
        atexit.unregister(self._at_exit)

    def _ask(self, call: Call[T], patience: Patience | None = None) -> T:
        core, tried = self._core, 0
        patience = patience or core.patience
        began = core.clock()
        while True:
            passed = core.clock() - began
            try:
                return self._attempt(call, patience.timeout(passed))
            except KeyartError as error:
                tried += 1
                pause = patience.pause(tried, core.clock() - began, error)
                if pause is None:
                    raise
                self._wait(pause)

    def _attempt(self, call: Call[T], timeout_s: float) -> T:
        if self._process != os.getpid():
            # two processes on one connection would read each other's answers
            self._connect()
        content = Growing()
        try:
            with self._http.stream(**self._core.request(call, timeout_s)) as answer:
                for chunk in answer.iter_bytes():
                    content.add(chunk)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise self._core.away(call, error) from error
        if answer.status_code >= 300:
            after = answer.headers.get("Retry-After", "")
            raise call.refused(answer.status_code, bytes(content), after)
        return call.read(bytes(content))


def _close(held: "weakref.WeakMethod[Callable[[], None]]") -> None:
    if (close := held()) is not None:
        close()
