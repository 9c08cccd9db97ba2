"""Rebuilding the state from the log: `keyart replay`, its check, and a change of space."""

import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keyart.models.embed import Space
from keyart.schemas import codec
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.topics import CATALOGUE, EVENTS, partition_of
from keyart.services.jobs.eras import begin_era, eras_of, lanes_of, said_of_eras
from keyart.services.jobs.past import Past
from keyart.services.wiring.lanes import taste_kept_ms, titles_lane, viewers_lane
from keyart.services.wiring.settings import Settings
from keyart.streams import replay
from keyart.streams.archive import files
from keyart.streams.catalogue.view import CatalogueView
from keyart.streams.compare import (
    EXPLORED,
    Check,
    Learned,
    compare_catalogue,
    compare_lane,
    learned,
    moved_since,
)
from keyart.streams.history import History
from keyart.streams.memory.store import MemoryStore
from keyart.streams.ports import (
    TITLES,
    TOPICS_OF,
    VIEWERS,
    Clock,
    Lane,
    Log,
    Output,
    StateStore,
)
from keyart.streams.site import Catalogue, MadeWith, Note, Register

log = logging.getLogger(__name__)
LOGGED_AT_ONCE: Final = 100
TRIES: Final = 5
"""How often a lane that moves while it is read is read again."""
DAY_MS: Final = 86_400_000
UPGRADED: Final = (
    "a keyart that kept nothing of what viewers explore has read part of this log: stop the steps "
    "and run `keyart replay` once, which makes it of the log"
)


