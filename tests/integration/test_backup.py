"""A backup of a site that runs, and the site that is made from it."""

import os
import stat
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.errors import InvalidRecord, NotFound, SettingsError
from keyart.schemas.topics import EVENTS
from keyart.services.jobs.backup import MANIFEST, SNAPSHOT, back_up, check_backup, restore
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.rebuilding import begin, check_site
from keyart.services.wiring.settings import Settings
from keyart.streams.ports import TITLES, VIEWERS, Lane
from tests.integration.test_embedded import TITLE_NAMES, play_through, visit
from tests.opened import Opened


@pytest.fixture
def parts(data_dir: Path) -> Iterator[Opened]:
    settings = Settings(data_dir=str(data_dir), reward_window_s=0.2, lateness_s=0.1, partitions=2)
    made = Opened(settings)
    made.server.start()
    made.catalogue.put(
        [
            Title(id=name, name=name, artworks=(Artwork(id="a", description="rockets"),))
            for name in TITLE_NAMES
        ],
        now_ms=now_ms(),
    )
    assert len(made.viewer_key) >= 16
    begin(made.settings, made.client)
    made.driver.open()
    (made.data_dir / "priors" / "p1").mkdir(parents=True)
    (made.data_dir / "priors" / "p1" / "manifest.json").write_text("{}")
    (made.data_dir / "serendipity").mkdir()
    (made.data_dir / "serendipity" / "rows.jsonl").write_text("[]")
    (made.data_dir / "priors" / "vectors").mkdir()
    (made.data_dir / "priors" / "vectors" / "000000.parquet").write_text("made again")
    yield made
    made.close()
    made.server.stop()


def learned_state(parts: Opened) -> dict[tuple[str, int], dict[str, bytes]]:
    return {
        (family, each): dict(parts.store.scan(Lane(kind, each), family))
        for kind, family in (
            (VIEWERS, "taste"),
            (VIEWERS, "explored"),
            (TITLES, "title"),
            (VIEWERS, "join"),
        )
        for each in range(2)
    }


@pytest.fixture
def restored(parts: Opened, tmp_path: Path) -> Iterator[Opened]:
    """A site made from a backup that was taken while the first one was at work."""
    play_through(parts, 30)
    parts.archiver.run()
    stop = threading.Event()

    def traffic() -> None:
        own = Opened(parts.settings)
        number = 1000
        while not stop.is_set():
            number += 1
            own.log.append(visit(number))

    def steps() -> None:
        while not stop.is_set():
            parts.driver.turn()

    workers = [threading.Thread(target=each) for each in (traffic, steps)]
    for each in workers:
        each.start()
    try:
        own = Opened(parts.settings)
        back_up(own.settings, own.admin, tmp_path / "backup.tar")
        own.close()
    finally:
        stop.set()
        for each in workers:
            each.join()
    settings = replace(parts.settings, data_dir=str(tmp_path / "elsewhere"))
    restore(tmp_path / "backup.tar", settings)
    made = Opened(settings)
    made.server.start()
    yield made
    made.close()
    made.server.stop()


def test_a_backup_of_a_site_at_work_is_whole(parts: Opened, restored: Opened) -> None:
    found = restored.rebuilding.check()
    assert found.differences == []
    assert found.not_compared == []
    assert found.tastes > 10
    assert found.rewards >= 150
    assert restored.viewer_key == parts.viewer_key
    assert restored.catalogue.changed(0)[1] == parts.catalogue.changed(0)[1]
    assert (restored.data_dir / "priors" / "p1" / "manifest.json").is_file()
    assert (restored.data_dir / "serendipity" / "rows.jsonl").is_file()
    assert not (restored.data_dir / "priors" / "vectors").exists()
    begin(restored.settings, restored.client)
    restored.driver.open()
    assert play_through(restored, 5, seed=7) >= 25
    assert Opened(restored.settings).rebuilding.check().differences == []


def test_a_backup_at_rest_is_the_same_state(parts: Opened, tmp_path: Path) -> None:
    play_through(parts, 20)
    before = learned_state(parts)
    assert before["explored", 0] or before["explored", 1]
    manifest = back_up(parts.settings, parts.admin, tmp_path / "backup")
    assert check_backup(tmp_path / "backup", parts.settings, check_site).equal
    settings = replace(parts.settings, data_dir=str(tmp_path / "elsewhere"))
    assert restore(tmp_path / "backup", settings) == manifest
    other = Opened(settings)
    other.server.start()
    try:
        assert learned_state(other) == before
        assert other.log.appended(EVENTS, 0) == parts.log.appended(EVENTS, 0)
    finally:
        other.close()
        other.server.stop()


