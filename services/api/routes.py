"""What callers ask for beside decisions: events and titles."""

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Request, Response, delete, get, post, put
from litestar.params import Body, FromPath, QueryParameter
from msgspec import Meta, Struct

from keyart.schemas import codec, strict
from keyart.schemas.catalogue import StoredTitle, Title
from keyart.schemas.errors import InvalidRecord, KeyartError
from keyart.schemas.events import Click, Finish, Hide, Impression, Like, Play
from keyart.schemas.ids import (
    DECISION_FORM,
    is_decision_id,
    pseudonym,
)
from keyart.schemas.topics import EVENTS
from keyart.services.api import examples
from keyart.services.api.auth import caller_of
from keyart.services.api.bodies import Strict, declared, decoded
from keyart.services.api.problems import BadRequest, Fault, of_keyart, said
from keyart.services.api.sent import CALLER
from keyart.services.api.state import Keyart
from keyart.streams.ports import Output

MAX_EVENTS = 1000
FUTURE_MS = 86_400_000
"""Clocks of devices are wrong by hours; the log's time of receipt bounds what they say."""
PAST_MS = 7 * 86_400_000
MAX_FAULTS = 100
READS = {"scopes": ("admin", "page")}


class EventsRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to 1,000 events, as the schema `event.json` says, with the site's own viewer ids."""

    events: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=MAX_EVENTS)]


class Accepted(Struct, frozen=True, kw_only=True):
    """How many events are in the log now."""

    accepted: int


class TitlePage(Struct, frozen=True, kw_only=True):
    """Titles in the order of their ids; `after` is where the next page starts, "" at the end."""

    titles: tuple[StoredTitle, ...]
    after: str = ""


class TitleBody(Strict[Title]):
    """A title whose id may stand in the address alone."""

    def decode_bytes(self, value: bytes) -> Title:
        """Return the title."""
        title = self.asgi_connection.path_params["title"]
        given: dict[str, Any] = decoded(value, dict[str, Any])
        if given.get("id", title) != title:
            raise InvalidRecord("differs from the id in the address", "$.id")
        return strict.read({**given, "id": title}, Title)


def _count_refused(request: Request[Any, Any, Any], error: KeyartError) -> Response[bytes]:
    if isinstance(error, InvalidRecord | BadRequest):
        request.app.state.events_refused()
    return of_keyart(request, error)


_kinds = {
    kind.__struct_config__.tag: kind for kind in (Impression, Click, Play, Finish, Like, Hide)
}


@post(
    "/v1/events",
    opt={"scopes": ("events",)},
    summary="Send what viewers did",
    tags=["events"],
    operation_id="send_events",
    status_code=202,
    before_request=declared,
    exception_handlers={KeyartError: _count_refused},
    dto=Strict[EventsRequest],
    return_dto=None,
)
async def take_events(
    data: Annotated[EventsRequest, Body(examples=examples.EVENTS)],
    request: Request[Any, Any, Any],
    keyart: Keyart,
) -> Accepted:
    """Accept up to 1,000 events, all or none; they are in the log when this answers 202."""
    outputs, counts = read_events(
        data.events, keyart.keys.current, keyart.clock(), caller=caller_of(request.scope)
    )
    moved = await keyart.rotation.adoptions(
        (str(event.get("viewer")) for event in data.events), keyart.clock()
    )
    await keyart.log.append([*moved, *outputs])
    for kind, count in counts.items():
        keyart.metrics.events.labels(kind).inc(count)
    return Accepted(accepted=len(outputs))


