"""What `keyart replay --check` says is true: both ways, whatever was lost, changed or edited."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from keyart.schemas import codec
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.explored import pack_explored
from keyart.schemas.topics import CATALOGUE, EVENTS, REWARDS
from keyart.services.cli.replay import status, told
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.rebuilding import begin
from keyart.services.wiring.settings import Settings
from keyart.streams.archive import files
from keyart.streams.compare import Check
from keyart.streams.ports import TITLES, VIEWERS, Lane
from keyart.streams.site import Note
from tests.integration.test_embedded import TITLE_NAMES, play_through, visit
from tests.opened import Opened


def a_title(name: str, words: str, called: str = "") -> Title:
    artworks = (
        Artwork(id="a", description=f"rockets and planets {words}"),
        Artwork(id="b", description=f"cooking with friends {words}"),
    )
    return Title(id=name, name=called or name, artworks=artworks)


@pytest.fixture
def parts(data_dir: Path) -> Iterator[Opened]:
    settings = Settings(data_dir=str(data_dir), reward_window_s=0.2, lateness_s=0.1, partitions=2)
    made = Opened(settings)
    made.server.start()
    made.catalogue.put([a_title(name, "at first") for name in TITLE_NAMES], now_ms=now_ms())
    begin(made.settings, made.client)
    made.driver.open()
    yield made
    made.close()
    made.server.stop()


def equal(parts: Opened) -> Check:
    found = Opened(parts.settings).rebuilding.check()
    assert found.differences == []
    assert found.not_compared == []
    assert status(found) == 0
    assert told(found)[-1] == "equal"
    return found


def test_a_state_that_is_gone_is_different_though_the_log_was_read(parts: Opened) -> None:
    play_through(parts, 20)
    before = equal(parts)
    names = [
        name
        for pattern in ("*taste:*", "*title:*", "*offsets", "*meta", "*join", "*}titles")
        for name in parts.client.scan_iter(match=pattern)
    ]
    parts.client.delete(*names)
    found = Opened(parts.settings).rebuilding.check()
    assert status(found) == 1
    assert told(found)[-1] == "different"
    assert found.tallies["tastes"].log_alone == found.tastes == before.tastes > 0
    assert found.tallies["posteriors"].log_alone == found.titles == before.titles > 0
    assert found.tallies["shared weights"].log_alone == 2
    assert found.tallies["titles"].log_alone == len(TITLE_NAMES)
    assert found.more == 0
    parts.rebuilding.rebuild()
    equal(parts)


def test_both_sides_are_counted(parts: Opened) -> None:
    play_through(parts, 20)
    lane = Lane(VIEWERS, 0)
    held = dict(parts.store.scan(lane, "taste"))
    first, second, *_ = sorted(held)
    parts.client.delete(parts.keys.item(lane, "taste", first))
    parts.client.set(parts.keys.item(lane, "taste", "f" * 32), held[second])
    parts.client.set(parts.keys.item(lane, "taste", second), b"no taste")
    found = parts.rebuilding.check()
    tally = found.tallies["tastes"]
    assert (tally.differ, tally.state_alone, tally.log_alone) == (1, 1, 1)
    others = len(dict(parts.store.scan(Lane(VIEWERS, 1), "taste")))
    assert tally.equal == others + len(held) - 2 > 0
    assert f"taste of viewer {first} is in the log alone" in found.differences
    assert f"taste of viewer {'f' * 32} is in the state alone" in found.differences
    assert any(second in each and "cannot be read" in each for each in found.differences)


def test_what_viewers_explored_is_compared_both_ways_and_replayed(
    parts: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    play_through(parts, 20)
    whole = equal(parts).tallies["explored"].equal
    lane = next(Lane(VIEWERS, at) for at in range(2) if len(explored(parts, at)) > 2)
    first, second, *_ = sorted(explored(parts, lane.partition))
    parts.client.delete(parts.keys.item(lane, "explored", first))
    now_s = now_ms() // 1000  # what is older than tastes are kept is not compared
    parts.client.set(parts.keys.item(lane, "explored", "f" * 32), pack_explored({4: now_s}))
    parts.client.set(parts.keys.item(lane, "explored", second), pack_explored({8: now_s}))
    found = parts.rebuilding.check()
    tally = found.tallies["explored"]
    assert (tally.differ, tally.state_alone, tally.log_alone) == (1, 1, 1)
    assert tally.equal == whole - 2 > 0
    assert f"what was explored by viewer {first} is in the log alone" in found.differences
    assert any("run `keyart replay` once" in note for note in found.notes)
    # as after an upgrade: the steps begin on a log that was read without keeping it
    parts.register.drop(Note.EXPLORED)
    begin(parts.settings, parts.client)
    assert "run `keyart replay` once" in caplog.text
    parts.rebuilding.rebuild()
    assert equal(parts).tallies["explored"].equal == whole
    caplog.clear()
    begin(parts.settings, parts.client)
    assert "keyart replay" not in caplog.text


def explored(parts: Opened, partition: int) -> dict[str, bytes]:
    return dict(parts.store.scan(Lane(VIEWERS, partition), "explored"))


def test_what_is_not_read_yet_is_no_difference(parts: Opened) -> None:
    play_through(parts, 10)
    parts.log.append(visit(99))
    found = equal(parts)
    assert any("not read yet" in note for note in found.notes)


def test_what_the_page_draws_is_not_the_posterior(parts: Opened) -> None:
    play_through(parts, 20)
    other = Opened(replace(parts.settings, bucket_s=30))
    found = equal(other)
    assert any("bucket_s 60, and it is 30 here" in note for note in found.notes)


def test_settings_of_the_check_are_named_and_the_state_is_held_to_its_own(parts: Opened) -> None:
    play_through(parts, 20)
    other = Opened(
        replace(parts.settings, taste_short_half_life_hours=0.05, posterior_half_life_days=0.5)
    )
    notes = "\n".join(equal(other).notes)
    assert "taste_short_half_life_hours 3, and it is 0.05 here" in notes
    assert "posterior_half_life_days 60, and it is 0.5 here" in notes


def test_a_setting_changed_on_a_live_site_holds_from_then_on(parts: Opened) -> None:
    play_through(parts, 20)
    changed = Opened(
        replace(parts.settings, taste_short_half_life_hours=0.05, posterior_half_life_days=0.5)
    )
    begin(changed.settings, changed.client)
    changed.driver.open()
    play_through(changed, 20, seed=1)
    assert "posterior_half_life_days was 60, and 0.5 from" in "\n".join(equal(changed).notes)
    assert equal(parts).tastes > 0
    changed.rebuilding.rebuild()
    assert not any(" was " in note for note in equal(changed).notes)


def test_a_file_that_is_gone_is_said_and_nothing_is_held_against_the_state(parts: Opened) -> None:
    play_through(parts, 60)
    parts.archiver.run()
    equal(parts)
    (path, *_) = files.paths(parts.archive_dir, EVENTS, 0)
    path.unlink()
    found = parts.rebuilding.check()
    assert status(found) == 3
    assert found.differences == []
    assert any(path.name in left and "gone" in left for left in found.not_compared)
    shutil.rmtree(parts.archive_dir)
    found = parts.rebuilding.check()
    assert status(found) == 3
    assert any("archive of rewards 1 is gone" in left for left in found.not_compared) or any(
        "rewards" in left for left in found.not_compared
    )


@pytest.mark.parametrize("damage", ["empty", "cut", "other", "pages"])
def test_a_file_that_cannot_be_read_is_passed_over_and_said(parts: Opened, damage: str) -> None:
    play_through(parts, 60)
    parts.archiver.run()
    (path, *_) = files.paths(parts.archive_dir, REWARDS, 0)
    whole = path.read_bytes()
    broken = {
        "empty": b"",
        "cut": whole[: len(whole) // 2],
        "other": b"not a Parquet file at all",
        "pages": whole[:4] + bytes(len(whole) // 3) + whole[4 + len(whole) // 3 :],
    }
    path.write_bytes(broken[damage])
    found = parts.rebuilding.check()
    assert status(found) == 3
    assert any(path.name in left for left in found.not_compared)
    assert path.read_bytes() == broken[damage]


def test_a_replay_sees_what_live_saw_however_often_a_title_is_edited(parts: Opened) -> None:
    play_through(parts, 15)
    for name in ("A love story", "A war story"):
        parts.catalogue.put([a_title("t1", "named", name)], now_ms=now_ms())
        parts.driver.turn()
        equal(parts)
    for number in range(12):
        parts.catalogue.put(
            [a_title(name, f"edit {number}") for name in TITLE_NAMES], now_ms=now_ms()
        )
    equal(parts)
    play_through(parts, 15, seed=1)
    parts.archiver.run()
    equal(parts)
    parts.rebuilding.rebuild()
    equal(parts)


def test_a_title_whose_past_is_larger_than_a_record_is_compared(parts: Opened) -> None:
    for edit in range(12):
        words = f"{edit} ".ljust(3900, "x")
        artworks = tuple(Artwork(id=f"a{at}", description=f"{at} {words}") for at in range(40))
        parts.catalogue.put([Title(id=TITLE_NAMES[0], artworks=artworks)], now_ms=now_ms() + edit)
    equal(parts)
    parts.rebuilding.rebuild()
    equal(parts)


def test_a_lane_that_lags_behind_many_edits_reads_events_as_they_were(parts: Opened) -> None:
    log = visit(1) + visit(2)
    parts.log.append(log)
    for number in range(12):
        parts.catalogue.put(
            [a_title(name, f"later {number}") for name in TITLE_NAMES], now_ms=now_ms()
        )
    late = Opened(parts.settings)
    late.driver.open()
    late.driver.drain()
    assert late.store.counts(Lane(VIEWERS, 0)).get("taste_unknown", 0) == 0
    assert late.store.counts(Lane(VIEWERS, 1)).get("taste_unknown", 0) == 0
    equal(late)


def test_everything_comes_back_from_the_archive_alone(parts: Opened) -> None:
    play_through(parts, 40)
    for number in range(3):
        parts.catalogue.put([a_title("t3", f"edit {number}")], now_ms=now_ms())
    parts.catalogue.withdraw("t4", now_ms=now_ms())
    play_through(parts, 10, seed=1)
    parts.archiver.run()
    _, titles = parts.catalogue.changed(0)
    before = {
        (lane, family): dict(parts.store.scan(lane, family))
        for lane, family in (
            *((Lane(VIEWERS, each), "taste") for each in range(2)),
            *((Lane(TITLES, each), "title") for each in range(2)),
        )
    }
    parts.client.flushall()
    again = Opened(parts.settings)
    _ = again.log
    begin(again.settings, again.client)
    assert sorted(again.catalogue.changed(0)[1], key=lambda title: title.id) == sorted(
        titles, key=lambda title: title.id
    )
    assert len(again.catalogue.get("t3").artworks[0].history) == 4
    assert again.catalogue.get("t4").choosable == ()
    for (lane, family), held in before.items():
        assert dict(again.store.scan(lane, family)).keys() == held.keys()
        if family == "taste":
            assert dict(again.store.scan(lane, family)) == held
    equal(again)
    again.driver.open()
    assert play_through(again, 5, seed=2) == 25


def test_a_catalogue_that_was_never_logged_is_logged_once(parts: Opened) -> None:
    play_through(parts, 10)
    for partition in range(2):
        parts.client.delete(parts.keys.stream(CATALOGUE, partition))
    parts.client.delete(parts.keys.shared("{catalogue}logged"))
    found = Opened(parts.settings).rebuilding.check()
    assert found.tallies["titles"].state_alone == len(TITLE_NAMES)
    upgraded = Opened(parts.settings)
    begin(upgraded.settings, upgraded.client)
    begin(upgraded.settings, upgraded.client)
    counted = sum(upgraded.log.length(CATALOGUE, each) for each in range(2))
    assert counted == len(TITLE_NAMES)
    equal(upgraded)


def test_the_log_of_the_catalogue_is_short_and_enough(parts: Opened) -> None:
    for number in range(4):
        parts.catalogue.put([a_title("t1", f"edit {number}")], now_ms=now_ms())
    (stored,) = parts.catalogue.put([a_title("t1", "last")], now_ms=now_ms())
    records = [
        r for each in range(2) for r in parts.log.read(CATALOGUE, each, after=None, count=99)
    ]
    last = codec.stored_titles.decode([r for r in records if r.key == "t1"][-1].value)
    assert [len(each.history) for each in last.artworks] == [1, 1]
    assert last.choosable == stored.choosable
    assert parts.past("t1") == parts.catalogue.get("t1") == stored
    assert parts.past("nobody") is None
