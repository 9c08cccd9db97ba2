"""What a viewer has been assigned: the decisions that stand, in one small record per viewer.

The lane of the viewer writes it, the api reads it beside the taste, in the same round trip: what
is in it is kept, and is not decided again. It is packed, 30 bytes a decision and 14 a page, and
goes when its last decision has run out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.columns import ODDS, Columns
from keyart.schemas.decisions import Decision
from keyart.schemas.errors import InvalidRecord, UnknownVersion
from keyart.schemas.rewards import Reward

ASSIGNED_VERSION: Final = 1
MAX_ASSIGNED: Final = 2048
"""Decisions of one viewer that are remembered at once. More than these teach nothing."""
MAX_PAGES: Final = 512

_EXPLORED, _OLD = np.uint32(1 << 31), np.uint32(1 << 30)
_SHARE = np.uint32((1 << 30) - 1)
_HEAD: Final = np.dtype([("version", "u1"), ("pages", "<u2"), ("entries", "<u2")])
PAGE_DTYPE: Final = np.dtype([("number", "<u2"), ("decided_at_ms", "<i8"), ("policy", "<u4")])
ENTRY_DTYPE: Final = np.dtype(
    [
        ("place", "<u8"),
        ("nonce", "<u8"),
        ("check", "<u4"),
        ("artwork", "<u4"),
        ("odds", "<u4"),
        ("page", "<u2"),
    ]
)
"""place: `title_number` of the title xor that of the surface. nonce, check: the id. artwork: mark
of its id. odds: propensity x 1e7, and two flags. page: the number of the page it stands on."""

MAX_BYTES: Final = (
    _HEAD.itemsize + MAX_PAGES * PAGE_DTYPE.itemsize + MAX_ASSIGNED * ENTRY_DTYPE.itemsize
)


def mark(name: str) -> int:
    """Return 32 bits that stand for an artwork among its title's, or for a policy's version."""
    return crc32(name.encode())


class Id(NamedTuple):
    """A decision's id as two numbers; `old` for one of 16 digits, which has no check."""

    nonce: int
    check: int
    old: bool

    @classmethod
    def of(cls, text: str) -> Self:
        """Return it for an id that `is_decision_id`."""
        if len(text) == 16:
            return cls(int(text, 16), 0, True)
        return cls(int(text[:16], 16), int(text[16:], 16), False)

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.nonce:016x}" if self.old else f"{self.nonce:016x}{self.check:08x}"


class Kept(NamedTuple):
    """One decision that stands."""

    id: str
    artwork: int
    propensity: float
    explored: bool
    decided_at_ms: int
    policy: int


@dataclass(frozen=True, slots=True)
class Assigned:
    """A viewer's decisions, in the order in which they were taken in.

    Parameters
    ----------
    pages
        (P,) of `PAGE_DTYPE`.
    entries
        (N,) of `ENTRY_DTYPE`.
    """

    pages: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, PAGE_DTYPE))
    entries: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, ENTRY_DTYPE))

    def __len__(self) -> int:
        """Return the number of decisions."""
        return len(self.entries)

    def latest(self) -> dict[int, int]:
        """Return place -> index of its latest entry."""
        return {place: at for at, place in enumerate(self.entries["place"].tolist())}

    def kept(self, at: int) -> Kept:
        """Return one entry in words."""
        entry = self.entries[at]
        odds = int(entry["odds"])
        page = self.pages[self.pages["number"] == entry["page"]][0]
        return Kept(
            id=str(self.id_at(at)),
            artwork=int(entry["artwork"]),
            propensity=(odds & int(_SHARE)) / ODDS,
            explored=bool(odds & int(_EXPLORED)),
            decided_at_ms=int(page["decided_at_ms"]),
            policy=int(page["policy"]),
        )

    def find(self, decision: str) -> int | None:
        """Return the index of the entry with this id, None when there is none."""
        id = Id.of(decision)
        entries = self.entries
        at = np.flatnonzero((entries["nonce"] == id.nonce) & (entries["check"] == id.check))
        return int(at[0]) if len(at) else None

    def id_at(self, at: int) -> Id:
        """Return the id of one entry."""
        entry = self.entries[at]
        return Id(int(entry["nonce"]), int(entry["check"]), bool(int(entry["odds"]) & int(_OLD)))

    def decided_at(self, at: int) -> int:
        """Return when one entry was decided."""
        pages = self.pages
        return int(pages["decided_at_ms"][pages["number"] == self.entries["page"][at]][0])

    def with_page(
        self,
        decisions: Sequence[Decision | Reward],
        places: Sequence[int],
        *,
        number: int,
        decided_at_ms: int,
        policy: str,
    ) -> Self:
        """Return it with the decisions of one more page, whose number no page here has."""
        entries = _entries(decisions, places)
        return self._with(entries, number=number, decided_at_ms=decided_at_ms, policy=policy)

    def with_columns(
        self,
        columns: Columns,
        places: Sequence[int],
        *,
        number: int,
        decided_at_ms: int,
        policy: str,
    ) -> Self:
        """Return the same of a page in columns."""
        entries = _entries_in(columns, places)
        return self._with(entries, number=number, decided_at_ms=decided_at_ms, policy=policy)

    def _with(
        self, entries: NDArray[np.void], *, number: int, decided_at_ms: int, policy: str
    ) -> Self:
        page = np.array([(number, decided_at_ms, mark(policy))], PAGE_DTYPE)
        entries["page"] = number
        if not len(self.pages):
            return type(self)(page, entries)
        return type(self)(
            np.concatenate([self.pages, page]), np.concatenate([self.entries, entries])
        )

    def without(self, numbers: Sequence[int]) -> Self:
        """Return what is left when these pages go."""
        if not len(numbers):
            return self
        return type(self)(
            self.pages[~np.isin(self.pages["number"], numbers)],
            self.entries[~np.isin(self.entries["page"], numbers)],
        )