def read_events(
    given: Sequence[dict[str, Any]], key: bytes, at_ms: int, *, caller: str = ""
) -> tuple[list[Output], dict[str, int]]:
    """Return the records of these events, with pseudonyms, and how many there are of each type.

    Raises
    ------
    BadRequest
        Any of them is wrong; names the first hundred faults by index.
    """
    outputs: list[Output] = []
    faults: list[Fault] = []
    counts: dict[str, int] = {}
    for at, event in enumerate(given):
        try:
            kind, viewer, value = _read_event(event, key, at_ms, caller)
        except strict.Refused as wrong:
            place = f"$.events[{at}]"
            faults += [
                Fault(where=place + path.removeprefix("$"), what=what)
                for path, what in wrong.faults
            ]
            if len(faults) >= MAX_FAULTS:
                break
            continue
        counts[kind] = counts.get(kind, 0) + 1
        outputs.append(Output(EVENTS, viewer, value))
    if faults:
        raise BadRequest(
            "no event was accepted, because some are wrong", tuple(faults[:MAX_FAULTS])
        )
    return outputs, counts


def _read_event(
    event: dict[str, Any], key: bytes, at_ms: int, caller: str
) -> tuple[str, str, bytes]:
    name = event.get("type")
    kind = _kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        raise refused(f"type must be one of {', '.join(map(str, _kinds))}", "$.type")
    raw = event.get("viewer")
    if not isinstance(raw, str) or not 1 <= len(raw) <= 256:
        said = "viewer must be text of 1 to 256 characters"
        rest = {field: event[field] for field in event if field != "viewer"}
        raise strict.Refused([strict.Fault("$.viewer", said), *strict.wrong(rest, kind)])
    viewer = pseudonym(raw, key)
    if CALLER in event:
        raise refused(f"there is no field '{CALLER}': it is the name of the key", f"$.{CALLER}")
    full = {"occurred_at_ms": at_ms, **event, "viewer": viewer, CALLER: caller}
    record = strict.read(full, kind)
    if record.decision is not None and not is_decision_id(record.decision):
        raise refused(f"must be {DECISION_FORM}", "$.decision")
    if record.occurred_at_ms > at_ms + FUTURE_MS:
        raise refused("lies more than a day ahead", "$.occurred_at_ms")
    if record.occurred_at_ms < at_ms - PAST_MS:
        raise refused("lies more than seven days back", "$.occurred_at_ms")
    return str(name), viewer, codec.encode(record)


def refused(message: str, path: str) -> strict.Refused:
    """Return the refusal for one reason."""
    return strict.Refused([strict.Fault(path, message)])


@put(
    "/v1/titles/{title:str}",
    summary="Add or replace a title",
    tags=["titles"],
    operation_id="put_title",
    status_code=200,
    responses=said(409),
    before_request=declared,
    dto=TitleBody,
    return_dto=None,
)
async def put_title(
    data: Annotated[Title, Body(examples=examples.TITLE)], title: FromPath[str], keyart: Keyart
) -> StoredTitle:
    """Add or replace a title with its 1 to 40 artworks, descriptions of up to 4,000 characters.

    A title is kept in at most 1,000,000 bytes, in which each description stands twice. One that
    does not fit is refused, and nothing is stored.
    """
    return await keyart.put_title(data)


@get(
    "/v1/titles/{title:str}",
    opt=READS,
    summary="Read a title",
    tags=["titles"],
    operation_id="get_title",
    responses=said(404),
)
async def get_title(title: FromPath[str], keyart: Keyart) -> StoredTitle:
    """Return a title with the history of its artworks."""
    return await keyart.in_thread(keyart.catalogue.get, title)


@delete(
    "/v1/titles/{title:str}",
    summary="Withdraw a title",
    tags=["titles"],
    operation_id="withdraw_title",
    status_code=200,
    responses=said(404, 409),
)
async def withdraw_title(title: FromPath[str], keyart: Keyart) -> StoredTitle:
    """Remove a title from choice; its history stays."""
    return await keyart.withdraw_title(title)


@get("/v1/titles", opt=READS, summary="List titles", tags=["titles"], operation_id="list_titles")
async def list_titles(
    keyart: Keyart,
    after: Annotated[str, QueryParameter(max_length=128)] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
) -> TitlePage:
    """Return titles in the order of their ids, those after `after`."""
    held = keyart.titles.view.titles
    names = sorted(name for name in held.copy() if name > after)[: limit + 1]
    more = names[limit - 1] if len(names) > limit else ""
    return TitlePage(titles=tuple(held[name] for name in names[:limit]), after=more)
