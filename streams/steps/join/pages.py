"""What was decided, as the join keeps it until it is seen or its time is over: packed by page.

A decision waits for its impression for a whole dwell period, and most are never seen, so what waits
has to be small. One page is one compressed record of columns, as the log has them, that one
decision is read out of: 235 bytes a decision in a page of forty with ten artworks each, where the
reward made of it takes 2,000. Pages of before there were columns are kept decision by decision.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa
from msgspec import Struct

from keyart.schemas import codec
from keyart.schemas.columns import Columns
from keyart.schemas.context import Context
from keyart.schemas.decisions import Decision, DecisionPage, Versions, one_by_one
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.rewards import REWARD_VERSION, Reward

_ZSTD: Final = pa.Codec("zstd", compression_level=1)
_SIZE: Final = 4
_IN_COLUMNS: Final = b"columns"
"""Instead of a head, before which no other page could have it."""


class Head(Struct, frozen=True, array_like=True):
    """What the decisions of a page have in common."""

    surface: str
    decided_at_ms: int
    policy: str
    versions: tuple[str, str, str, str]
    split: str = ""
    context: Context = {}
    situation: tuple[float, ...] = ()
    segment: str = ""


class Line(Struct, frozen=True, array_like=True):
    """One decision, without the reasons for it: a reward has none."""

    id: str
    title: str
    artwork: str
    candidates: tuple[str, ...]
    propensities: tuple[float, ...]
    explored: bool
    features: tuple[float, ...]
    personal: float
    multiplier: float
    expected: float
    response: float = 1.0

    @classmethod
    def of(cls, one: Decision | Reward) -> "Line":
        """Return it of a decision, or of the reward that was begun for one."""
        return cls(
            one.id,
            one.title,
            one.artwork,
            one.candidates,
            one.propensities,
            one.explored,
            one.features,
            one.personal,
            one.multiplier,
            one.expected,
            one.response,
        )


_head: msgspec.json.Decoder[Head] = msgspec.json.Decoder(Head)
_line: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)
_columns: msgspec.msgpack.Decoder[Columns] = msgspec.msgpack.Decoder(Columns)
_parts: msgspec.msgpack.Decoder[list[bytes]] = msgspec.msgpack.Decoder(list[bytes])


def head_of(page: DecisionPage) -> Head:
    """Return what the decisions of a page have in common."""
    return Head(
        page.surface,
        page.decided_at_ms,
        page.policy,
        _names(page.versions),
        page.split,
        page.context,
        page.situation,
        page.segment,
    )


def head_in(begun: Reward) -> Head:
    """Return it of a reward that was begun, as `reward_in` begins them."""
    return Head(
        begun.surface,
        begun.closed_at_ms,
        begun.policy,
        _names(begun.versions),
        begun.split,
        begun.context,
        begun.situation,
    )


def _names(made: Versions) -> tuple[str, str, str, str]:
    return made.policy, made.prior, made.posterior, made.space


def pack_page(head: Head, lines: list[Line]) -> bytes:
    """Return one record for these decisions."""
    # numbers as text: they were rounded to a few digits, which compresses better than their bits
    return _pack([codec.encode(each) for each in (head, *lines)])


def pack_columns(head: Head, columns: Columns, taste: bytes) -> bytes:
    """Return one record for a page in columns."""
    # the reasons are for sentences; a reward has none
    kept = columns.without_reasons()
    return _pack([_IN_COLUMNS, codec.encode(head), codec.pack(kept), taste])


def pack_taken(page: DecisionPage, rows: Sequence[int]) -> bytes:
    """Return one record for these decisions of a page, as the log had it."""
    if page.columns is None:
        return pack_page(head_of(page), [Line.of(page.decisions[row]) for row in rows])
    whole = len(rows) == len(page.columns)
    columns = page.columns if whole else page.columns.take(rows)
    return pack_columns(head_of(page), columns, page.taste)


def _pack(parts: list[bytes]) -> bytes:
    whole = codec.pack(parts)
    packed: bytes = _ZSTD.compress(whole, asbytes=True)
    return len(whole).to_bytes(_SIZE, "little") + packed


def unpack_page(record: bytes) -> list[bytes]:
    """Return the parts of a record, to be read by `reward_in`.

    Raises
    ------
    InvalidRecord
        It is something else.
    """
    size = int.from_bytes(record[:_SIZE], "little")
    if size > 2 * codec.MAX_RECORD_BYTES:
        raise InvalidRecord(f"a stored page says that it has {size} bytes")
    try:
        whole: Any = _ZSTD.decompress(record[_SIZE:], decompressed_size=size, asbytes=True)
        return _parts.decode(whole)
    except (pa.ArrowException, OSError, msgspec.DecodeError) as wrong:
        raise InvalidRecord(f"a stored page: {wrong}") from None


def reward_in(parts: list[bytes], at: int, *, viewer: str, source: int) -> Reward:
    """Return the reward that begins with decision `at` of a page: not seen yet, worth 0.

    `closed_at_ms` is when it was decided, until it is closed.

    Raises
    ------
    InvalidRecord
        The page has no such decision.
    """
    if parts and parts[0] == _IN_COLUMNS:
        return _reward_in_columns(parts, at, viewer=viewer, source=source)
    try:
        head, line = _head.decode(parts[0]), _line.decode(parts[1 + at])
    except (msgspec.DecodeError, IndexError) as wrong:
        raise InvalidRecord(f"a stored page: {wrong}") from None
    policy, prior, posterior, space = head.versions
    return Reward(
        id=line.id,
        viewer=viewer,
        title=line.title,
        artwork=line.artwork,
        surface=head.surface,
        value=0.0,
        shown_at_ms=0,
        closed_at_ms=head.decided_at_ms,
        candidates=line.candidates,
        propensities=line.propensities,
        explored=line.explored,
        policy=head.policy,
        versions=Versions(policy=policy, prior=prior, posterior=posterior, space=space),
        features=line.features,
        personal=line.personal,
        multiplier=line.multiplier,
        expected=line.expected,
        source=source,
        split=head.split,
        context=head.context,
        situation=head.situation,
        response=line.response,
    )


def _reward_in_columns(parts: list[bytes], at: int, *, viewer: str, source: int) -> Reward:
    try:
        head, columns, taste = _head.decode(parts[1]), _columns.decode(parts[2]), parts[3]
    except (msgspec.DecodeError, IndexError) as wrong:
        raise InvalidRecord(f"a stored page: {wrong}") from None
    if at >= len(columns):
        raise InvalidRecord(f"a stored page has {len(columns)} decisions, not {at + 1}")
    one = columns.take([at]).check()
    (line,), choice = one_by_one(one), one.choice[0]
    policy, prior, posterior, space = head.versions
    return Reward(
        id=line.id,
        viewer=viewer,
        title=line.title,
        artwork=line.artwork,
        surface=head.surface,
        value=0.0,
        shown_at_ms=0,
        closed_at_ms=head.decided_at_ms,
        candidates=line.candidates,
        propensities=line.propensities,
        explored=line.explored,
        policy=head.policy,
        versions=Versions(policy=policy, prior=prior, posterior=posterior, space=space),
        features=line.features,
        personal=line.personal,
        multiplier=line.multiplier,
        expected=line.expected,
        source=source,
        split=head.split,
        context=head.context,
        situation=head.situation,
        response=line.response,
        beliefs=one.beliefs,
        taste=taste,
        segment=head.segment,
        level=line.terms.level,
        trust=line.terms.trust,
        strength=round(float(choice["strength"]), 1),
        version=REWARD_VERSION,
    )
