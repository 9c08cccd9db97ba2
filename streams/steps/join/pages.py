"""What was decided, as the join keeps it until it is seen or its time is over: packed by page.

A decision waits for its impression for a whole dwell period, and most are never seen, so what waits
has to be small. One page is one compressed record of columns, as the log has them, that one
decision is read out of: 235 bytes a decision in a page of forty with ten artworks each, where the
reward made of it takes 2,000. Pages of before there were columns are kept decision by decision.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa
from msgspec import Struct, structs

from keyart.schemas import codec
from keyart.schemas.columns import ODDS, Columns
from keyart.schemas.context import Context
from keyart.schemas.decisions import Decision, DecisionPage, Versions, one_by_one
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.rewards import REWARD_VERSION, Reward

_ZSTD: Final = pa.Codec("zstd", compression_level=1)
_LZ4: Final = pa.Codec("lz4_raw")
_SMALL: Final = 4096
"""Below so many bytes what the better codec saves is less than its start costs: 50 microseconds."""
_SIZE: Final = 4
_IS_LZ4: Final = 1 << 31
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
    position: int = 0

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
            one.position,
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


def pack_page(head: Head, lines: Sequence[Line | bytes]) -> bytes:
    """Return one record for these decisions."""
    # numbers as text: they were rounded to a few digits, which compresses better than their bits
    packed = [each if isinstance(each, bytes) else codec.encode(each) for each in lines]
    return _pack([codec.encode(head), *packed])


class Opened(NamedTuple):
    """A page whose decisions can be read, one at a time: line by line, or in columns."""

    head: Head
    lines: Sequence[Line | bytes] = ()
    columns: Columns | None = None
    taste: bytes = b""


def open_taken(page: DecisionPage, rows: Sequence[int]) -> Opened:
    """Return these decisions of a page."""
    lines = [Line.of(page.decisions[row]) for row in rows]
    if page.columns is None:
        return Opened(head_of(page), lines)
    whole = len(rows) == len(page.columns)
    columns = page.columns if whole else page.columns.take(rows)
    return Opened(head_of(page), lines, columns, page.taste)


def pack_opened(page: Opened) -> bytes:
    """Return one record for a page."""
    if page.columns is None:
        return pack_page(page.head, page.lines)
    # the reasons are for sentences; a reward has none
    kept = codec.pack(page.columns.without_reasons())
    return _pack([_IN_COLUMNS, codec.encode(page.head), kept, page.taste])


def _pack(parts: list[bytes]) -> bytes:
    whole = codec.pack(parts)
    small = len(whole) < _SMALL
    packed: bytes = (_LZ4 if small else _ZSTD).compress(whole, asbytes=True)
    return (len(whole) | (_IS_LZ4 if small else 0)).to_bytes(_SIZE, "little") + packed


def unpack_page(record: bytes) -> Opened:
    """Return a record's page, to be read by `reward_in`.

    Raises
    ------
    InvalidRecord
        It is something else.
    """
    size = int.from_bytes(record[:_SIZE], "little")
    codec_of = _LZ4 if size & _IS_LZ4 else _ZSTD
    size &= ~_IS_LZ4
    if size > 2 * codec.MAX_RECORD_BYTES:
        raise InvalidRecord(f"a stored page says that it has {size} bytes")
    try:
        whole: Any = codec_of.decompress(record[_SIZE:], decompressed_size=size, asbytes=True)
        first, *rest = _parts.decode(whole)
        if first != _IN_COLUMNS:
            return Opened(_head.decode(first), rest)
        head, columns, taste = rest
        return Opened(_head.decode(head), (), _columns.decode(columns).check(), taste)
    except (pa.ArrowException, OSError, ValueError, msgspec.DecodeError) as wrong:
        raise InvalidRecord(f"a stored page: {wrong}") from None


def reward_in(page: Opened, at: int, *, viewer: str, source: int) -> Reward:
    """Return the reward that begins with decision `at` of a page: not seen yet, worth 0.

    `closed_at_ms` is when it was decided, until it is closed.

    Raises
    ------
    InvalidRecord
        The page has no such decision.
    """
    head, line = page.head, _line_at(page, at)
    policy, prior, posterior, space = head.versions
    begun = Reward(
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
        position=line.position,
    )
    if page.columns is None:
        return begun
    choice, responded = page.columns.choice[at], page.columns.responded(at)
    return structs.replace(
        begun,
        situation=() if responded is None else head.situation,
        responded=responded or 0.0,
        beliefs=page.columns.beliefs_of(at),
        taste=page.taste,
        segment=head.segment,
        level=int(choice["level"]) / ODDS,
        trust=round(float(choice["trust"]), 3),
        strength=round(float(choice["strength"]), 1),
        ruled=page.columns.ruled.get(at),
        version=REWARD_VERSION,
    )


def _line_at(page: Opened, at: int) -> Line:
    try:
        if page.lines or page.columns is None:
            found = page.lines[at]
            return found if isinstance(found, Line) else _line.decode(found)
    except (msgspec.DecodeError, IndexError) as wrong:
        raise InvalidRecord(f"a stored page: {wrong}") from None
    if at >= len(page.columns):
        raise InvalidRecord(f"a stored page has {len(page.columns)} decisions, not {at + 1}")
    (one,) = one_by_one(page.columns.take([at]))
    return Line.of(one)