def test_only_the_owner_may_read_it_and_no_snapshot_stays_behind(
    parts: Opened, tmp_path: Path
) -> None:
    before = os.umask(0o022)
    try:
        back_up(parts.settings, parts.admin, tmp_path / "backup")
        back_up(parts.settings, parts.admin, tmp_path / "backup.tar")
    finally:
        os.umask(before)
    for path in (tmp_path / "backup", *(tmp_path / "backup").rglob("*"), tmp_path / "backup.tar"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    assert not list((parts.data_dir / "valkey").glob("*.rdb"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "backup.tar", "keyart"]


def test_nothing_is_written_over(parts: Opened, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    (tmp_path / "there.tar").touch()
    for to in (tmp_path / "full", tmp_path / "there.tar"):
        with pytest.raises(SettingsError, match="there already"):
            back_up(parts.settings, parts.admin, to)
    back_up(parts.settings, parts.admin, tmp_path / "backup")
    with pytest.raises(SettingsError, match="not empty"):
        restore(tmp_path / "backup", parts.settings)
    (tmp_path / "empty").mkdir()
    restore(tmp_path / "backup", replace(parts.settings, data_dir=str(tmp_path / "empty")))
    assert (tmp_path / "empty" / "viewer.key").is_file()


def test_a_damaged_backup_is_refused_and_leaves_nothing(parts: Opened, tmp_path: Path) -> None:
    back_up(parts.settings, parts.admin, tmp_path / "backup")
    settings = replace(parts.settings, data_dir=str(tmp_path / "elsewhere"))
    snapshot = tmp_path / "backup" / SNAPSHOT
    whole = snapshot.read_bytes()
    snapshot.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(InvalidRecord, match="damaged"):
        restore(tmp_path / "backup", settings)
    snapshot.unlink()
    with pytest.raises(InvalidRecord, match="missing"):
        restore(tmp_path / "backup", settings)
    (tmp_path / "backup" / MANIFEST).write_text("{")
    with pytest.raises(InvalidRecord, match="cannot be read"):
        restore(tmp_path / "backup", settings)
    (tmp_path / "backup" / MANIFEST).unlink()
    with pytest.raises(NotFound, match="no backup"):
        restore(tmp_path / "backup", settings)
    (tmp_path / "junk.tar").write_bytes(b"junk")
    with pytest.raises(InvalidRecord, match="no backup"):
        restore(tmp_path / "junk.tar", settings)
    assert not (tmp_path / "elsewhere").exists()


def test_a_backup_that_reaches_outside_of_itself_is_refused(parts: Opened, tmp_path: Path) -> None:
    back_up(parts.settings, parts.admin, tmp_path / "backup")
    manifest = tmp_path / "backup" / MANIFEST
    manifest.write_text(manifest.read_text().replace(SNAPSHOT, f"../{SNAPSHOT}"))
    settings = replace(parts.settings, data_dir=str(tmp_path / "elsewhere"))
    with pytest.raises(InvalidRecord, match="outside"):
        restore(tmp_path / "backup", settings)
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        tar.add(manifest, arcname="../evil")
    with pytest.raises(InvalidRecord):
        restore(tmp_path / "evil.tar", settings)
    assert not (tmp_path.parent / "evil").exists()


def test_settings_that_must_agree_are_named(parts: Opened, tmp_path: Path) -> None:
    back_up(parts.settings, parts.admin, tmp_path / "backup")
    settings = replace(parts.settings, data_dir=str(tmp_path / "elsewhere"), partitions=4)
    with pytest.raises(SettingsError, match="KEYART_PARTITIONS=2, and it is 4 here"):
        restore(tmp_path / "backup", settings)


def test_what_is_not_embedded_is_not_backed_up_here(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="embedded"):
        own = Opened(Settings(redis_url="redis://127.0.0.1:1"))
        back_up(own.settings, own.admin, tmp_path / "backup")
    with pytest.raises(NotFound, match="no keyart"):
        own = Opened(Settings(data_dir=str(tmp_path / "none")))
        back_up(own.settings, own.admin, tmp_path / "backup")
