"""What a viewer has explored: the titles they took, hid, and the clusters they declined.

A record is a set of marks, each with a time in seconds: the latest at which it was made. Two
records of a viewer are joined by taking the later time of each mark, so the order in which events
come does not matter, nor how often (a join semilattice: Shapiro et al. 2011, "Conflict-free
replicated data types"). Of each kind only the latest are kept, which bounds a record at 3,841
bytes. What leaves a record is older than all that stays of its kind, so that is free of order too.
"""

import hashlib
from collections.abc import Mapping
from heapq import nsmallest
from struct import Struct
from typing import Final

from keyart.schemas.errors import InvalidRecord, UnknownVersion

EXPLORED_VERSION: Final = 1
TOOK, HID, DECLINED, ALLOWED = range(4)
"""Kinds of marks: of a title that was taken or hidden, of a cluster that the viewer said is not for
them, or is again."""
MOST: Final = (192, 32, 48, 48)
"""How many are kept of each kind."""
_MARK: Final = Struct("<QI")
"""mark; at_s."""
LAST_S: Final = 2**32 - 1
_KINDS = 4

Marks = dict[int, int]
"""mark -> time in seconds; a mark is 62 bits of a name's digest and two of its kind."""


def mark_of(name: str, kind: int) -> int:
    """Return the mark of a title or cluster."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") & ~(_KINDS - 1) | kind


def kind_of(mark: int) -> int:
    """Return what kind of mark it is."""
    return mark % _KINDS


def joined(one: Mapping[int, int], other: Mapping[int, int]) -> Marks:
    """Return the later time of each mark of both, the latest of each kind alone."""
    both = dict(one)
    for mark, at_s in other.items():
        both[mark] = max(at_s, both.get(mark, 0))
    if len(both) <= min(MOST):
        return both
    kinds: list[list[tuple[int, int]]] = [[] for _ in MOST]
    for mark, at_s in both.items():
        kinds[mark % _KINDS].append((at_s, mark))
    for its, most in zip(kinds, MOST, strict=True):
        # a record that is full gains one mark at a time: the earliest is found without sorting
        for _, mark in nsmallest(len(its) - most, its):
            del both[mark]
    return both


def pack_explored(marks: Mapping[int, int]) -> bytes:
    """Return a record: its version, then the marks in their order."""
    rows = b"".join([_MARK.pack(*each) for each in sorted(marks.items())])
    return bytes([EXPLORED_VERSION]) + rows


def unpack_explored(blob: bytes | None) -> Marks:
    """Return the marks of a record; none for None.

    Raises
    ------
    InvalidRecord
        It has the wrong size.
    UnknownVersion
        A newer keyart wrote it.
    """
    if blob is None:
        return {}
    if not blob or (len(blob) - 1) % _MARK.size:
        raise InvalidRecord("a record of what was explored has the wrong size")
    if blob[0] > EXPLORED_VERSION:
        raise UnknownVersion("a record of what was explored was written by a newer keyart")
    return dict(_MARK.iter_unpack(blob[1:]))


def explored_until(blob: bytes) -> int:
    """Return the time in ms of a record's latest mark; 0 of what cannot be read or has none."""
    try:
        return max(unpack_explored(blob).values(), default=0) * 1000
    except InvalidRecord:
        return 0
