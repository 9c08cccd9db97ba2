"""What every lane does: hold its ownership, read the state a batch wants, commit its effects.

Nothing that is in the log or the store stops a lane. A batch that fails is halved until what is
wrong stands alone; that goes to the dead letters, and the rest goes on.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import TypeVar

from keyart.schemas.errors import Fenced, InvalidRecord, OffsetMismatch, StoreAway
from keyart.streams.lanes.aside import Check, fault, lose, set_aside
from keyart.streams.lanes.batch import Batch
from keyart.streams.letters import dead_letter, reason_of
from keyart.streams.ports import Commit, Lane, LogRecord, Ownership, StateStore
from keyart.streams.steps.due import Due
from keyart.streams.steps.effects import Effects, Wanted

T = TypeVar("T")
log = logging.getLogger(__name__)
COMMIT_TRIES = 8
DAY_MS = 86_400_000
MAX_AHEAD_MS = DAY_MS
MAX_HELD_BYTES = 32_000_000
"""Stored values that a batch may want, unless it cannot be made smaller."""
MAX_COMMIT_BYTES = 64_000_000
"""What a commit may write: the server takes 512 MB in one command, and memory is bounded."""
READ_FIRST = 50
READ_AT_ONCE = 1000
PASSING = (StoreAway, Fenced, OffsetMismatch, MemoryError)
"""Errors that say nothing about the batch."""


class Oversized(Exception):
    """A batch wants or changes more than a lane handles at once."""


class LaneBase:
    """One lane with its single owner.

    Parameters
    ----------
    store
        Where the lane's state is.
    lane
        Which one.
    checks
        By family: raises when a stored value cannot be used.
    """

    def __init__(self, store: StateStore, lane: Lane, *, checks: Mapping[str, Check]) -> None:
        self.lane = lane
        self.counts: Counter[str] = Counter()
        self.produced = 0
        self._store = store
        self._checks = checks
        self._ownership = Ownership(0, 0)
        self._offsets: dict[str, str] = {}
        self._faults: list[str] = []

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

    def _once(self, batch: Batch) -> None:
        """Run the steps on a batch and commit."""
        raise NotImplementedError

    def _window(self, due: Due) -> tuple[str, str]:
        """Return where the state of a window is that is due."""
        raise NotImplementedError

    def _run(self, batch: Batch) -> None:
        """Run the steps on a batch and commit; what cannot be applied is set aside, alone.

        Raises
        ------
        StoreAway, Fenced, OffsetMismatch
            As `_commit` does. What was committed before is committed.
        """
        try:
            self._halve(batch)
        finally:
            if self._faults:
                more = f" and {len(self._faults) - 1} more" if len(self._faults) > 1 else ""
                where = f"lane {self.lane.kind} {self.lane.partition}"
                log.warning("%s set aside %s%s", where, self._faults[0], more)
                self._faults.clear()

    def _halve(self, batch: Batch) -> None:
        try:
            self._once(batch)
        except PASSING:
            raise
        except Exception as wrong:
            if batch.size > 1:
                for half in batch.halves():
                    self._halve(half)
                return
            unexpected = not isinstance(wrong, InvalidRecord | Oversized)
            log.debug("what is wrong stands alone", exc_info=wrong if unexpected else None)
            self._set_aside(batch, wrong)

    def _set_aside(self, batch: Batch, wrong: Exception) -> None:
        """Commit that the only record or window of the batch is set aside."""
        effects = Effects()
        for record in batch.records:
            effects.outputs.append(dead_letter(record, wrong))
            effects.counts["dead_letters"] += 1
            self._faults.append(f"{record.topic} {record.offset}: {reason_of(wrong)}")
        for due in batch.due:
            family, key = self._window(due)
            value = self._store.read(self.lane, family, [key])[0]
            if value is not None:
                lose(effects, self.lane, (family, key, value), reason_of(wrong))
                self._faults.append(f"stored {family}/{key}: {reason_of(wrong)}")
        self._commit(effects, last_offsets(batch.records))

    def _held(self, wanted: Wanted, *, alone: bool) -> dict[tuple[str, str], bytes | None]:
        """Return the stored values of a batch.

        Raises
        ------
        Oversized
            They are more than a lane holds at once, and the batch can be made smaller.
        """
        held: dict[tuple[str, str], bytes | None] = {}
        families: dict[str, list[str]] = {}
        for family, key in wanted:
            families.setdefault(family, []).append(key)
        total = 0
        for family, keys in sorted(families.items()):
            keys.sort()
            first, step = 0, READ_FIRST
            while first < len(keys):
                some = keys[first : first + step]
                values = self._store.read(self.lane, family, some)
                held.update(zip(zip(repeat(family), some), values, strict=True))
                size = sum(map(len, filter(None, values)))
                total += size
                if total > MAX_HELD_BYTES and not alone:
                    raise Oversized("the batch wants too much stored state")
                first += step
                # values of a family are of about one size: no more than what is left at a time
                fitting = (MAX_HELD_BYTES - total) * len(some) // max(1, size)
                step = max(READ_FIRST, min(READ_AT_ONCE, fitting))
        return held

    def _with_readable(
        self, held: dict[tuple[str, str], bytes | None], run: Callable[[], tuple[Effects, T]]
    ) -> tuple[Effects, T]:
        """Run the steps; where they fail over stored values that cannot be used, without those."""
        try:
            return run()
        except PASSING:
            raise
        except Exception:
            aside = set_aside(self.lane, self._checks, held)
            if not aside.puts:
                raise
        effects, result = run()
        self._faults += [f"stored {family}/{key}" for family, key in aside.puts]
        aside.add(effects)
        return aside, result

    def _meta_value(self, family: str, key: str) -> bytes | None:
        """Return a value that the lane keeps about itself; one that cannot be used is set aside."""
        value = self._store.read(self.lane, family, [key])[0]
        if value is None or not (reason := fault(self._checks.get(family), key, value)):
            return value
        self._lose([(family, key, value, reason)])
        return None

    def _lose(self, values: Sequence[tuple[str, str, bytes, str]]) -> None:
        """Commit that stored values are set aside: (family, key, value, reason) each."""
        effects = Effects()
        for family, key, value, reason in values:
            lose(effects, self.lane, (family, key, value), reason)
        self._commit(effects, {})
        family, key, _, reason = values[0]
        log.warning(
            "lane %s %s set aside %d stored values, among them %s/%s: %s",
            *(*self.lane, len(values), family, key, reason),
        )

    def _commit(self, effects: Effects, offsets: dict[str, str]) -> None:
        """Write the effects and the offsets; a store that is away for a moment is tried again.

        Raises
        ------
        Oversized
            It is more than one commit may write.
        Fenced
            The lane has another owner; everything held here is stale.
        StoreAway
            The store stayed away. The batch has to be taken again from `open`.
        """
        written = sum(len(value) for value in effects.puts.values() if value is not None)
        written += sum(len(output.value) for output in effects.outputs)
        if written > MAX_COMMIT_BYTES:
            raise Oversized(f"its effects are {written} bytes; the bound is {MAX_COMMIT_BYTES}")
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


def last_offsets(records: Sequence[LogRecord]) -> dict[str, str]:
    """Return the last offset of each topic in a batch that is in the log's order."""
    return {record.topic: record.offset for record in records}
