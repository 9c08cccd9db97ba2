"""The embedded way of the data on a real Valkey: steps, archive, replay, erasure."""

import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from keyart.models.embed.static import SHIPPED
from keyart.schemas import codec
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.decisions import Decision, DecisionPage, Terms, Versions
from keyart.schemas.events import Erasure, Impression, Play
from keyart.schemas.ids import ViewerKey, decision_id, fits, pseudonym
from keyart.schemas.posterior import TitleSums
from keyart.schemas.topics import CATALOGUE, DECISIONS, EVENTS, REWARDS, partition_of
from keyart.services.processes.housekeeping import keep_house
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.settings import Settings
from keyart.streams.archive import files
from keyart.streams.archive.archiver import KEPT_TAIL
from keyart.streams.archive.erase import NOBODY
from keyart.streams.ports import TITLES, VIEWERS, Lane, Output
from tests.opened import Opened

TITLE_NAMES = tuple(f"t{at}" for at in range(20))


@pytest.fixture
def parts(data_dir: Path) -> Iterator[Opened]:
    made = Opened(
        Settings(data_dir=str(data_dir), reward_window_s=0.2, lateness_s=0.1, partitions=2)
    )
    made.server.start()
    made.catalogue.put(
        [
            Title(
                id=name,
                name=name,
                artworks=(
                    Artwork(id="a", description="rockets and planets"),
                    Artwork(id="b", description="cooking with friends"),
                ),
            )
            for name in TITLE_NAMES
        ],
        now_ms=now_ms(),
    )
    yield made
    made.close()
    made.server.stop()


def visit(number: int, seed: int = 0) -> list[Output]:
    """One viewer looks at five titles and plays some."""
    rng = random.Random(f"{seed}-{number}")
    viewer, at = pseudonym(f"viewer {number}", b"k" * 16), now_ms()
    decisions, events = [], []
    for title in rng.sample(TITLE_NAMES, 5):
        name = decision_id(viewer, title, seed)
        artwork = rng.choice("ab")
        decisions.append(
            Decision(
                id=name,
                title=title,
                artwork=artwork,
                candidates=("a", "b"),
                propensities=(0.5, 0.5),
                explored=False,
                terms=Terms(level=0.1),
                features=(rng.random(), -rng.random()),
                personal=rng.random() - 0.5,
                expected=0.1,
            )
        )
        about = {
            "viewer": viewer,
            "title": title,
            "artwork": artwork,
            "decision": name,
            "occurred_at_ms": at,
        }
        events.append(codec.encode(Impression(id=f"i{name}", **about)))  # type: ignore[arg-type]
        if rng.random() < 0.4:
            events.append(codec.encode(Play(id=f"p{name}", minutes=9.0, **about)))  # type: ignore[arg-type]
    page = DecisionPage(
        viewer=viewer,
        surface="home",
        decided_at_ms=at,
        policy="keyart",
        versions=Versions(policy="p", prior="n", posterior="1", space="s"),
        decisions=tuple(decisions),
    )
    return [
        Output(DECISIONS, viewer, codec.encode(page)),
        *(Output(EVENTS, viewer, each) for each in events),
    ]


def settle(parts: Opened, expected: int) -> int:
    """Drive until the windows are closed; return how many rewards were learned."""
    deadline = now_ms() + 120_000
    while learned(parts) < expected and now_ms() < deadline:
        if parts.driver.turn() == 0:
            time.sleep(0.01)  # what runs beside may have the processor meanwhile
    return learned(parts)


def learned(parts: Opened) -> int:
    return sum(
        parts.store.counts(Lane(TITLES, each)).get("learned", 0)
        for each in range(parts.settings.partitions)
    )


def posterior_counts(parts: Opened) -> int:
    return sum(
        cell.count
        for each in range(parts.settings.partitions)
        for _, value in parts.store.scan(Lane(TITLES, each), "title")
        for cells in codec.unpack(value, TitleSums).artworks.values()
        for cell in cells.values()
    )


def play_through(parts: Opened, viewers: int, seed: int = 0, first: int = 0) -> int:
    before = learned(parts)
    for number in range(first, first + viewers):
        parts.log.append(visit(number, seed))
    return settle(parts, before + 5 * viewers) - before


def test_every_decision_becomes_one_reward(parts: Opened) -> None:
    parts.driver.open()
    assert play_through(parts, 60) == 300
    assert posterior_counts(parts) == 300
    assert parts.rebuilding.check().differences == []


