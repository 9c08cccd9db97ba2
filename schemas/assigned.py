"""What a viewer has been assigned: the decisions that stand, in one small record per viewer.

The lane of the viewer writes it, the api reads it beside the taste, in the same round trip: what
is in it is kept, and is not decided again. It is packed, 30 bytes a decision and 14 a page, and
goes when its last decision has run out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple, Self
from zlib import crc32

import numpy as np

from keyart.schemas.columns import ODDS, Columns
from keyart.schemas.decisions import Decision
from keyart.schemas.errors import InvalidRecord, UnknownVersion
from keyart.schemas.rewards import Reward

ASSIGNED_VERSION: Final = 1
MAX_ASSIGNED: Final = 2048
"""Decisions of one viewer that are remembered at once. More than these teach nothing."""
MAX_PAGES: Final = 512

_EXPLORED: Final = 1 << 31
_OLD: Final = 1 << 30
_SHARE: Final = (1 << 30) - 1
_HEAD: Final = Struct("<BHH")
"""version, number of pages, number of entries."""
_PAGE: Final = Struct("<HqI")
"""number; decided_at_ms; mark of the policy's version."""
_ENTRY: Final = Struct("<QQIIIH")
"""place: `title_number` of the title xor that of the surface. nonce, check: the id. artwork: mark
of its id. odds: propensity x 1e7, and two flags. page: the number of the page it stands on."""
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
"""The same, for the whole of a page at once."""
_REST: Final = Struct("<IIH")
"""The last three of an entry."""
_NUMBER: Final = Struct("<H")
OLD_DIGITS: Final = 16
_ID_AT, _NUMBER_AT = 8, 28
_NONCE_BYTES: Final = 8
_NO_CHECK: Final = bytes(4)
MARK_BYTES: Final = _NONCE_BYTES + len(_NO_CHECK)

MAX_BYTES: Final = _HEAD.size + MAX_PAGES * _PAGE.size + MAX_ASSIGNED * _ENTRY.size


def mark(name: str) -> int:
    """Return 32 bits that stand for an artwork among its title's, or for a policy's version."""
    return crc32(name.encode())


def _packed(id: str) -> bytes:
    """Return `MARK_BYTES` bytes for an id that `is_decision_id`: nonce, and check if any."""
    return bytes.fromhex(id[:16])[::-1] + (bytes.fromhex(id[16:])[::-1] or _NO_CHECK)


