"""What every lane does: hold its ownership, read the state a batch wants, commit its effects."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord, StoreAway
from keyart.schemas.topics import DEAD_LETTERS
from keyart.streams.ports import Commit, Lane, LogRecord, Output, Ownership, StateStore
from keyart.streams.steps.effects import Effects, Held, Wanted

T = TypeVar("T")
log = logging.getLogger(__name__)
COMMIT_TRIES = 8
MAX_DEAD_BYTES = 100_000
MAX_DEAD_KEY = 1000
DAY_MS = 86_400_000
MAX_AHEAD_MS = DAY_MS


class LaneBase:
    """One lane with its single owner.

    Parameters
    ----------
    store
        Where the lane's state is.
    lane
        Which one.
    """

    def __init__(self, store: StateStore, lane: Lane) -> None:
        self.lane = lane
        self.counts: Counter[str] = Counter()
        self.produced = 0
        self._store = store
        self._ownership = Ownership(0, 0)
        self._offsets: dict[str, str] = {}

    def open(self) -> dict[str, str]:
        """Become the owner and return the offset to resume after, by topic."""
        self._ownership = self._store.acquire(self.lane)
        self._offsets = self._store.offsets(self.lane)
        return dict(self._offsets)

    @property
    def offsets(self) -> dict[str, str]:
        """The committed offset of each topic."""
        return dict(self._offsets)

    @property
    def epoch(self) -> int:
        """The epoch that this owner writes with."""
        return self._ownership.epoch

    def _read(self, wanted: Wanted) -> Held:
        held: dict[tuple[str, str], bytes | None] = {}
        families: dict[str, list[str]] = {}
        for family, key in sorted(wanted):
            families.setdefault(family, []).append(key)
        for family, keys in families.items():
            values = self._store.read(self.lane, family, keys)
            held.update({(family, key): value for key, value in zip(keys, values, strict=True)})
        return held

    def _commit(self, effects: Effects, offsets: dict[str, str]) -> None:
        """Write the effects and the offsets; a store that is away for a moment is tried again.

        Raises
        ------
        Fenced
            The lane has another owner; everything held here is stale.
        StoreAway
            The store stayed away. The batch has to be taken again from `open`.
        """
        epoch, number = self._ownership
        commit = Commit(
            lane=self.lane,
            epoch=epoch,
            number=number + 1,
            puts=effects.puts,
            offsets=offsets,
            outputs=effects.outputs,
            counts={name: count for name, count in effects.counts.items() if count},
        )
        for attempt in range(COMMIT_TRIES):
            try:
                self._store.commit(commit)
                break
            except StoreAway:
                if attempt == COMMIT_TRIES - 1:
                    raise
                time.sleep(min(1.0, 0.05 * 2**attempt))
        self._ownership = Ownership(epoch, number + 1)
        self._offsets.update(offsets)
        self.counts.update(effects.counts)
        self.produced += len(effects.outputs)


def decoded(
    records: Sequence[LogRecord],
    decode: Callable[[bytes], T],
    effects: Effects,
    *,
    time_of: Callable[[T], int],
) -> list[tuple[LogRecord, T]]:
    """Return the records that can be read; those that cannot go to the dead letters.

    So does a record whose own time is more than a day ahead of the log's: decay by event time would
    let one wrong clock wipe out what everybody else has taught. A dead letter says where the record
    was and why it could not be read, and holds up to 100 kB of it; the rest of the batch goes on.
    Counts `dead_letters`.
    """
    good: list[tuple[LogRecord, T]] = []
    for record in records:
        try:
            found = decode(record.value)
            if (ahead_ms := time_of(found) - record.logged_at_ms) > MAX_AHEAD_MS:
                raise InvalidRecord(f"its time is {ahead_ms / DAY_MS:.1f} days ahead of the log's")
            good.append((record, found))
        except InvalidRecord as wrong:
            effects.outputs.append(dead_letter(record, wrong))
            effects.counts["dead_letters"] += 1
    return good


def dead_letter(record: LogRecord, wrong: InvalidRecord) -> Output:
    """Return the dead letter of a record; it fits into the log whatever the record holds."""
    key = record.key[:MAX_DEAD_KEY]
    letter = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "key": key,
        "reason": wrong.message,
        "path": wrong.path,
        "value": record.value[:MAX_DEAD_BYTES].decode(errors="replace"),
        "truncated": len(record.value) > MAX_DEAD_BYTES or len(record.key) > MAX_DEAD_KEY,
    }
    return Output(DEAD_LETTERS, key, codec.encode(letter))


def last_offsets(records: Sequence[LogRecord]) -> dict[str, str]:
    """Return the last offset of each topic in a batch that is in the log's order."""
    return {record.topic: record.offset for record in records}
