"""A small client of keyart's HTTP interface, on the standard library."""

import http.client
from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import quote

import msgspec
from msgspec import Struct

from keyart.schemas.catalogue import Title
from keyart.schemas.errors import KeyartError
from keyart.services.wiring.addresses import http_address

TIMEOUT_S = 30.0
OVERVIEW = "/v1/insight/overview"
Event = dict[str, object]


class Choice(Struct, frozen=True, kw_only=True):
    """One decision, as far as the demo needs it; other fields are ignored."""

    id: str
    title: str
    artwork: str
    explored: bool = False
    why: str = ""


class Page(Struct, frozen=True, kw_only=True):
    """The answer to a request for decisions."""

    decisions: tuple[Choice, ...]
    policy: str = ""
    degraded: str = ""


class Client(Protocol):
    """What the demo needs of keyart."""

    def put_title(self, title: Title) -> None:
        """Add or replace a title."""

    def decide(self, viewer: str, surface: str, titles: Sequence[str]) -> Page:
        """Return the decisions for a page, in the order of the titles."""

    def send(self, events: Sequence[Event]) -> int:
        """Send events, at most 1,000; return how many were accepted."""


class ErrorAnswer(KeyartError):
    """The server answered with an error.

    Attributes
    ----------
    status
        Of HTTP.
    retry_s
        For how long to wait before another try, as the answer says; 0 when it does not.
    """

    def __init__(self, asked: str, status: int, said: str, retry_s: float) -> None:
        super().__init__(f"{asked}: {status} {said}")
        self.status = status
        self.retry_s = retry_s


class HttpClient:
    """One connection to one server, kept open. Not for several threads at once.

    Parameters
    ----------
    url
        Where the server is, such as http://127.0.0.1:8650.
    key
        Sent as a bearer key; empty for none.

    Raises
    ------
    SettingsError
        The URL is not an http or https one.

    Every method raises KeyartError when the server cannot be reached or answers with an error.
    """

    def __init__(self, url: str, *, key: str = "") -> None:
        parts = http_address(url, "the server's address")
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._connection = kind(
            parts.hostname or "", parts.port or (443 if secure else 80), timeout=TIMEOUT_S
        )
        self._path = parts.path.rstrip("/")
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._encoder = msgspec.json.Encoder()
        self._page = msgspec.json.Decoder(Page)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def ready(self) -> bool:
        """Return whether the server answers requests."""
        try:
            self._call("GET", "/health/ready")
        except KeyartError:
            return False
        return True

    def behind_ms(self) -> int:
        """Return how old the oldest event is that has not taught yet; 0 when all have."""
        overview: dict[str, Any] = msgspec.json.decode(self._call("GET", OVERVIEW))
        return int(overview["behind_ms"]) if overview["behind_records"] else 0

    def put_title(self, title: Title) -> None:
        """Add or replace a title."""
        self._call("PUT", f"/v1/titles/{quote(title.id, safe='')}", title)

    def decide(self, viewer: str, surface: str, titles: Sequence[str]) -> Page:
        """Return the decisions for a page, in the order of the titles."""
        body = {"viewer": viewer, "surface": surface, "titles": list(titles)}
        return self._page.decode(self._call("POST", "/v1/decisions", body))

    def send(self, events: Sequence[Event]) -> int:
        """Send events, at most 1,000; return how many were accepted."""
        answer: dict[str, Any] = msgspec.json.decode(
            self._call("POST", "/v1/events", {"events": list(events)})
        )
        return int(answer["accepted"])

    def _call(self, method: str, path: str, body: object = None) -> bytes:
        content = None if body is None else self._encoder.encode(body)
        try:
            answer, status, retry_s = self._exchange(method, path, content)
        except (OSError, http.client.HTTPException):
            # A server may close a connection that was idle. Every request of the demo may be sent
            # twice: choices are steady, events have ids.
            self._connection.close()
            try:
                answer, status, retry_s = self._exchange(method, path, content)
            except (OSError, http.client.HTTPException) as away:
                self._connection.close()
                raise KeyartError(f"{method} {self._path}{path}: {away}") from away
        if status >= 400:
            said = answer[:500].decode(errors="replace")
            raise ErrorAnswer(f"{method} {path}", status, said, retry_s)
        return answer

    def _exchange(self, method: str, path: str, content: bytes | None) -> tuple[bytes, int, float]:
        self._connection.request(method, self._path + path, content, self._headers)
        response = self._connection.getresponse()
        after = response.getheader("Retry-After") or ""
        return response.read(), response.status, float(after) if after.isdigit() else 0.0
