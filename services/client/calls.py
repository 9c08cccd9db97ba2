"""The calls of keyart's HTTP interface, without doing any: what is sent, and how answers are read.

The synchronous and the asynchronous client send the same calls; they differ in how they wait.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import msgspec

from keyart.schemas.catalogue import Title
from keyart.services.client.answers import Accepted, Page, Problem, Proposals
from keyart.services.client.errors import Away, ErrorAnswer, NotNow

T = TypeVar("T")
Event = dict[str, object]
Value = str | float | bool

MAX_EVENTS: Final = 1000
"""Of one call."""
MAX_ANSWER_BYTES: Final = 64_000_000
NOT_NOW: Final = frozenset({409, 429, 502, 503, 504})
NO_TABLE: Final = frozenset({409})
"""A site that proposes nothing yet says so by it: no other try makes a table."""
OVERVIEW: Final = "/v1/insight/overview"

_encoder: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and the type of its answer.

    Each may be sent twice without harm: decisions are kept, events have ids, and putting,
    withdrawing, correcting and erasing twice is the same as once. An answer with a status of
    `settled` will be the same however often it is asked.
    """

    method: str
    path: str
    answers: type[T]
    body: bytes | None = None
    settled: frozenset[int] = frozenset()

    def read(self, content: bytes) -> T:
        """Return the answer.

        Raises
        ------
        Away
            It is not keyart that answered so: maybe a proxy with a page of its own.
        """
        try:
            return msgspec.json.decode(content, type=self.answers)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as wrong:
            said = f"{self.method} {self.path}: the answer is not keyart's: {wrong}"
            raise Away(said[:500]) from None

    def refused(self, status: int, content: bytes, retry_after: str) -> ErrorAnswer:
        """Return the error of an answer with a status of 300 or more."""
        try:
            problem = msgspec.json.decode(content, type=Problem)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            problem = Problem()
        kind = NotNow if status in NOT_NOW - self.settled else ErrorAnswer
        after = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0
        said = content[:500].decode(errors="replace")
        return kind(f"{self.method} {self.path}", status, said, after, problem)


def decide(
    viewer: str,
    titles: Sequence[str],
    surface: str,
    *,
    why: bool,
    more: Mapping[str, object],
) -> Call[Page]:
    """Return the call that chooses; `more` are fields of the body that stand only when given."""
    body: dict[str, object] = {"viewer": viewer, "surface": surface, "titles": list(titles)}
    if not why:
        body["why"] = False
    body |= {name: value for name, value in more.items() if value}
    return Call("POST", "/v1/decisions", Page, _encoder.encode(body))


def propose(viewer: str, surface: str, more: Mapping[str, object]) -> Call[Proposals]:
    """Return the call that proposes titles; `more` are fields that stand only when given."""
    body: dict[str, object] = {"viewer": viewer, "surface": surface}
    body |= {name: value for name, value in more.items() if value}
    return Call("POST", "/v1/serendipity", Proposals, _encoder.encode(body), NO_TABLE)


def send(events: Sequence[Event]) -> Call[Accepted]:
    """Return the call that sends up to 1,000 events, all or none."""
    return Call("POST", "/v1/events", Accepted, _encoder.encode({"events": list(events)}))


def put_title(title: Title) -> Call[Any]:
    """Return the call that adds or replaces a title."""
    return Call("PUT", _title(title.id), msgspec.Raw, _encoder.encode(title))


def withdraw_title(title: str) -> Call[Any]:
    """Return the call that removes a title from choice."""
    return Call("DELETE", _title(title), msgspec.Raw)


def correct_viewer(viewer: str, concepts: Mapping[str, float], *, reset: bool) -> Call[Any]:
    """Return the call that takes a viewer's own word on their taste."""
    body = _encoder.encode({"concepts": dict(concepts), "reset": reset})
    return Call("PATCH", _viewer(viewer), msgspec.Raw, body)


def erase_viewer(viewer: str) -> Call[Any]:
    """Return the call that erases a viewer."""
    return Call("DELETE", _viewer(viewer), msgspec.Raw)


def read_viewer(viewer: str) -> Call[dict[str, Any]]:
    """Return the call that reads all that is kept of a viewer."""
    return Call("GET", _viewer(viewer), dict[str, Any])


def ready() -> Call[Any]:
    """Return the call that asks whether requests are answered."""
    return Call("GET", "/health/ready", msgspec.Raw)


def overview() -> Call[dict[str, Any]]:
    """Return the call for the page's first figures."""
    return Call("GET", OVERVIEW, dict[str, Any])


def behind_ms(overview: dict[str, Any]) -> int:
    """Return how old the oldest event is that has not taught yet; 0 when all have."""
    return int(overview["behind_ms"]) if overview["behind_records"] else 0


def _title(title: str) -> str:
    return f"/v1/titles/{quote(title, safe='')}"


def _viewer(viewer: str) -> str:
    return f"/v1/viewers/{quote(viewer, safe='')}"
