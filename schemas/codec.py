"""Bytes to records and back: JSON on the wire, MessagePack in the state store."""

from functools import cache
from typing import Any, Final, Generic, TypeVar

import msgspec

from keyart.schemas.catalogue import StoredTitle, Title
from keyart.schemas.decisions import DECISION_VERSION, DecisionPage
from keyart.schemas.errors import InvalidRecord, UnknownVersion
from keyart.schemas.events import EVENT_VERSION, Event
from keyart.schemas.ids import PSEUDONYM_PATTERN, is_pseudonym
from keyart.schemas.names import against, check_names
from keyart.schemas.posterior import POSTERIOR_VERSION, SharedSums, TitleSums
from keyart.schemas.rewards import REWARD_VERSION, Reward

T = TypeVar("T")
H = TypeVar("H", bound=Event | DecisionPage | Reward)
MAX_RECORD_BYTES = 1_000_000

encode = msgspec.json.Encoder().encode
pack = msgspec.msgpack.Encoder().encode


class Codec(Generic[T]):
    """Decodes one kind of record, with its size and its version checked.

    Unknown fields are ignored, and an older version reads as it stands: a field that came later has
    a default that means what its absence meant.
    """

    def __init__(self, kind: Any, *, newest: int) -> None:
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind)
        self._newest = newest

    def decode(self, data: bytes) -> T:
        """Return the record in these bytes.

        Raises
        ------
        InvalidRecord
            Too large, not JSON, or against the schema; the message says what and where.
        UnknownVersion
            Written by a newer keyart.
        """
        if len(data) > MAX_RECORD_BYTES:
            raise InvalidRecord(f"record of {len(data)} bytes; the bound is {MAX_RECORD_BYTES}")
        try:
            record = self._decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
            message, _, path = str(wrong).partition(" - at `")
            raise InvalidRecord(message, path.rstrip("`")) from None
        version = getattr(record, "version", 1)
        if version > self._newest:
            raise UnknownVersion(f"version {version}; this keyart reads up to {self._newest}")
        return record


class HotCodec(Codec[H]):
    """Decodes what flows in the hot topics: its names are looked at once for the whole record."""

    def __init__(self, kind: Any, *, newest: int) -> None:
        super().__init__(kind, newest=newest)
        self._kind = kind

    def decode(self, data: bytes) -> H:
        """Return the record; raises as any codec does."""
        record = super().decode(data)
        if not is_pseudonym(record.viewer):
            raise InvalidRecord(against(PSEUDONYM_PATTERN), "$.viewer")
        check_names(data, self._kind)
        return record


class PageCodec(HotCodec[DecisionPage]):
    """Decodes pages of decisions, in columns or one by one."""

    def decode(self, data: bytes) -> DecisionPage:
        """Return the page, its decisions one by one; raises as any codec does."""
        return super().decode(data).whole()


events: Codec[Event] = HotCodec(Event, newest=EVENT_VERSION)
decisions = PageCodec(DecisionPage, newest=DECISION_VERSION)
rewards: Codec[Reward] = HotCodec(Reward, newest=REWARD_VERSION)
titles: Codec[Title] = Codec(Title, newest=1)
stored_titles: Codec[StoredTitle] = Codec(StoredTitle, newest=1)


STORED: Final[dict[type, int]] = {TitleSums: POSTERIOR_VERSION, SharedSums: POSTERIOR_VERSION}
"""The newest version of those state records that say theirs."""


@cache
def _unpacker(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


def unpack(data: bytes, kind: type[T]) -> T:
    """Return the state record in these MessagePack bytes.

    Raises
    ------
    InvalidRecord
        The store holds something else under this key.
    UnknownVersion
        Written by a newer keyart.
    """
    try:
        record: T = _unpacker(kind).decode(data)  # type: ignore[arg-type]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise InvalidRecord(f"stored {kind.__name__}: {wrong}") from None
    newest = STORED.get(kind)
    if newest is not None and (version := getattr(record, "version", newest)) > newest:
        raise UnknownVersion(f"stored {kind.__name__} of version {version}")
    return record