def test_archive_and_tail_are_the_whole_log(parts: Opened) -> None:
    parts.driver.open()
    play_through(parts, 60)
    before = {
        (topic, each): list(parts.history(topic, each))
        for topic in (EVENTS, DECISIONS, REWARDS, CATALOGUE)
        for each in range(2)
    }
    assert parts.archiver.run() == sum(map(len, before.values()))
    assert all(parts.log.length(topic, each) <= KEPT_TAIL for topic, each in before)
    play_through(parts, 10, seed=1)
    for (topic, each), records in before.items():
        after = list(parts.history(topic, each))
        assert after[: len(records)] == records
        assert len({record.offset for record in after}) == len(after)
    assert parts.rebuilding.check().differences == []


def test_archiving_again_after_a_crash_repeats_nothing(parts: Opened) -> None:
    parts.driver.open()
    play_through(parts, 20)
    group, start = "archive", "0-0"
    parts.archiver.run()
    for topic in (EVENTS, DECISIONS, REWARDS):
        for each in range(2):
            parts.log.move_group(topic, each, group, start)
    parts.archiver.run()
    assert len(list(parts.history(REWARDS, 0))) + len(list(parts.history(REWARDS, 1))) == 100
    assert parts.rebuilding.check().differences == []


def test_small_files_of_a_day_are_merged(parts: Opened) -> None:
    parts.driver.open()
    for seed in range(30):
        # others each time: one viewer teaches one title a bounded number of times an hour
        play_through(parts, 2, seed, first=2 * seed)
        parts.archiver.run()
    assert len(files.paths(parts.archive_dir, REWARDS)) <= 2 * 24
    assert learned(parts) == 300
    assert parts.rebuilding.check().differences == []


def test_replay_rebuilds_a_store_that_lost_everything(parts: Opened) -> None:
    parts.driver.open()
    play_through(parts, 40)
    parts.archiver.run()
    before = {each: dict(parts.store.scan(Lane(VIEWERS, each), "taste")) for each in range(2)}
    for each in range(2):
        parts.store.clear(Lane(VIEWERS, each))
        parts.store.clear(Lane(TITLES, each))
    found = parts.rebuilding.check()
    assert found.tallies["tastes"].log_alone == found.tastes == sum(map(len, before.values()))
    assert found.tallies["posteriors"].log_alone == found.titles > 0
    assert not found.equal
    parts.rebuilding.rebuild()
    assert {
        each: dict(parts.store.scan(Lane(VIEWERS, each), "taste")) for each in range(2)
    } == before
    assert posterior_counts(parts) == 200
    assert parts.rebuilding.check().differences == []
    parts.driver.open()
    assert play_through(parts, 10, seed=1) == 50


def test_another_space_rebuilds_every_taste(parts: Opened, tmp_path: Path) -> None:
    parts.driver.open()
    play_through(parts, 20)
    assert parts.rebuilding.rebuild_if_needed() == ""
    folder = tmp_path / "space"
    shutil.copytree(SHIPPED, folder)
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    other = Opened(replace(parts.settings, space=f"static:{folder}"))
    assert other.space.identity != parts.space.identity
    assert other.rebuilding.rebuild_if_needed() == "the embedding space changed"
    for each in range(2):
        for _, blob in other.store.scan(Lane(VIEWERS, each), "taste"):
            assert blob[1:9] == other.space.identity[:8].encode()
    assert posterior_counts(other) == 100
    assert other.rebuilding.check().differences == []
    assert other.rebuilding.rebuild_if_needed() == ""


def test_a_rebuild_that_was_cut_off_is_done_again(parts: Opened) -> None:
    parts.driver.open()
    play_through(parts, 20)
    parts.archiver.run()
    parts.rebuilding.rebuild_if_needed()
    parts.client.set(parts.keys.shared("rebuilding"), 1)
    parts.store.clear(Lane(VIEWERS, 0))
    assert Opened(parts.settings).rebuilding.rebuild_if_needed() == "a rebuild was cut off"
    assert parts.rebuilding.check().differences == []


def test_the_check_sees_a_changed_taste_and_a_changed_posterior(parts: Opened) -> None:
    parts.driver.open()
    play_through(parts, 10)
    lane = Lane(TITLES, 0)
    title, value = next(iter(parts.store.scan(lane, "title")))
    sums = codec.unpack(value, TitleSums)
    next(iter(next(iter(sums.artworks.values())).values())).count += 1
    parts.client.set(parts.keys.item(lane, "title", title), codec.pack(sums))
    viewer, taste = next(iter(parts.store.scan(Lane(VIEWERS, 1), "taste")))
    changed = bytes([*taste[:-1], taste[-1] ^ 1])
    parts.client.set(parts.keys.item(Lane(VIEWERS, 1), "taste", viewer), changed)
    found = parts.rebuilding.check()
    assert len(found.differences) == 2
    assert title in "".join(found.differences)
    assert viewer in "".join(found.differences)


