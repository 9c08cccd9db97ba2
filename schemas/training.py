"""The training log's columns, once: the archive writes them, and whatever learns reads them.

A column is never renamed or taken away: files of an earlier keyart are read as they are.
"""

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a column holds; plural: a list of them in each row."""

    TEXT = "text"
    TEXTS = "texts"
    NUMBER = "number"
    NUMBERS = "numbers"
    MILLIS = "milliseconds since 1970-01-01 UTC"
    FLAG = "true or false"
    BYTES = "bytes"


LOGGED: Final = {
    "offset": Kind.TEXT,
    "key": Kind.TEXT,
    "logged_at_ms": Kind.MILLIS,
    "record": Kind.BYTES,
}
"""Of every archived topic: the record as the log had it."""
TRAINING: Final = LOGGED | {
    "id": Kind.TEXT,
    "viewer": Kind.TEXT,
    "title": Kind.TEXT,
    "artwork": Kind.TEXT,
    "surface": Kind.TEXT,
    "value": Kind.NUMBER,
    "shown_at_ms": Kind.MILLIS,
    "closed_at_ms": Kind.MILLIS,
    "candidates": Kind.TEXTS,
    "propensities": Kind.NUMBERS,
    "propensity": Kind.NUMBER,
    "explored": Kind.FLAG,
    "policy": Kind.TEXT,
    "policy_version": Kind.TEXT,
    "prior_version": Kind.TEXT,
    "features": Kind.NUMBERS,
    "personal": Kind.NUMBER,
    "multiplier": Kind.NUMBER,
    "expected": Kind.NUMBER,
    "minutes": Kind.NUMBER,
    "engaged": Kind.TEXTS,
    "definition": Kind.TEXT,
    "context": Kind.TEXT,
    "situation": Kind.NUMBERS,
    "response": Kind.NUMBER,
}
"""Of archived rewards: the training log. Named as the fields of `Reward`, versions flattened, the
site's context as JSON. What files of an earlier keyart lack is null."""


def columns(*names: str) -> tuple[str, ...]:
    """Return the names, having seen that the training log has each of them.

    Raises
    ------
    KeyError
        It has no such column: a mistake in the code that asks, found when it is imported.
    """
    for name in names:
        if name not in TRAINING:
            raise KeyError(f"the training log has no column {name!r}")
    return names
