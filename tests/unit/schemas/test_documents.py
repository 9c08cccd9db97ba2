"""The committed schemas are those of the types, and records on the wire obey them."""

import json
from pathlib import Path

import pytest

from keyart.schemas import codec
from keyart.schemas.documents import documents
from keyart.schemas.events import Click, Correction, Hide, Impression, Like, Play
from keyart.schemas.topics import TOPICS

FOLDER = Path(__file__).parents[3] / "schemas" / "json"
ABOUT = {"id": "e", "viewer": "0" * 32, "occurred_at_ms": 1}


def test_the_committed_documents_are_current() -> None:
    on_disk = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    assert on_disk == documents(), "run `keyart schemas`"


@pytest.mark.parametrize("name", [name for name in documents() if name != "asyncapi.json"])
def test_each_schema_is_a_valid_schema(name: str) -> None:
    import jsonschema

    grammar = jsonschema.Draft202012Validator(jsonschema.Draft202012Validator.META_SCHEMA)
    schema = json.loads(documents()[name])
    assert list(grammar.iter_errors(schema)) == []
    assert list(grammar.iter_errors({**schema, "properties": 1})) != []


@pytest.mark.parametrize(
    "event",
    [
        Impression(title="t", artwork="a", decision="d", **ABOUT),  # type: ignore[arg-type]
        Click(title="t", **ABOUT),  # type: ignore[arg-type]
        Play(title="t", minutes=2.5, **ABOUT),  # type: ignore[arg-type]
        Like(title="t", **ABOUT),  # type: ignore[arg-type]
        Hide(title="t", **ABOUT),  # type: ignore[arg-type]
        Correction(concepts={"space": 1.0}, **ABOUT),  # type: ignore[arg-type]
    ],
)
def test_events_on_the_wire_obey_their_schema(event: object) -> None:
    import jsonschema

    schema = json.loads(documents()["event.json"])
    jsonschema.validate(json.loads(codec.encode(event)), schema)


def test_a_wrong_event_breaks_the_schema_too() -> None:
    import jsonschema

    schema = json.loads(documents()["event.json"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"type": "play", "title": "t", **ABOUT}, schema)


def test_every_topic_is_in_the_asyncapi_document_with_an_existing_payload() -> None:
    document = json.loads(documents()["asyncapi.json"])
    assert set(document["channels"]) == {topic.name for topic in TOPICS}
    for channel in document["channels"].values():
        for message in channel["messages"].values():
            assert message["payload"]["schema"]["$ref"] in documents()
