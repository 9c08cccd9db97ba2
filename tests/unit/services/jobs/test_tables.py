"""Tables as versions: made, judged, kept, promoted, rolled back; each whole or refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from keyart.models.serendipity.gate import held_back
from keyart.models.serendipity.reading.folders import read_folders
from keyart.models.serendipity.table import FACTORS, ROWS, read_table
from keyart.schemas.catalogue import Artwork, StoredArtwork, StoredTitle
from keyart.schemas.errors import InvalidRecord, ModelRejected, NotFound
from keyart.schemas.explored import HID, TOOK, mark_of, pack_explored
from keyart.schemas.registry import ModelVersion
from keyart.services.jobs.serendipity.candidates import Recipe, make_candidate
from keyart.services.jobs.serendipity.due import refresh_is_due
from keyart.services.jobs.serendipity.own import world_of_site
from keyart.services.jobs.serendipity.tables import Tables
from keyart.streams.registry.objects import DirectoryObjects
from keyart.streams.registry.registry import Registry
from tests.unit.services.test_evaluate_serendipity import folder

HOUR = 3_600_000


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    now = iter(range(1_000, 10**9))
    registry = Registry(DirectoryObjects(tmp_path / "registry"), lambda: next(now))
    yield Tables(registry=registry, folder=tmp_path / "served")


def make(tables: Tables, tmp_path: Path, *, viewers: int = 160, **more: object):  # type: ignore[no-untyped-def]
    train = tmp_path / f"train{viewers}"
    world = read_folders(train if train.exists() else folder(train, range(viewers))).world
    recipe = Recipe(**{"clusters": 12, "by": "ann", "note": "because", **more})  # type: ignore[arg-type]
    return make_candidate(tables, world, recipe, clock=lambda: HOUR)


def test_a_table_is_made_judged_kept_promoted_and_rolled_back(
    tables: Tables, tmp_path: Path
) -> None:
    assert tables.champion() is None
    first = make(tables, tmp_path)
    assert first.verdict.passed and first.champion is None and first.hits.hits
    version = tables.registry.version("candidate")
    assert version == first.version and version.kind == "serendipity" and version.parent == ""
    assert version.made_by == "ann" and version.note == "because" and 500 < version.rows <= 640
    assert 0 < version.from_ms < version.to_ms
    assert version.figures["hit5"] == first.hits.hit5 and version.figures["passes"] == 1.0
    assert FACTORS in version.files and first.grounds.viewers > 0
    assert version.figures["ueuc_ials"] == first.grounds.ials
    assert version.figures["ials_over_taste_low"] == first.grounds.low
    assert version.figures["grounds_by_ials"] == float(first.grounds.low > 0.0)
    assert tables.champion() is None
    tables.promote("candidate", by="ann", why="")
    served = tables.champion()
    assert served is not None and read_table(served).identity == version.name
    assert read_table(served).manifest.grounds == first.grounds
    # of other viewers, on the clusters that serve: what was declined stays declined
    second = make(tables, tmp_path, viewers=120, anew=False)
    assert second.version.parent == version.name and second.champion is not None
    assert second.verdict.passed and second.verdict.over is not None
    assert second.grounds.viewers > 0
    tables.promote(second.version.name, by="ann", why="")
    after = tables.champion()
    assert after is not None and after != served
    assert read_table(after).words == tables.read(version.name).words
    tables.rollback(by="ann", why="no")
    back = tables.champion()
    assert back is not None and back.name == version.name
    with pytest.raises(InvalidRecord):
        tables.rollback(by="ann", why="nothing was before")


def test_viewers_held_back_teach_nothing(tables: Tables, tmp_path: Path) -> None:
    made = make(tables, tmp_path)
    table = tables.read(made.version.name)
    assert table.collective is not None
    teaching = sum(not held_back(f"v{at}") for at in range(160))
    assert table.collective.after.people.max() <= teaching < 160


def test_the_same_again_is_the_same_version(tables: Tables, tmp_path: Path) -> None:
    assert make(tables, tmp_path).version.name == make(tables, tmp_path).version.name
    assert len(tables.registry.versions()) == 1


def test_what_is_no_whole_table_does_not_serve(tables: Tables, tmp_path: Path) -> None:
    made = make(tables, tmp_path)
    mark = made.version.files[ROWS]
    blob = tmp_path / "registry" / "blobs" / mark.sha256
    content = blob.read_bytes()
    blob.chmod(0o600)
    blob.write_bytes(content.replace(b"1", b"2", 1))
    with pytest.raises(ModelRejected):
        tables.promote("candidate", by="ann", why="")
    assert tables.registry.aliases().champion == "" and tables.champion() is None
    other = ModelVersion(name="prior", kind="ridge", made_at_ms=1)
    tables.registry.add(other, {})
    with pytest.raises(InvalidRecord, match="no table of proposals"):
        tables.promote("prior", by="ann", why="")
    with pytest.raises(NotFound):
        tables.promote("nothing of the kind", by="ann", why="")


def test_too_few_viewers_make_no_table(tables: Tables, tmp_path: Path) -> None:
    with pytest.raises(InvalidRecord, match="too few"):
        make(tables, tmp_path, viewers=4)


def test_it_is_due_when_the_newest_is_old(tables: Tables, tmp_path: Path) -> None:
    assert not refresh_is_due(tables, hours=0, now_ms=10**12)
    assert refresh_is_due(tables, hours=1, now_ms=10**12)
    make(tables, tmp_path)  # at the first hour
    assert not refresh_is_due(tables, hours=2, now_ms=3 * HOUR - 1)
    assert refresh_is_due(tables, hours=2, now_ms=3 * HOUR)


def title(name: str, *descriptions: str, gone: bool = False) -> StoredTitle:
    artworks = tuple(
        StoredArtwork(
            artwork=Artwork(id=str(at), description=text, attributes={"mood": "dark, slow"}),
            history=(),
            removed_at_ms=5 if gone else None,
        )
        for at, text in enumerate(descriptions)
    )
    return StoredTitle(id=name, name=name, group="noir", artworks=artworks, updated_at_ms=1)


def test_a_site_teaches_what_its_steps_keep() -> None:
    titles = [title("a", "rain on streets"), title("b", "a wedding"), title("c", "no", gone=True)]
    records = [
        ("ann", pack_explored({mark_of("a", TOOK): 50, mark_of("b", TOOK): 60})),
        ("bob", pack_explored({mark_of("a", TOOK): 50, mark_of("a", HID): 50})),
        ("cat", pack_explored({mark_of("c", TOOK): 50, mark_of("b", TOOK): 9})),
        ("dan", b"\x63 no record"),
    ]
    world = world_of_site(titles, records, since_ms=10_000)
    took = {
        (world.viewers[viewer], world.titles[title], at)
        for viewer, title, at in zip(world.viewer, world.title, world.at_ms, strict=True)
    }
    assert took == {("ann", "a", 50_000.0), ("ann", "b", 60_000.0)}
    said = {
        world.terms[term]
        for of, term in zip(world.said_of, world.said, strict=True)
        if world.titles[of] == "a"
    }
    assert said == {"noir", "dark", "slow", "rain", "streets"}
