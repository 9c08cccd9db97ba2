"""Dead letters: what no lane could read or apply, with the reason.

A letter holds a record of the log, or a value of the stored state that was set aside (its topic is
then `STATE`). It fits into the log whatever it is about.
"""

from collections.abc import Iterable

import msgspec

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord, NotFound
from keyart.schemas.topics import DEAD_LETTERS, TOPICS
from keyart.streams.ports import Lane, LogRecord, Output

MAX_DEAD_BYTES = 100_000
MAX_DEAD_KEY = 1000
MAX_REASON = 500
MAX_LETTER_BYTES = 400_000
"""Less than the batch in which a lane's outputs go to Kafka."""
REPLACED = "\ufffd"
STATE = "state"
"""In place of a topic: the letter holds stored state."""
RETURNABLE = frozenset(topic.name for topic in TOPICS if topic.name != DEAD_LETTERS)


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """What was set aside. `offset` is the record's own; `id` is the letter's place.

    A letter of stored state has the lane's kind in `path`, and `family/key` in `key`; bytes of its
    value that are not text are written as escapes.
    """

    topic: str
    partition: int
    offset: str
    reason: str
    value: str
    key: str = ""
    path: str = ""
    truncated: bool = False
    id: str = ""


_decoder = msgspec.json.Decoder(DeadLetter)


def dead_letter(record: LogRecord, wrong: Exception) -> Output:
    """Return the dead letter of a record that could not be read or applied."""
    return _posted(
        DeadLetter(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=record.key[:MAX_DEAD_KEY],
            reason=reason_of(wrong),
            path=wrong.path[:MAX_REASON] if isinstance(wrong, InvalidRecord) else "",
            value=record.value[:MAX_DEAD_BYTES].decode(errors="replace"),
            truncated=len(record.value) > MAX_DEAD_BYTES or len(record.key) > MAX_DEAD_KEY,
        )
    )


def state_letter(lane: Lane, family: str, key: str, value: bytes, reason: str) -> Output:
    """Return the letter of a stored value that is set aside."""
    return _posted(
        DeadLetter(
            topic=STATE,
            partition=lane.partition,
            offset="",
            key=f"{family}/{key}"[:MAX_DEAD_KEY],
            reason=reason[:MAX_REASON],
            path=lane.kind,
            value=value[:MAX_DEAD_BYTES].decode(errors="backslashreplace"),
            truncated=len(value) > MAX_DEAD_BYTES,
        )
    )


def too_large(output: Output) -> Output:
    """Return the letter of an output that the log does not take."""
    return _posted(
        DeadLetter(
            topic=output.topic,
            partition=-1,
            offset="",
            key=output.key[:MAX_DEAD_KEY],
            reason=f"the log takes no record of {len(output.value)} bytes",
            value=output.value[:MAX_DEAD_BYTES].decode(errors="replace"),
            truncated=True,
        )
    )


def reason_of(wrong: Exception) -> str:
    """Return in a line why something could not be read, or what went wrong with it."""
    if isinstance(wrong, InvalidRecord):
        return wrong.message[:MAX_REASON]
    return f"{type(wrong).__name__}: {wrong}"[:MAX_REASON]


def read_letter(record: LogRecord, name: str) -> DeadLetter:
    """Return the letter in a record of the dead letters' topic, with its id."""
    try:
        letter = _decoder.decode(record.value)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        letter = DeadLetter(
            topic=DEAD_LETTERS,
            partition=record.partition,
            offset=record.offset,
            reason=f"not a dead letter: {wrong}",
            value=record.value.decode(errors="replace"),
        )
    return msgspec.structs.replace(letter, id=name)


def refuse_lossy(letter: DeadLetter) -> None:
    """Refuse a letter that cannot be sent again as it was.

    Raises
    ------
    InvalidRecord
        It was cut, was not text, or came from no topic of ours.
    """
    if letter.topic == STATE:
        raise InvalidRecord(
            f"dead letter {letter.id} holds stored state; `keyart replay` makes it from the log"
        )
    if letter.topic not in RETURNABLE:
        raise InvalidRecord(f"dead letter {letter.id} names no topic to send it to")
    if letter.truncated:
        raise InvalidRecord(f"dead letter {letter.id} holds only the start of its record")
    if REPLACED in letter.value or REPLACED in letter.key:
        raise InvalidRecord(f"dead letter {letter.id} was not text, and cannot be sent as it was")


def find_letter(letters: Iterable[DeadLetter], name: str) -> DeadLetter:
    """Return the letter of this id.

    Raises
    ------
    NotFound
        There is none.
    """
    for letter in letters:
        if letter.id == name:
            return letter
    raise NotFound(f"no dead letter {name!r}; `keyart deadletters list` shows their ids")


def _posted(letter: DeadLetter) -> Output:
    """Return the letter as a record; control characters and escapes make some of them too long."""
    data = codec.encode(letter)
    while len(data) > MAX_LETTER_BYTES:
        half = letter.value[: len(letter.value) // 2]
        letter = msgspec.structs.replace(letter, value=half, truncated=True)
        data = codec.encode(letter)
    return Output(DEAD_LETTERS, letter.key, data)
