"""Reading records: versions, unknown fields, bounds, and errors that say what and where."""

import json
from typing import Any

import pytest

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord, UnknownVersion
from keyart.schemas.events import EVENT_VERSION, Play

PLAY: dict[str, Any] = {
    "type": "play",
    "id": "e",
    "viewer": "0" * 32,
    "occurred_at_ms": 5,
    "title": "t",
    "minutes": 3,
}


def read(**changes: Any) -> Any:
    record = {key: value for key, value in (PLAY | changes).items() if value is not ...}
    return codec.events.decode(json.dumps(record).encode())


def test_unknown_fields_are_ignored_and_missing_optional_ones_have_defaults() -> None:
    event = read(invented_later={"a": 1})
    assert isinstance(event, Play)
    assert (event.version, event.surface, event.artwork) == (EVENT_VERSION, "home", None)


def test_a_newer_version_is_refused_by_name() -> None:
    with pytest.raises(UnknownVersion, match=f"version {EVENT_VERSION + 1}"):
        read(version=EVENT_VERSION + 1)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"minutes": -1}, "$.minutes"),
        ({"minutes": 1441}, "$.minutes"),
        ({"minutes": "3"}, "$.minutes"),
        ({"viewer": "someone@example.org"}, "$.viewer"),
        ({"title": ""}, "$.title"),
        ({"title": "x" * 129}, "$.title"),
        ({"title": "a\u0000b"}, "$.title"),
        ({"title": "{0}"}, "$.title"),
        ({"occurred_at_ms": -1}, "$.occurred_at_ms"),
        ({"occurred_at_ms": 10**15}, "$.occurred_at_ms"),
        ({"occurred_at_ms": 1.5}, "$.occurred_at_ms"),
        ({"type": "teleport"}, "$.type"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidRecord) as caught:
        read(**changes)
    assert caught.value.path == path


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000, b"{}", b'{"type":"play"}'],
)
def test_garbage_is_an_invalid_record(data: bytes) -> None:
    with pytest.raises(InvalidRecord):
        codec.events.decode(data)


def test_a_record_over_the_bound_is_refused_unread() -> None:
    with pytest.raises(InvalidRecord, match="bound"):
        codec.events.decode(b" " * (codec.MAX_RECORD_BYTES + 1))


def test_state_of_another_kind_is_an_invalid_record() -> None:
    from keyart.schemas.posterior import TitleSums

    with pytest.raises(InvalidRecord, match="TitleSums"):
        codec.unpack(b"\x93\x01\x02\x03", TitleSums)
