"""The training log's columns, once: the archive writes them, and whatever learns reads them.

A column is never renamed or taken away: files of an earlier keyart are read as they are, and what
they lack is null. `docs/training-log.md` is made of this table.
"""

from enum import StrEnum
from typing import Final, NamedTuple


class Kind(StrEnum):
    """What a column holds; plural: a list of them in each row."""

    TEXT = "text"
    TEXTS = "texts"
    NUMBER = "number"
    NUMBERS = "numbers"
    SINGLES = "numbers, single precision"
    SMALL = "whole numbers, -127 to 127"
    MILLIS = "milliseconds since 1970-01-01 UTC"
    FLAG = "true or false"
    BYTES = "bytes"


class Column(NamedTuple):
    """A column: what it holds, its unit and range in words, and the reward's version it is from."""

    kind: Kind
    about: str
    range: str = ""
    since: int = 1


_OF_EACH: Final = "one for each candidate"
LOGGED_COLUMNS: Final = {
    "offset": Column(Kind.TEXT, "where the record stood in its partition of the log"),
    "key": Column(Kind.TEXT, "the record's key: the title"),
    "logged_at_ms": Column(Kind.MILLIS, "when the log took the record in"),
    "record": Column(Kind.BYTES, "the record as the log had it (JSON)"),
}
REWARD_COLUMNS: Final = {
    "id": Column(
        Kind.TEXT,
        "of the decision; null where the record could not be read",
        "16 or 24 hex digits",
    ),
    "viewer": Column(
        Kind.TEXT, "the viewer's pseudonym, zeros once erased: cluster by it", "32 hex digits"
    ),
    "title": Column(Kind.TEXT, "the title"),
    "artwork": Column(Kind.TEXT, "the artwork that was shown"),
    "surface": Column(Kind.TEXT, "where it was shown"),
    "value": Column(Kind.NUMBER, "the reward", "0 to 1; 1 is a quality play"),
    "shown_at_ms": Column(Kind.MILLIS, "when it was seen, the device's clock corrected"),
    "closed_at_ms": Column(Kind.MILLIS, "when its window was over"),
    "candidates": Column(Kind.TEXTS, "every artwork that could have been chosen", "1 to 40"),
    "propensities": Column(
        Kind.NUMBERS, "probability of each candidate", f"{_OF_EACH}, 0 to 1, together 1"
    ),
    "propensity": Column(Kind.NUMBER, "that of the artwork that was shown", "above 0, to 1"),
    "explored": Column(Kind.FLAG, "whether it was drawn evenly from all candidates"),
    "policy": Column(Kind.TEXT, "name of the policy"),
    "policy_version": Column(Kind.TEXT, "changes with the policy's options"),
    "prior_version": Column(Kind.TEXT, "the model by whose opinion it was chosen"),
    "features": Column(
        Kind.NUMBERS,
        "relations of taste and the artwork that was shown (`models/taste/features.py`), less "
        "their mean under the propensities",
    ),
    "personal": Column(
        Kind.NUMBER, "what the prior said for this viewer beyond everybody, eight times its log"
    ),
    "multiplier": Column(
        Kind.NUMBER, "factor of taste on the expected take of the artwork", "1/4 to 4"
    ),
    "expected": Column(Kind.NUMBER, "its expected take without taste", "0 to 1"),
    "minutes": Column(Kind.NUMBER, "minutes played in the window", "0 and more"),
    "engaged": Column(Kind.TEXTS, "kinds of engagement in the window"),
    "definition": Column(Kind.TEXT, "what the reward was defined as"),
    "watched": Column(
        Kind.TEXTS,
        "names of the rewards that were watched beside it; one that could not be told is absent",
        since=2,
    ),
    "watched_values": Column(
        Kind.NUMBERS, "what each of them said", "one for each of watched, -1 to 1", since=2
    ),
    "position": Column(
        Kind.NUMBER, "where on the page the title stood; null: not known", "1 and more", since=2
    ),
    "context": Column(
        Kind.TEXT, "what the site said of the situation, as JSON; null: nothing, or erased", since=2
    ),
    "situation": Column(
        Kind.NUMBERS,
        "taste and context as the numbers that artworks respond to, of titles shown often",
        since=2,
    ),
    "responded": Column(
        Kind.NUMBER,
        "of titles shown often, the artwork's own log response before it is trusted, less its mean "
        "under the propensities",
        since=2,
    ),
    "response": Column(
        Kind.NUMBER, "the part of the multiplier that is the artwork's own response", since=2
    ),
    "posterior_version": Column(Kind.TEXT, "what had been learned by then", since=2),
    "space": Column(Kind.TEXT, "identity of the embedding space", since=2),
    "segment": Column(Kind.TEXT, "taste segment of the viewer in the prior; empty: none", since=2),
    "split": Column(Kind.TEXT, "how viewers were shared out between policies then", since=2),
    "fresh": Column(Kind.FLAG, "the viewer was first seen within an hour of it", since=2),
    "level": Column(Kind.NUMBER, "take probability of the title on the surface", "0 to 1", since=2),
    "trust": Column(Kind.NUMBER, "how far the prior was believed", "-1 to 1", since=2),
    "strength": Column(Kind.NUMBER, "what the prior was worth", "impressions", since=2),
    "prior_factors": Column(
        Kind.SINGLES, "factor of the prior on the level", f"{_OF_EACH}, around 1", since=2
    ),
    "own_factors": Column(
        Kind.SINGLES, "factor of what the artwork itself earned", f"{_OF_EACH}, around 1", since=2
    ),
    "taste_factors": Column(
        Kind.SINGLES,
        "factor of this viewer's taste: level x prior x own x taste is the expected take",
        f"{_OF_EACH}, 1/4 to 4",
        since=2,
    ),
    "spreads": Column(
        Kind.SINGLES,
        "relative standard deviation of the own factor",
        f"{_OF_EACH}, 0 to 8",
        since=2,
    ),
    "doubts": Column(
        Kind.SINGLES,
        "relative standard deviation of the taste factor",
        f"{_OF_EACH}, 0 to 8",
        since=2,
    ),
    "impressions": Column(
        Kind.SINGLES, "effective impressions it was believed on", f"{_OF_EACH}, 0 and more", since=2
    ),
    "takes": Column(Kind.SINGLES, "effective takes among them", f"{_OF_EACH}, 0 and more", since=2),
    "taste_units": Column(
        Kind.SMALL,
        "the viewer's taste as it was read: 6 directions of 64 numbers (long-term, short-term, "
        "rejected, three interests), each times its scale; null where nothing was known",
        "384",
        since=2,
    ),
    "taste_scales": Column(Kind.SINGLES, "scale of each direction", "6, 0 and more", since=2),
}
"""Of archived rewards: the training log. Named as the fields of `Reward`, versions flattened."""
BELIEF_COLUMNS: Final = {
    "prior_factors": "prior",
    "own_factors": "own",
    "taste_factors": "taste",
    "spreads": "spread",
    "doubts": "doubt",
    "impressions": "seen",
    "takes": "taken",
}
"""Column -> the name in `BELIEFS` of what it holds."""
LOGGED: Final = {name: column.kind for name, column in LOGGED_COLUMNS.items()}
"""Of every archived topic: the record as the log had it."""
TRAINING: Final = LOGGED | {name: column.kind for name, column in REWARD_COLUMNS.items()}
"""Of archived rewards."""


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
