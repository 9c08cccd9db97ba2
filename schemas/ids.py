"""Identifiers: their bounds, and the keyed hash that hides a viewer's own."""

import hashlib
import hmac
from typing import Annotated, NewType

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
GivenName = Annotated[str, Meta(min_length=1, max_length=128, pattern=GIVEN_PATTERN)]
"""A `Name` as it comes from outside; the look-ahead is `\\Z` in every dialect."""

GivenViewer = Annotated[str, Meta(min_length=1, max_length=256)]
"""A site's own id of a viewer: any text of 1 to 256 characters. It is hashed before it is kept."""

ViewerKey = NewType("ViewerKey", str)
"""A viewer's pseudonym: 32 hex digits. The only form of a viewer's id that is stored or logged."""

Millis = Annotated[int, Meta(ge=0, le=4_102_444_800_000)]
"""Milliseconds since 1970-01-01 UTC, up to the year 2100."""

PSEUDONYM_PATTERN = r"^[0-9a-f]{32}(?!\n)$"
PseudonymField = Annotated[str, Meta(pattern=PSEUDONYM_PATTERN)]


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


def decision_id(viewer: ViewerKey, title: str, surface: str, period: int) -> str:
    """Return the id of one assignment: the same for every repeat within one dwell period.

    16 hex digits. Decisions for one (viewer, title, surface) in one period are one assignment: the
    first one logged stands, the repeats teach nothing.
    """
    text = "\x1f".join((viewer, title, surface, str(period)))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def same_secret(given: str, expected: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())
