"""The records' JSON Schemas and the topics' AsyncAPI 3 document, made from the types themselves."""

import json
from typing import Any

import msgspec

from keyart.schemas.catalogue import StoredTitle, Title
from keyart.schemas.decisions import DecisionPage
from keyart.schemas.events import Event
from keyart.schemas.priors import Opinion
from keyart.schemas.rewards import Reward
from keyart.schemas.topics import CATALOGUE, DEAD_LETTERS, DECISIONS, EVENTS, REWARDS, TOPICS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
RECORDS: dict[str, Any] = {
    "event": Event,
    "decision-page": DecisionPage,
    "reward": Reward,
    "title": Title,
    "stored-title": StoredTitle,
    "opinion": Opinion,
}
PAYLOADS = {
    EVENTS: ("event", "What viewers do, keyed by viewer (pseudonym)."),
    DECISIONS: ("decision-page", "What keyart chose on one request, keyed by viewer."),
    REWARDS: ("reward", "What a decision was worth once its window closed, keyed by title."),
    CATALOGUE: ("stored-title", "Titles and artworks, keyed by title; the last of a key counts."),
    DEAD_LETTERS: ("dead-letter", "Records that could not be read, with the reason."),
}
DEAD_LETTER = {
    "type": "object",
    "properties": {
        "topic": {"type": "string"},
        "partition": {"type": "integer"},
        "offset": {"type": "string"},
        "key": {"type": "string"},
        "reason": {"type": "string"},
        "path": {"type": "string"},
        "value": {"type": "string"},
        "truncated": {"type": "boolean"},
    },
    "required": ["topic", "partition", "offset", "reason", "value"],
}


def documents() -> dict[str, str]:
    """Return file name -> text of all documents, each ending in a newline."""
    made = {f"{name}.json": json_schema(kind) for name, kind in RECORDS.items()}
    made["dead-letter.json"] = {"$schema": DIALECT} | DEAD_LETTER
    made["asyncapi.json"] = asyncapi()
    return {name: json.dumps(made[name], indent=2, sort_keys=True) + "\n" for name in sorted(made)}


def json_schema(kind: Any) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a record."""
    return {"$schema": DIALECT} | msgspec.json.schema(kind)


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3 document: one channel a topic, whose payload is the record's schema."""
    channels, operations = {}, {}
    for topic in TOPICS:
        record, about = PAYLOADS[topic.name]
        channels[topic.name] = {
            "address": f"keyart.{topic.name}",
            "description": about,
            "messages": {
                record: {
                    "name": record,
                    "contentType": "application/json",
                    "payload": {
                        "schemaFormat": "application/schema+json;version=draft-2020-12",
                        "schema": {"$ref": f"{record}.json"},
                    },
                    "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}}},
                }
            },
            "bindings": {
                "kafka": {
                    "topicConfiguration": {
                        "cleanup.policy": ["compact" if topic.compacted else "delete"]
                    }
                }
            },
        }
        action = "receive" if topic.name in (EVENTS, CATALOGUE) else "send"
        operations[f"{action}-{topic.name}"] = {
            "action": action,
            "channel": {"$ref": f"#/channels/{topic.name}"},
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "keyart",
            "version": "1",
            "description": "The topics that keyart reads (receive) and writes (send).",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
    }