def _entries_in(columns: Columns, places: Sequence[int]) -> NDArray[np.void]:
    choice, starts = columns.choice, np.array(columns.starts[:-1], np.intp)
    picked = choice["chosen"].tolist()
    entries = np.zeros(len(columns), ENTRY_DTYPE)
    entries["place"] = places
    entries["nonce"] = choice["nonce"]
    entries["check"] = choice["check"]
    entries["artwork"] = [
        mark(names[at]) for names, at in zip(columns.candidates, picked, strict=True)
    ]
    odds = np.frombuffer(columns.odds, "<u4")[starts + choice["chosen"]]
    entries["odds"] = odds | np.where(choice["explored"], _EXPLORED, np.uint32(0))
    return entries


def _entries(decisions: Sequence[Decision | Reward], places: Sequence[int]) -> NDArray[np.void]:
    entries = np.zeros(len(decisions), ENTRY_DTYPE)
    ids = [Id.of(each.id) for each in decisions]
    entries["place"] = places
    entries["nonce"] = [each.nonce for each in ids]
    entries["check"] = [each.check for each in ids]
    entries["artwork"] = [mark(each.artwork) for each in decisions]
    odds = np.rint(np.array([each.propensity for each in decisions]) * ODDS).astype(np.uint32)
    odds |= np.where([each.explored for each in decisions], _EXPLORED, np.uint32(0))
    odds |= np.where([each.old for each in ids], _OLD, np.uint32(0))
    entries["odds"] = odds
    return entries


def pack_assigned(assigned: Assigned) -> bytes:
    """Return the record; at most `MAX_BYTES`."""
    head = np.array([(ASSIGNED_VERSION, len(assigned.pages), len(assigned))], _HEAD)
    return head.tobytes() + assigned.pages.tobytes() + assigned.entries.tobytes()


def unpack_assigned(blob: bytes | None) -> Assigned:
    """Return what a record holds, nothing for None.

    Raises
    ------
    InvalidRecord
        It is not of the size that it says.
    UnknownVersion
        It was written by a newer keyart.
    """
    if blob is None:
        return Assigned()
    start = _HEAD.itemsize
    if len(blob) < start:
        raise InvalidRecord(f"a record of assignments of {len(blob)} bytes")
    head = np.frombuffer(blob, _HEAD, count=1)[0]
    if head["version"] > ASSIGNED_VERSION:
        raise UnknownVersion("a record of assignments was written by a newer keyart")
    pages, entries = int(head["pages"]), int(head["entries"])
    middle = start + pages * PAGE_DTYPE.itemsize
    if len(blob) != middle + entries * ENTRY_DTYPE.itemsize:
        raise InvalidRecord(f"a record of assignments of {len(blob)} bytes, not as it says")
    return Assigned(
        np.frombuffer(blob, PAGE_DTYPE, count=pages, offset=start),
        np.frombuffer(blob, ENTRY_DTYPE, count=entries, offset=middle),
    )
