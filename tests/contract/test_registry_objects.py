"""One suite for everything that a registry can stand on."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keyart.schemas.errors import InvalidRecord
from keyart.streams.registry.objects import DirectoryObjects, MemoryObjects, Objects

Make = Callable[[], Objects]


@pytest.fixture(params=["memory", "directory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Return what opens the same objects once more, as another process would."""
    if request.param == "memory":
        held = MemoryObjects()
        return lambda: held
    return lambda: DirectoryObjects(tmp_path / "models")


def test_what_is_created_is_read_by_others_and_never_changes(make: Make) -> None:
    assert make().read("moves/1.json") is None
    assert make().create("moves/1.json", b"one")
    assert not make().create("moves/1.json", b"two")
    assert not make().create("moves/1.json", b"one")
    assert make().read("moves/1.json") == b"one"


def test_names_are_those_of_one_folder(make: Make) -> None:
    objects = make()
    for key in ("moves/2.json", "moves/1.json", "blobs/ab", "moves/deeper/3.json"):
        assert objects.create(key, b"x")
    assert [each for each in make().names("moves") if each != "deeper"] == ["1.json", "2.json"]
    assert make().names("versions") == []


@pytest.mark.parametrize(
    "key", ["", "moves", "/moves/1", "../x", "moves/..", "moves/../x", "moves/a/b/c", "moves/.x"]
)
def test_a_name_cannot_lead_elsewhere(make: Make, key: str) -> None:
    with pytest.raises(InvalidRecord):
        make().create(key, b"x")
    with pytest.raises(InvalidRecord):
        make().read(key)


def test_of_many_who_create_one_name_at_once_exactly_one_does(make: Make) -> None:
    with ThreadPoolExecutor(8) as pool:
        for turn in range(20):
            key = f"moves/{turn}.json"
            won = list(pool.map(lambda at, key=key: make().create(key, b"%d" % at), range(8)))
            assert sum(won) == 1
            assert make().read(key) == b"%d" % won.index(True)


def _create(folder: str, at: int, keys: int, won: "multiprocessing.Queue[tuple[int, int]]") -> None:
    objects = DirectoryObjects(Path(folder))
    for key in range(keys):
        if objects.create(f"moves/{key}", b"%d" % at * 1000):
            won.put((key, at))


def test_of_several_processes_exactly_one_creates_each_name(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    won: multiprocessing.Queue[tuple[int, int]] = spawn.Queue()
    workers = [spawn.Process(target=_create, args=(str(tmp_path), at, 50, won)) for at in range(3)]
    for worker in workers:
        worker.start()
    pairs = [won.get(timeout=60) for _ in range(50)]
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert won.empty()
    assert sorted(key for key, _ in pairs) == list(range(50))
    for key, at in pairs:
        assert DirectoryObjects(tmp_path).read(f"moves/{key}") == b"%d" % at * 1000


def test_nothing_passing_is_left_behind_or_named(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    objects.create("moves/1", b"x")
    objects.create("moves/1", b"y")
    (tmp_path / "moves" / ".2.killed-while-writing").write_bytes(b"half")
    assert objects.names("moves") == ["1"]
    assert objects.read("moves/2") is None
    assert objects.create("moves/2", b"whole")
