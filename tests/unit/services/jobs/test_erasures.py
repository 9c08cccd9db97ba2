"""Erasing without a server: who is gone through, when, and who waits for another round."""

from collections.abc import Mapping

import pytest

from keyart.schemas.topics import EVENTS
from keyart.services.jobs.erasure import Erasures, rewrite_if_due
from keyart.streams.memory.site import MemoryRegister
from keyart.streams.memory.store import MemoryStore
from keyart.streams.ports import VIEWERS, Commit, Lane
from keyart.streams.site import AGAIN, Note, Registered

LANE = Lane(VIEWERS, 0)
NOW = 1_000


class Gone:
    """Log and archive that remember what was asked of them."""

    def __init__(self, *, left: set[str] | None) -> None:
        self.left = left
        self.log: list[Mapping[str, int]] = []
        self.archive: list[Mapping[str, int]] = []

    def erase_from_log(self, viewers: Mapping[str, int]) -> set[str] | None:
        self.log.append(dict(viewers))
        return self.left

    def erase_from_archive(self, viewers: Mapping[str, int]) -> int:
        self.archive.append(dict(viewers))
        return 1


class Site:
    """Erasures on stores in memory; `left` is of whom the log keeps something, None for Kafka."""

    def __init__(self, *, left: set[str] | None) -> None:
        self.past, self.store, self.register = Gone(left=left), MemoryStore(), MemoryRegister()
        self.asked = 0
        self.forgot = 0
        self.erasures = Erasures(
            register=self.register,
            store=self.store,
            partitions=1,
            past=self._past,
            forget_examples=self._forget_examples,
            clock=lambda: NOW,
        )

    def _past(self) -> Gone:
        self.asked += 1
        return self.past

    def _forget_examples(self) -> None:
        assert self.past.archive, "or a training that begins now would read of them again"
        self.forgot += 1

    def read_to(self, offset: str) -> None:
        """Let the lane read the events up to an offset."""
        epoch, number = self.store.acquire(LANE)
        self.store.commit(
            Commit(lane=LANE, epoch=epoch, number=number + 1, offsets={EVENTS: offset})
        )


def test_nothing_is_asked_of_log_and_archive_when_nobody_is_ready() -> None:
    site = Site(left=set())
    assert site.erasures.finish() == 0
    site.erasures.add("ada", "10-0")
    assert site.erasures.finish() == 0
    # numbers, not texts: 9 comes before 10
    site.read_to("9-0")
    assert (site.erasures.finish(), site.asked, site.forgot) == (0, 0, 0)
    assert site.register.erasures() == {"ada": Registered("10-0", NOW)}


def test_who_was_read_of_is_finished_and_the_file_is_due() -> None:
    site = Site(left=set())
    site.erasures.add("ada", "9-0")
    site.erasures.add("bo", "11-0")
    site.read_to("10-0")
    assert site.erasures.finish() == 1
    assert site.past.log == site.past.archive == [{"ada": NOW}]
    assert set(site.register.erasures()) == {"bo"}
    assert site.forgot == 1
    assert site.register.read(Note.REWRITE) is not None


def test_whose_rewards_wait_to_be_archived_stays_for_the_next_round() -> None:
    site = Site(left={"ada"})
    site.erasures.add("ada", "9-0")
    site.read_to("10-0")
    assert site.erasures.finish() == 0
    assert site.register.read(Note.REWRITE) is None
    site.past.left = set()
    assert site.erasures.finish() == 1
    assert site.register.erasures() == {}


def test_with_kafka_the_archive_is_gone_through_twice() -> None:
    site = Site(left=None)
    site.erasures.add("ada", "9")
    site.read_to("10")
    assert site.erasures.finish() == 0
    assert site.register.erasures() == {"ada": Registered(AGAIN, NOW)}
    assert site.erasures.finish() == 1
    assert site.past.archive == [{"ada": NOW}] * 2
    assert site.register.erasures() == {}


def test_who_is_forgotten_at_once_is_counted_for_all_processes() -> None:
    site = Site(left=set())
    epoch, number = site.store.acquire(LANE)
    site.store.commit(
        Commit(lane=LANE, epoch=epoch, number=number + 1, puts={("taste", "ada"): b"1"})
    )
    site.erasures.forget_now("ada")
    assert site.store.read(LANE, "taste", ["ada"]) == [None]
    assert site.register.erasure_count() == 1


class Rewriting:
    """A server that rewrites its file: `looks` tells how often it is still at it."""

    def __init__(self, *, busy: bool = False, good: bool = True) -> None:
        self.looks = 1 if busy else 0
        self.rewritten = good
        self.begun = 0

    @property
    def rewriting(self) -> bool:
        self.looks -= 1
        return self.looks >= 0

    def begin_rewrite(self) -> None:
        self.begun, self.looks = self.begun + 1, 2


@pytest.mark.parametrize(
    ("due", "busy", "good", "done", "still_due"),
    [
        (False, False, True, False, False),
        (True, True, True, False, True),
        (True, False, True, True, False),
        (True, False, False, False, True),
    ],
)
def test_the_file_is_rewritten_once_and_again_if_that_fails(
    due: bool, busy: bool, good: bool, done: bool, still_due: bool
) -> None:
    register, server = MemoryRegister(), Rewriting(busy=busy, good=good)
    if due:
        register.write(Note.REWRITE, b"1")
    assert rewrite_if_due(register, server) is done  # type: ignore[arg-type]
    assert (register.read(Note.REWRITE) is not None) is still_due
    assert server.begun == (due and not busy)
