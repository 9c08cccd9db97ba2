"""The asynchronous client."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Self

import httpx

from keyart.schemas.catalogue import Title
from keyart.schemas.errors import KeyartError
from keyart.services.client import calls
from keyart.services.client.answers import Choice, Page, Proposals
from keyart.services.client.calls import Call, Event, T, Value
from keyart.services.client.core import Growing, core
from keyart.services.client.outbox import Counts, Kind, Outbox, event_of
from keyart.services.client.patience import Patience
from keyart.services.client.sender import FIRST_WAIT_S, MOST_WAIT_S


class AsyncClient:
    """What `Client` is, for one event loop: see there for the parameters.

    The queue is sent by a task of the loop in which the first event was queued. At exit there is no
    loop any more: use it as `async with`, or await `close`.
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
        transport: httpx.AsyncBaseTransport | None = None,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._core = core(
            url,
            key,
            timeout_s=timeout_s,
            decide_within_s=decide_within_s,
            attempts=attempts,
            defaults=defaults,
        )
        self._http = httpx.AsyncClient(**self._core.options(verify, transport))
        self._outbox = Outbox(queue, batch)
        self._every_s, self._exit_s, self._wait = every_s, exit_s, wait
        self._more = asyncio.Event()
        self._full = asyncio.Event()
        self._flushes = asyncio.Event()
        self._sends: asyncio.Task[None] | None = None
        self._in_flight = 0

    async def __aenter__(self) -> Self:
        """Return itself; `close` follows."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    @property
    def counts(self) -> Counts:
        """What came of the events that were queued: sent, dropped, refused."""
        return self._outbox.counts

    async def decide(
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
            page = await self._ask(call, self._core.decide_patience)
        except KeyartError as error:
            if not self._core.failed(error):
                raise
            return self._core.fallback(viewer, titles, surface, str(error))
        self._core.outage.over()
        return page

    async def propose(
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
            found = await self._ask(call, self._core.decide_patience)
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
        """Queue what a viewer did with a choice, and return at once."""
        self.queue(event_of(kind, viewer, choice, surface=surface, minutes=minutes, at_ms=at_ms))

    def queue(self, event: Event) -> None:
        """Queue an event as `POST /v1/events` takes it, with an id; return at once."""
        self._outbox.add(event)
        if self._sends is None or self._sends.done():
            self._sends = asyncio.get_running_loop().create_task(self._work())
        self._more.set()
        if self._outbox.full_batch:
            self._full.set()

    async def flush(self, within_s: float = 10.0) -> bool:
        """Send what is queued; return whether all is sent, or was refused, within the time."""
        ends = time.monotonic() + within_s
        while self._outbox or self._in_flight:
            if self._sends is None or self._sends.done() or time.monotonic() >= ends:
                return False
            self._flushes.set()
            await asyncio.sleep(0.01)
        return True

    async def send(self, events: Sequence[Event]) -> int:
        """Send up to 1,000 events now, all or none; return how many were accepted."""
        return (await self._ask(calls.send(events))).accepted

    async def put_title(self, title: Title) -> None:
        """Add or replace a title."""
        await self._ask(calls.put_title(title))

    async def withdraw_title(self, title: str) -> None:
        """Remove a title from choice; its history stays."""
        await self._ask(calls.withdraw_title(title))

    async def viewer(self, viewer: str) -> dict[str, Any]:
        """Return all that is kept of a viewer."""
        return await self._ask(calls.read_viewer(viewer))

    async def correct_viewer(
        self, viewer: str, concepts: Mapping[str, float], *, reset: bool = False
    ) -> None:
        """Take a viewer's own word: named interests with weights of -1 to 1."""
        await self._ask(calls.correct_viewer(viewer, concepts, reset=reset))

    async def erase_viewer(self, viewer: str) -> None:
        """Erase a viewer, everywhere."""
        await self._ask(calls.erase_viewer(viewer))

    async def ready(self) -> bool:
        """Return whether the server answers requests now."""
        try:
            await self._attempt(calls.ready(), self._core.patience.timeout(0.0))
        except KeyartError:
            return False
        return True

    async def behind_ms(self) -> int:
        """Return how old the oldest event is that has not taught yet; 0 when all have."""
        return calls.behind_ms(await self._ask(calls.overview()))

    async def close(self) -> None:
        """Send what is queued, within `exit_s`, and close the connections."""
        await self.flush(self._exit_s)
        if self._sends is not None:
            self._sends.cancel()
            await asyncio.gather(self._sends, return_exceptions=True)
        self._outbox.drop_all()
        await self._http.aclose()

    async def _work(self) -> None:
        pause = 0.0
        while True:
            if pause:
                await _set_within(pause, self._flushes)
            else:
                await self._more.wait()
                await _set_within(self._every_s, self._flushes, self._full)
            batch = self._outbox.take()
            self._in_flight = len(batch)
            pause = await self._sent(batch, pause)

    async def _sent(self, batch: Sequence[Event], pause: float) -> float:
        waits = False
        try:
            if batch:
                await self.send(batch)
            self._outbox.counts.sent += len(batch)
        except KeyartError as error:
            waits = self._outbox.came_back(batch, error)
        except asyncio.CancelledError:
            self._outbox.again(batch)
            raise
        finally:
            self._in_flight = 0
        if not self._outbox:
            self._more.clear()
        self._flushes.clear()
        if not self._outbox.full_batch:
            self._full.clear()
        return min(MOST_WAIT_S, max(FIRST_WAIT_S, 2 * pause)) if waits else 0.0

    async def _ask(self, call: Call[T], patience: Patience | None = None) -> T:
        core, tried = self._core, 0
        patience = patience or core.patience
        began = core.clock()
        while True:
            passed = core.clock() - began
            try:
                return await self._attempt(call, patience.timeout(passed))
            except KeyartError as error:
                tried += 1
                pause = patience.pause(tried, core.clock() - began, error)
                if pause is None:
                    raise
                await self._wait(pause)

    async def _attempt(self, call: Call[T], timeout_s: float) -> T:
        content = Growing()
        try:
            async with self._http.stream(**self._core.request(call, timeout_s)) as answer:
                async for chunk in answer.aiter_bytes():
                    content.add(chunk)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise self._core.away(call, error) from error
        if answer.status_code >= 300:
            after = answer.headers.get("Retry-After", "")
            raise call.refused(answer.status_code, bytes(content), after)
        return call.read(bytes(content))


async def _set_within(seconds: float, *events: asyncio.Event) -> None:
    """Wait until one of the events is set, or until the time is over."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