def test_an_erased_viewer_is_nowhere(parts: Opened) -> None:
    parts.driver.open()
    play_through(parts, 20)
    parts.archiver.run()
    viewer = ViewerKey(pseudonym("viewer 3", b"k" * 16))
    erasure = Erasure(id="x", viewer=viewer, occurred_at_ms=now_ms())
    parts.log.append([Output(EVENTS, viewer, codec.encode(erasure))])
    for each in range(2):
        if (tail := parts.log.tail(EVENTS, each, 1)) and tail[0].key == viewer:
            parts.client.hset(parts.keys.shared("erasures"), viewer, tail[0].offset)
    parts.driver.drain()
    assert parts.erasures.finish() == 1
    for topic in (EVENTS, DECISIONS, REWARDS):
        for each in range(2):
            for record in parts.history(topic, each):
                assert viewer not in record.key
                assert viewer.encode() not in record.value
    for path in parts.archive_dir.rglob("*.parquet"):
        assert viewer.encode() not in path.read_bytes()
    assert posterior_counts(parts) == 100
    assert parts.rebuilding.check().differences == []


def plays_again(viewer: ViewerKey) -> list[Play]:
    """Return what a viewer does who comes back after the erasure."""
    return [
        Play(id=f"again-{at}", viewer=viewer, occurred_at_ms=now_ms(), title="t1", minutes=5.0)
        for at in range(3)
    ]


def on_disk(folder: Path) -> bytes:
    """Return every byte under the folder; what Parquet packs is unpacked."""
    plain = b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    tables = (pq.read_table(path).to_pylist() for path in sorted(folder.rglob("*.parquet")))
    return plain + b"".join(repr(row).encode() for table in tables for row in table)


def test_no_byte_on_the_disk_names_an_erased_viewer_nor_can_tie_a_reward_to_them(
    parts: Opened,
) -> None:
    parts.driver.open()
    viewer = ViewerKey(pseudonym("viewer 3", b"k" * 16))
    parts.log.append([Output(EVENTS, viewer, b'{"type":"play","id":"no such fields"')])
    play_through(parts, 20)
    parts.archiver.run()
    theirs = [
        reward
        for each in range(2)
        for record in parts.history(REWARDS, each)
        if (reward := codec.rewards.decode(record.value)).viewer == viewer
    ]
    assert theirs and viewer.encode() in on_disk(parts.data_dir)
    erasure = Erasure(id="x", viewer=viewer, occurred_at_ms=now_ms())
    parts.log.append([Output(EVENTS, viewer, codec.encode(erasure))])
    partition = partition_of(viewer, 2)
    parts.erasures.add(viewer, parts.log.tail(EVENTS, partition, 1)[0].offset)
    parts.erasures.forget_now(viewer)
    parts.driver.drain()
    time.sleep(0.01)  # what comes in a later millisecond is another visit
    back = [Output(EVENTS, viewer, codec.encode(each)) for each in plays_again(viewer)]
    parts.log.append(back)
    parts.driver.drain()
    keep_house(parts.settings)
    kept = [r for r in parts.history(EVENTS, partition) if r.key == viewer]
    assert [r.value for r in kept] == [each.value for each in back]
    # and this visit is erased as well
    parts.log.append([Output(EVENTS, viewer, codec.encode(erasure))])
    parts.erasures.add(viewer, parts.log.tail(EVENTS, partition, 1)[0].offset)
    parts.erasures.forget_now(viewer)
    parts.driver.drain()
    keep_house(parts.settings)
    disk = on_disk(parts.data_dir)
    assert viewer.encode() not in disk
    for reward in theirs:
        assert reward.id.encode() not in disk
    blanked = [
        reward
        for each in range(2)
        for record in parts.history(REWARDS, each)
        if (reward := codec.rewards.decode(record.value)).viewer == NOBODY
    ]
    assert len(blanked) == len(theirs)
    assert not any(fits(reward.id, viewer, reward.title) for reward in blanked)
    assert posterior_counts(parts) == 100
    assert parts.rebuilding.check().differences == []


def test_a_record_that_cannot_be_read_goes_to_the_dead_letters(parts: Opened) -> None:
    parts.driver.open()
    viewer = "0" * 32
    parts.log.append([Output(EVENTS, viewer, b'{"type":"play","id":"x"')])
    assert play_through(parts, 5) == 25
    letters = [
        r for each in range(2) for r in parts.log.read("deadletters", each, after=None, count=9)
    ]
    assert len(letters) == 1
    assert b"truncated" in letters[0].value