def _text(packed: bytes, *, old: bool) -> str:
    """Return the id as it is written."""
    nonce = packed[_NONCE_BYTES - 1 :: -1].hex()
    return nonce if old else nonce + packed[: _NONCE_BYTES - 1 : -1].hex()


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
    """A viewer's decisions, in the order in which they were taken in; those of a page together.

    Both are kept as they are packed: most viewers of a batch are asked for one decision or two, and
    a search through bytes costs less than taking them apart.

    Parameters
    ----------
    pages
        14 bytes each.
    entries
        30 bytes each.
    """

    pages: bytes = b""
    entries: bytes = b""

    def __len__(self) -> int:
        """Return the number of decisions."""
        return len(self.entries) // _ENTRY.size

    @property
    def page_count(self) -> int:
        """The number of pages."""
        return len(self.pages) // _PAGE.size

    @property
    def last_number(self) -> int | None:
        """The number of the page that was taken in last."""
        if not self.pages:
            return None
        number: int = _NUMBER.unpack_from(self.pages, len(self.pages) - _PAGE.size)[0]
        return number

    def latest(self) -> dict[int, int]:
        """Return place -> index of its latest entry."""
        return {entry[0]: at for at, entry in enumerate(_ENTRY.iter_unpack(self.entries))}

    def nonces(self) -> set[int]:
        """Return the random part of every id."""
        return {entry[1] for entry in _ENTRY.iter_unpack(self.entries)}

    def shown(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield (nonce, place, mark of the artwork, decided_at_ms) of every entry."""
        times = {number: at_ms for number, at_ms, _ in _PAGE.iter_unpack(self.pages)}
        for place, nonce, _, artwork, _, number in _ENTRY.iter_unpack(self.entries):
            if number in times:
                yield nonce, place, artwork, times[number]

    def kept(self, at: int) -> Kept:
        """Return one entry in words."""
        *_, artwork, odds, number = self._entry(at)
        _, decided_at_ms, policy = self._page(number)
        return Kept(
            id=_text(self.mark_at(at), old=bool(odds & _OLD)),
            artwork=artwork,
            propensity=(odds & _SHARE) / ODDS,
            explored=bool(odds & _EXPLORED),
            decided_at_ms=decided_at_ms,
            policy=policy,
        )

    def find(self, decision: str) -> int | None:
        """Return the index of the entry with this id, None when there is none."""
        wanted, at = _packed(decision), -1
        while (at := self.entries.find(wanted, at + 1)) >= 0:
            if at % _ENTRY.size == _ID_AT:
                return at // _ENTRY.size
        return None

    def about(self, place: int, artwork: int | None) -> list[int]:
        """Return the indices of the entries of a place; those of an artwork if there are any."""
        wanted = place.to_bytes(_ID_AT, "little")
        found = list(_places(self.entries, wanted, _ENTRY.size, 0))
        if artwork is None:
            return found
        return [at for at in found if self._entry(at)[3] == artwork] or found

    def id_at(self, at: int) -> str:
        """Return the id of one entry."""
        return _text(self.mark_at(at), old=bool(self._entry(at)[4] & _OLD))

    def mark_at(self, at: int) -> bytes:
        """Return `MARK_BYTES` bytes that stand for one entry's decision: its id as it is packed."""
        first = at * _ENTRY.size + _ID_AT
        return self.entries[first : first + MARK_BYTES]

    def number_at(self, at: int) -> int:
        """Return the number of the page on which an entry stands."""
        number: int = _NUMBER.unpack_from(self.entries, at * _ENTRY.size + _NUMBER_AT)[0]
        return number

    def line_at(self, at: int) -> int:
        """Return the place of an entry among those of its page."""
        number, line = self.number_at(at), 0
        while line < at and self.number_at(at - line - 1) == number:
            line += 1
        return line

    def decided_at(self, at: int) -> int:
        """Return when one entry was decided."""
        return self._page(self.number_at(at))[1]

    def decided_by(self, until_ms: int) -> list[int]:
        """Return the numbers of the pages that were decided by then."""
        return [number for number, at_ms, _ in _PAGE.iter_unpack(self.pages) if at_ms <= until_ms]

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
        page = _PAGE.pack(number, decided_at_ms, mark(policy))
        more = [_pack(each, place, number) for each, place in zip(decisions, places, strict=True)]
        return type(self)(self.pages + page, b"".join((self.entries, *more)))

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
        page = _PAGE.pack(number, decided_at_ms, mark(policy))
        return type(self)(self.pages + page, self.entries + _in_columns(columns, places, number))

    def without(self, numbers: Sequence[int]) -> Self:
        """Return what is left when these pages go."""
        if not numbers:
            return self
        gone = set(numbers)
        pages = [each for each in _PAGE.iter_unpack(self.pages) if each[0] not in gone]
        entries = [each for each in _ENTRY.iter_unpack(self.entries) if each[5] not in gone]
        return type(self)(
            b"".join(_PAGE.pack(*each) for each in pages),
            b"".join(_ENTRY.pack(*each) for each in entries),
        )

    def _entry(self, at: int) -> tuple[int, int, int, int, int, int]:
        return _ENTRY.unpack_from(self.entries, at * _ENTRY.size)

    def _page(self, number: int) -> tuple[int, int, int]:
        at = next(_places(self.pages, _NUMBER.pack(number), _PAGE.size, 0), None)
        if at is None:
            raise InvalidRecord(f"a record of assignments without its page {number}")
        return _PAGE.unpack_from(self.pages, at * _PAGE.size)


def _places(packed: bytes, wanted: bytes, size: int, offset: int) -> Iterator[int]:
    """Yield which of the records of a size have these bytes at an offset."""
    at = -1
    while (at := packed.find(wanted, at + 1)) >= 0:
        if at % size == offset:
            yield at // size


def _pack(decision: Decision | Reward, place: int, number: int) -> bytes:
    odds = round(decision.propensity * ODDS)
    odds |= _EXPLORED if decision.explored else 0
    odds |= _OLD if len(decision.id) == OLD_DIGITS else 0
    rest = _REST.pack(mark(decision.artwork), odds, number)
    return place.to_bytes(_ID_AT, "little") + _packed(decision.id) + rest


def _in_columns(columns: Columns, places: Sequence[int], number: int) -> bytes:
    choice, odds = columns.choice, np.frombuffer(columns.odds, "<u4")
    picked = choice["chosen"].tolist()
    entries = np.zeros(len(columns), ENTRY_DTYPE)
    entries["place"] = places
    entries["nonce"], entries["check"] = choice["nonce"], choice["check"]
    names = zip(columns.candidates, picked, strict=True)
    entries["artwork"] = [mark(candidates[at]) for candidates, at in names]
    odds = odds[np.array(columns.starts[:-1], np.intp) + choice["chosen"]]
    entries["odds"] = odds | np.where(choice["explored"], np.uint32(_EXPLORED), np.uint32(0))
    entries["page"] = number
    return entries.tobytes()


def pack_assigned(assigned: Assigned) -> bytes:
    """Return the record; at most `MAX_BYTES`."""
    head = _HEAD.pack(ASSIGNED_VERSION, assigned.page_count, len(assigned))
    return head + assigned.pages + assigned.entries


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
    if len(blob) < _HEAD.size:
        raise InvalidRecord(f"a record of assignments of {len(blob)} bytes")
    version, pages, entries = _HEAD.unpack_from(blob)
    if version > ASSIGNED_VERSION:
        raise UnknownVersion("a record of assignments was written by a newer keyart")
    middle = _HEAD.size + pages * _PAGE.size
    if len(blob) != middle + entries * _ENTRY.size:
        raise InvalidRecord(f"a record of assignments of {len(blob)} bytes, not as it says")
    return Assigned(blob[_HEAD.size : middle], blob[middle:])
