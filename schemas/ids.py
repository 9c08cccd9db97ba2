"""Identifiers: their bounds, and the keyed hash that hides a viewer's own."""

import hashlib
from typing import Annotated, Final, NewType

from msgspec import Meta

NAME_PATTERN = r"^[^\x00-\x1f\x7f{}]+$"
Name = Annotated[str, Meta(min_length=1, max_length=128, pattern=NAME_PATTERN)]
"""A site's own identifier: 1 to 128 characters (code points), no control characters, no braces.

Anything else may stand in one: slashes, dots, percent signs, plus signs, spaces, letters of every
script. Two names are one when their code points are: "é" as one character and as "e" with an accent
are two names, everywhere. In an address a name stands percent-encoded as UTF-8, slashes too.

This is the form that records are read with. Python's `$` lets one newline stand at the end, which
keyart once accepted, so records that hold one stay readable; `GivenName` and `strict` refuse it.
"""

GIVEN_PATTERN = NAME_PATTERN.replace("$", r"(?!\n)$")
CallerName = Annotated[str, Meta(max_length=32)]
"""Of a caller's key, never the key; "" where no key is asked for."""
GivenName = Annotated[str, Meta(min_length=1, max_length=128, pattern=GIVEN_PATTERN)]
"""A `Name` as it comes from outside; the look-ahead is `\\Z` in every dialect."""
LoggedName = Annotated[
    str, Meta(min_length=1, max_length=128, extra_json_schema={"pattern": NAME_PATTERN})
]
"""A `Name` in a record of a hot topic, whose form `names` looks at: decode such by `codec`."""

GivenViewer = Annotated[str, Meta(min_length=1, max_length=256)]
"""A site's own id of a viewer: any text of 1 to 256 characters. It is hashed before it is kept."""

ViewerKey = NewType("ViewerKey", str)
"""A viewer's pseudonym: 32 hex digits. The only form of a viewer's id that is stored or logged."""

Millis = Annotated[int, Meta(ge=0, le=4_102_444_800_000)]
"""Milliseconds since 1970-01-01 UTC, up to the year 2100."""

PSEUDONYM_PATTERN = r"^[0-9a-f]{32}(?!\n)$"
PseudonymField = Annotated[str, Meta(extra_json_schema={"pattern": PSEUDONYM_PATTERN})]
"""A `ViewerKey` in a record of a hot topic; see `LoggedName`."""


def pseudonym(viewer: str, key: bytes) -> ViewerKey:
    """Return the viewer's pseudonym: the first 128 bits of BLAKE2b keyed with the site's secret.

    Parameters
    ----------
    viewer
        The site's own id of the viewer.
    key
        16 to 64 bytes of secret. With another key every viewer is a stranger again.
    """
    return ViewerKey(hashlib.blake2b(viewer.encode(), digest_size=16, key=key).hexdigest())


DECISION_PATTERN = r"^(?:[0-9a-f]{24}|[0-9a-f]{16})$"
DECISION_FORM = "24 hex digits, as /v1/decisions answered them"
"""In words, for whoever sent something else."""
DecisionId = Annotated[str, Meta(pattern=DECISION_PATTERN)]
"""The id of a decision: 24 hex digits; 16 in what keyart wrote before decisions had ids of their
own."""
HEX_DIGITS: Final = "0123456789abcdef"


def decision_id(viewer: str, title: str, nonce: int) -> str:
    """Return the id of one decision: a random number, and a check of whose it is and about what.

    The number alone makes it unique. The check, 32 bits, lets whoever holds an event tell without
    looking anything up that it names a decision of another viewer or another title.

    Parameters
    ----------
    nonce
        Random, 0 to 2**64 - 1.
    """
    number = f"{nonce:016x}"
    return f"{number}{_check(viewer, title, number):08x}"


def is_decision_id(text: str) -> bool:
    """Return whether the text has the form of a decision's id."""
    return len(text) in (16, 24) and not text.strip(HEX_DIGITS)


def is_pseudonym(text: str) -> bool:
    """Return whether the text has the form of a `ViewerKey`."""
    return len(text) == 32 and not text.strip(HEX_DIGITS)


def fits(decision: str, viewer: str, title: str) -> bool:
    """Return whether a decision of this id can be one for this viewer and title.

    Of the older ids, which carry no check, nothing can be told: True.
    """
    if len(decision) != 24:
        return True
    check = _digest(viewer, title, decision[:16])[::-1].hex()
    return check == decision[16:] or not is_decision_id(decision)


def id_check(viewer: str, title: str, nonce: int) -> int:
    """Return the 32 bits that tie a decision's random number to its viewer and title."""
    return _check(viewer, title, f"{nonce:016x}")


def _check(viewer: str, title: str, nonce: str) -> int:
    return int.from_bytes(_digest(viewer, title, nonce), "little")


def _digest(viewer: str, title: str, nonce: str) -> bytes:
    text = f"{nonce}\x1f{viewer}\x1f{title}"
    return hashlib.blake2b(text.encode(), digest_size=4).digest()