@dataclass(frozen=True, kw_only=True)
class Rebuilding:
    """Rebuilds what a site has learned from its log, or compares the two.

    Parameters
    ----------
    settings
        What lanes read with now, and of how many partitions.
    store, catalogue, register, made_with
        What the site keeps.
    history
        Its log, all of it.
    archive
        The folder of the archive.
    space
        What makes vectors of texts.
    clock
        Now, in milliseconds.
    """

    settings: Settings
    store: StateStore
    catalogue: Catalogue
    register: Register
    made_with: MadeWith
    history: History
    archive: Path
    space: Space
    clock: Clock

    def check(self) -> Check:
        """Rebuild what was learned in memory, up to where the state stands, and compare both ways.

        Each stretch of the log is read with the settings that the state was made with. A lane that
        moves while it is read is read again a few times; stop the steps, or check a backup, for an
        exact answer on a busy site.
        """
        check, past = Check(), Past(self.history, self.settings.partitions)
        view = past.view(self.catalogue, self.space)
        _, _, twice = replay.rewarded(past.read, self.settings.partitions)
        for name in twice:
            check.differ(f"decision {name} was rewarded twice")
        for lane in lanes_of(self.settings):
            self._check_lane(lane, past, view, check)
        self._check_catalogue(past, check)
        if not check.tallies[EXPLORED].whole:
            check.note(UPGRADED)
        return check

    def _check_lane(self, lane: Lane, past: Past, view: CatalogueView, check: Check) -> None:
        state, upto = self._standing(lane, check)
        store, unread, read = MemoryStore(), Counter[str](), 0
        eras = eras_of(self.made_with, self.settings, lane)
        for number, (_, its) in enumerate(eras):
            last = number == len(eras) - 1
            bound = (upto or None) if last else eras[number + 1][0].offsets
            counted = unread if last else None
            if lane.kind == VIEWERS:
                made = viewers_lane(its, store, lane.partition, catalogue=view)
                read += replay.rebuild_viewers(made, past.read, upto=bound, unread=counted)
            else:
                titles = titles_lane(its, store, lane.partition)
                read += replay.rebuild_titles(titles, past.read, upto=bound, unread=counted)
        check.rewards += read if lane.kind == TITLES else 0
        if read and not upto:
            check.note(f"lane {lane.kind} {lane.partition} has read none of its {read} records")
        for topic, count in sorted(unread.items()):
            check.note(f"{count} records of {topic} {lane.partition} are not read yet")
        for said in said_of_eras(self.settings, lane, eras):
            check.note(said)
        partial = past.partial(TOPICS_OF[lane.kind], lane.partition, upto)
        log_side = learned(store, lane)
        if lane.kind == VIEWERS and (kept_ms := taste_kept_ms(self.settings)):
            # a day, because an event's own time may be so far from the store's
            since_ms = self.clock() - kept_ms + DAY_MS
            state, log_side = (moved_since(side, since_ms) for side in (state, log_side))
        compare_lane(state, log_side, check, partial=partial)

    def _standing(self, lane: Lane, check: Check) -> tuple[Learned, dict[str, str]]:
        """Return what a lane has learned, and the offsets at which it stood meanwhile."""
        for _ in range(TRIES):
            before = self.store.offsets(lane)
            state = learned(self.store, lane)
            if self.store.offsets(lane) == before:
                return state, before
        check.leave(f"lane {lane.kind} {lane.partition} moved all the while it was read")
        return state, before

    def _check_catalogue(self, past: Past, check: Check) -> None:
        for name, reason in sorted(self.catalogue.set_aside().items()):
            check.note(f"title {name} was set aside: {reason}")
        logged: dict[int, dict[str, StoredTitle]] = {
            partition: past.titles(partition) for partition in range(self.settings.partitions)
        }
        # read after the log: a title that is put meanwhile is then in the state alone, and not lost
        held: dict[int, dict[str, StoredTitle]] = {partition: {} for partition in logged}
        for title in self.catalogue.changed(0)[1]:
            held[partition_of(title.id, self.settings.partitions)][title.id] = title
        for partition, titles in logged.items():
            partial = past.partial((CATALOGUE,), partition)
            compare_catalogue(held[partition], titles, check, partial=partial)

    def rebuild(self) -> tuple[int, int]:
        """Rebuild the stored state from the log; return how many viewer records and rewards it had.

        Running steps are fenced and lose their lanes; start them again afterwards. Rewards that are
        in the log are not made again. Titles that the store has lost come back with their history.
        """
        past, settings = Past(self.history, self.settings.partitions), self.settings
        # until this is gone again the state is not whole, and whoever starts next rebuilds it
        self.register.write(Note.REBUILDING, b"1")
        self._restore_titles(past)
        view = past.view(self.catalogue, self.space)
        ids, last, _ = replay.rewarded(past.read, settings.partitions)
        records = rewards = 0
        for lane in lanes_of(settings):
            self.store.clear(lane)
            self.made_with.forget(lane)
            self._begin_era(lane)
            if lane.kind == VIEWERS:
                made = viewers_lane(
                    settings, self.store, lane.partition, catalogue=view, already=ids
                )
                made.start_after(last.get(lane.partition, 0))
                records += replay.rebuild_viewers(made, past.read)
            else:
                titles = titles_lane(settings, self.store, lane.partition)
                rewards += replay.rebuild_titles(titles, past.read)
            if partial := past.partial(TOPICS_OF[lane.kind], lane.partition):
                log.warning("lane %s %d is rebuilt from what is left: %s", *lane, partial)
        self.register.drop(Note.REBUILDING)
        self.register.write(Note.EXPLORED, b"1")
        return records, rewards

    def _restore_titles(self, past: Past) -> None:
        """Write the titles of the catalogue's log to the store, unless it has newer ones."""
        for partition in range(self.settings.partitions):
            self.catalogue.apply(past.titles(partition).values())

    def _log_titles_once(self, log_of_titles: Log) -> int:
        """Log the titles of a store whose catalogue was never logged, once; return how many."""
        if self.register.read(Note.TITLES_LOGGED) is not None:
            return 0
        _, titles = self.catalogue.changed(0)
        outputs = [Output(CATALOGUE, title.id, codec.encode(title)) for title in titles]
        for first in range(0, len(outputs), LOGGED_AT_ONCE):
            log_of_titles.append(outputs[first : first + LOGGED_AT_ONCE])
        self.register.write(Note.TITLES_LOGGED, b"1")
        return len(titles)

    def begin(self, log_of_titles: Log) -> None:
        """Make ready what the embedded steps stand on: call it before they read.

        The state is rebuilt where it is not what the log says; titles that were never logged go to
        `log_of_titles`; and it is noted what the lanes read with from here on.
        """
        self.rebuild_if_needed()
        if count := self._log_titles_once(log_of_titles):
            log.info("logged %d titles that an earlier keyart had kept without a log", count)
        for lane in lanes_of(self.settings):
            self._begin_era(lane)
        self._tell_of_explored()

    def _tell_of_explored(self) -> None:
        """Say what to do where the state stands on steps that did not keep what was explored."""
        if self.register.read(Note.EXPLORED) is not None:
            return
        if any(self.store.offsets(lane) for lane in lanes_of(self.settings)):
            log.warning("%s", UPGRADED)
        else:
            self.register.write(Note.EXPLORED, b"1")

    def _begin_era(self, lane: Lane) -> None:
        begin_era(self.made_with, self.store, self.settings, lane, at_ms=self.clock())

    def rebuild_if_needed(self) -> str:
        """Rebuild the state when it is not what the log says; return why, "" if it is.

        It is not when a rebuild was cut off, when the tastes are of another space than the one set
        now, or when a store that holds nothing stands before an archive.
        """
        register, now = self.register, self.space.identity.encode()
        before, cut_off = register.read(Note.SPACE), register.read(Note.REBUILDING) is not None
        why = ""
        if cut_off:
            why = "a rebuild was cut off"
        elif before is not None and before != now:
            why = "the embedding space changed"
        elif before is None and any(
            files.paths(self.archive, topic) for topic in (EVENTS, CATALOGUE)
        ):
            why = "the store is empty and the archive is not"
        if why:
            log.warning("rebuilding every taste and posterior from the log: %s", why)
            self.rebuild()
        register.write(Note.SPACE, now)
        return why
