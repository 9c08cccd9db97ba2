"""Rebuilding the state from the log: `keyart replay`, its check, and a change of space."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from keyart.models.embed import Concepts
from keyart.schemas import codec
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.topics import CATALOGUE, EVENTS, partition_of
from keyart.services.jobs.eras import begin_era, eras_of, lanes_of, said_of_eras
from keyart.services.wiring.bootstrap import Parts
from keyart.services.wiring.clock import now_ms
from keyart.streams import replay
from keyart.streams.archive import files
from keyart.streams.catalogue.history import titles_of, whole
from keyart.streams.catalogue.view import CatalogueView
from keyart.streams.compare import (
    Check,
    Learned,
    compare_catalogue,
    compare_lane,
    learned,
    tastes_since,
)
from keyart.streams.memory.store import MemoryStore
from keyart.streams.ports import ARCHIVE_GROUP, TITLES, TOPICS_OF, VIEWERS, Lane, LogRecord, Output
from keyart.streams.site import Note

log = logging.getLogger(__name__)
LOGGED_AT_ONCE = 100
TRIES = 5
"""How often a lane that moves while it is read is read again."""


class Past:
    """The whole log of a site, and what is missing of it.

    Parameters
    ----------
    parts
        Settings, archive and log.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._passed: dict[tuple[str, int], list[str]] = {}
        self._first: dict[tuple[str, int], str] = {}

    def read(self, topic: str, partition: int) -> Iterator[LogRecord]:
        """Yield all records of a partition; what cannot be read is remembered."""
        passed: list[str] = []
        self._passed[topic, partition] = passed
        first = True
        for record in self._parts.history(
            topic, partition, passed=lambda each: passed.append(str(each))
        ):
            if first:
                self._first[topic, partition] = record.offset
                first = False
            yield record

    def titles(self, partition: int) -> dict[str, StoredTitle]:
        """Return the titles of a partition, each with its whole past."""
        return titles_of(self.read(CATALOGUE, partition))

    def view(self) -> CatalogueView:
        """Return the catalogue at all times: what the log has of it, and the store."""
        parts = self._parts
        view = CatalogueView(parts.space, Concepts(parts.space))
        _, now = parts.catalogue.changed(0)
        held = {title.id: title for title in now}
        for partition in range(parts.settings.partitions):
            for name, title in self.titles(partition).items():
                held[name] = whole([title, held[name]]) if name in held else title
        view.put(held.values())
        return view

    def gaps(self, topic: str, partition: int) -> Iterator[str]:
        """Yield, once it has been read, why a partition's log is not all that was ever logged."""
        parts, name = self._parts, f"{topic} {partition}"
        yield from self._passed.get((topic, partition), [])
        if not parts.embedded:
            first = int(self._first.get((topic, partition), "0"))
            # a topic that is compacted loses what nothing needs, wherever it stands
            if first > 0 and topic != CATALOGUE:
                yield f"the log of {name} begins at offset {first}: what came before is gone"
            return
        for missing in parts.ledger.missing(topic, partition):
            yield f"{missing} is gone from the archive"
        aside = [path for path in files.aside(parts.archive_dir) if _is_of(path, topic, partition)]
        for path in aside:
            yield f"{topic}/{path.parent.name}/{path.name} was set aside"
        archived = parts.log.group_offset(topic, partition, ARCHIVE_GROUP)
        if archived is not None and not files.paths(parts.archive_dir, topic, partition):
            count = parts.log.appended(topic, partition) - parts.log.length(topic, partition)
            if count > 0:
                yield f"the archive of {name} is gone, with about {count} records"

    def partial(
        self, topics: tuple[str, ...], partition: int, offsets: Mapping[str, str] | None = None
    ) -> str:
        """Return in one line why these topics' log is not whole, "" when it is.

        `offsets` are those at which the state stands that was made from it.
        """
        gaps = [gap for topic in topics for gap in self.gaps(topic, partition)]
        gaps += [
            f"the log of {topic} {partition} holds nothing that the state was made from"
            for topic in offsets or {}
            if (topic, partition) not in self._first
        ]
        more = f" (and {len(gaps) - 3} more)" if len(gaps) > 3 else ""
        return "; ".join(gaps[:3]) + more


def _is_of(path: Path, topic: str, partition: int) -> bool:
    return path.parent.parent.name == topic and path.name.startswith(f"{partition:04d}-")


def check_state(parts: Parts) -> Check:
    """Rebuild what was learned in memory, up to where the state stands, and compare both ways.

    Each stretch of the log is read with the settings that the state was made with. A lane that
    moves while it is read is read again a few times; stop the steps, or check a backup, for an
    exact answer on a busy site.
    """
    check, past = Check(), Past(parts)
    view = past.view()
    _, _, twice = replay.rewarded(past.read, parts.settings.partitions)
    for name in twice:
        check.differ(f"decision {name} was rewarded twice")
    for lane in lanes_of(parts.settings):
        _check_lane(parts, lane, past, view, check)
    _check_catalogue(parts, past, check)
    return check


def _check_lane(parts: Parts, lane: Lane, past: Past, view: CatalogueView, check: Check) -> None:
    state, upto = _standing(parts, lane, check)
    store, unread, read = MemoryStore(), Counter[str](), 0
    eras = eras_of(parts, lane)
    for number, (_, its) in enumerate(eras):
        last = number == len(eras) - 1
        bound = (upto or None) if last else eras[number + 1][0].offsets
        counted = unread if last else None
        if lane.kind == VIEWERS:
            made = its.viewers_lane(store, lane.partition, catalogue=view)
            read += replay.rebuild_viewers(made, past.read, upto=bound, unread=counted)
        else:
            titles = its.titles_lane(store, lane.partition)
            read += replay.rebuild_titles(titles, past.read, upto=bound, unread=counted)
    check.rewards += read if lane.kind == TITLES else 0
    if read and not upto:
        check.note(f"lane {lane.kind} {lane.partition} has read none of its {read} records")
    for topic, count in sorted(unread.items()):
        check.note(f"{count} records of {topic} {lane.partition} are not read yet")
    for said in said_of_eras(parts, lane, eras):
        check.note(said)
    partial = past.partial(TOPICS_OF[lane.kind], lane.partition, upto)
    log_side = learned(store, lane)
    if lane.kind == VIEWERS and parts.taste_ms:
        # a day, because an event's own time may be so far from the store's
        since_ms = now_ms() - parts.taste_ms + 86_400_000
        state, log_side = (tastes_since(side, since_ms) for side in (state, log_side))
    compare_lane(state, log_side, check, partial=partial)


def _standing(parts: Parts, lane: Lane, check: Check) -> tuple[Learned, dict[str, str]]:
    """Return what a lane has learned, and the offsets at which it stood meanwhile."""
    for _ in range(TRIES):
        before = parts.store.offsets(lane)
        state = learned(parts.store, lane)
        if parts.store.offsets(lane) == before:
            return state, before
    check.leave(f"lane {lane.kind} {lane.partition} moved all the while it was read")
    return state, before


def _check_catalogue(parts: Parts, past: Past, check: Check) -> None:
    for name, reason in sorted(parts.catalogue.set_aside().items()):
        check.note(f"title {name} was set aside: {reason}")
    logged: dict[int, dict[str, StoredTitle]] = {
        partition: past.titles(partition) for partition in range(parts.settings.partitions)
    }
    # read after the log: a title that is put meanwhile is then in the state alone, and not lost
    held: dict[int, dict[str, StoredTitle]] = {partition: {} for partition in logged}
    for title in parts.catalogue.changed(0)[1]:
        held[partition_of(title.id, parts.settings.partitions)][title.id] = title
    for partition, titles in logged.items():
        partial = past.partial((CATALOGUE,), partition)
        compare_catalogue(held[partition], titles, check, partial=partial)


def rebuild_state(parts: Parts) -> tuple[int, int]:
    """Rebuild the stored state from the log; return how many viewer records and rewards were read.

    Running steps are fenced and lose their lanes; start them again afterwards. Rewards that are in
    the log are not made again. Titles that the store has lost come back with their history.
    """
    past, settings = Past(parts), parts.settings
    # until this is gone again the state is not whole, and whoever starts next rebuilds it
    parts.register.write(Note.REBUILDING, b"1")
    restore_titles(parts, past)
    view = past.view()
    ids, last, _ = replay.rewarded(past.read, settings.partitions)
    records = rewards = 0
    for lane in lanes_of(settings):
        parts.store.clear(lane)
        parts.made_with.forget(lane)
        begin_era(parts, lane)
        if lane.kind == VIEWERS:
            made = parts.viewers_lane(parts.store, lane.partition, catalogue=view, already=ids)
            made.start_after(last.get(lane.partition, 0))
            records += replay.rebuild_viewers(made, past.read)
        else:
            titles = parts.titles_lane(parts.store, lane.partition)
            rewards += replay.rebuild_titles(titles, past.read)
        if partial := past.partial(TOPICS_OF[lane.kind], lane.partition):
            log.warning("lane %s %d is rebuilt from what is left: %s", *lane, partial)
    parts.register.drop(Note.REBUILDING)
    return records, rewards


def restore_titles(parts: Parts, past: Past) -> None:
    """Write the titles of the catalogue's log to the store, unless it has newer ones."""
    for partition in range(parts.settings.partitions):
        parts.catalogue.apply(past.titles(partition).values())


def log_titles_once(parts: Parts) -> int:
    """Log the titles of a store whose catalogue was never logged, once; return how many."""
    if not parts.embedded or parts.register.read(Note.TITLES_LOGGED) is not None:
        return 0
    _, titles = parts.catalogue.changed(0)
    outputs = [Output(CATALOGUE, title.id, codec.encode(title)) for title in titles]
    for first in range(0, len(outputs), LOGGED_AT_ONCE):
        parts.log.append(outputs[first : first + LOGGED_AT_ONCE])
    parts.register.write(Note.TITLES_LOGGED, b"1")
    return len(titles)


def begin(parts: Parts) -> None:
    """Make ready what the steps stand on: call it before they read.

    The state is rebuilt where it is not what the log says; titles that were never logged are; and
    it is noted what the lanes read with from here on.
    """
    if parts.embedded:
        parts.ledger.begin()
    rebuild_if_needed(parts)
    if count := log_titles_once(parts):
        log.info("logged %d titles that an earlier keyart had kept without a log", count)
    for lane in lanes_of(parts.settings):
        begin_era(parts, lane)


def rebuild_if_needed(parts: Parts) -> str:
    """Rebuild the state when it is not what the log says; return why, "" when there was no need.

    It is not when a rebuild was cut off, when the tastes are of another space than the one set
    now, or when a store that holds nothing stands before an archive.
    """
    register, now = parts.register, parts.space.identity.encode()
    before, cut_off = register.read(Note.SPACE), register.read(Note.REBUILDING) is not None
    why = ""
    if cut_off:
        why = "a rebuild was cut off"
    elif before is not None and before != now:
        why = "the embedding space changed"
    elif before is None and any(
        files.paths(parts.archive_dir, topic) for topic in (EVENTS, CATALOGUE)
    ):
        why = "the store is empty and the archive is not"
    if why:
        log.warning("rebuilding every taste and posterior from the log: %s", why)
        rebuild_state(parts)
    register.write(Note.SPACE, now)
    return why
