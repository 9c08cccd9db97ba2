"""One suite for everything that a registry can stand on."""

import itertools
import multiprocessing
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from keyart.schemas.errors import Contended, InvalidRecord
from keyart.schemas.registry import ModelVersion
from keyart.streams.registry.kept import KeptObjects
from keyart.streams.registry.objects import DirectoryObjects, MemoryObjects, Objects
from keyart.streams.registry.registry import Registry
from keyart.streams.registry.s3 import Place, S3Objects
from tests import buckets

Make = Callable[[], Objects]


class Bucket(NamedTuple):
    """A server that speaks S3."""

    url: str
    client: Any


@pytest.fixture(scope="module", autouse=True)
def signed() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", buckets.ACCESS)
        patch.setenv("AWS_SECRET_ACCESS_KEY", buckets.SECRET)
        yield


@pytest.fixture(scope="module")
def mocked() -> Iterator[Bucket]:
    with buckets.moto() as url:
        yield Bucket(url, buckets.opened(url))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with buckets.seaweedfs(tmp_path_factory.mktemp("store")) as url:
        yield Bucket(url, buckets.opened(url))


def bucket_of(request: pytest.FixtureRequest, name: str) -> Callable[[], S3Objects]:
    its: Bucket = request.getfixturevalue(name)
    prefix = f"{secrets.token_hex(6)}/models"
    place = Place(buckets.BUCKET, prefix, its.url, buckets.REGION)
    return lambda: S3Objects(place, its.client)


@pytest.fixture(params=["memory", "directory", "s3 moto", "s3 seaweedfs", "kept"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Return what opens the same objects once more, as another process would."""
    if request.param == "memory":
        held = MemoryObjects()
        return lambda: held
    if request.param == "directory":
        return lambda: DirectoryObjects(tmp_path / "models")
    if request.param == "kept":
        far, each = MemoryObjects(), itertools.count()
        return lambda: KeptObjects(far, tmp_path / f"{next(each)}", most_bytes=1_000_000)
    return bucket_of(request, {"s3 moto": "mocked", "s3 seaweedfs": "served"}[request.param])


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
        for turn in range(6):
            key = f"moves/{turn}.json"
            won = list(pool.map(lambda at, key=key: make().create(key, b"%d" % at), range(8)))
            assert sum(won) == 1
            assert make().read(key) == b"%d" % won.index(True)


def test_of_two_who_move_one_alias_at_once_exactly_one_does_each_time(make: Make) -> None:
    """Both see the same moves and want the next number: one has it, the other is one later."""
    first = Registry(make(), lambda: 1)
    names = [f"v{at}" for at in range(8)]
    for name in names:
        first.add(ModelVersion(name=name, kind="table", made_at_ms=1), {})
    writers = [Registry(make(), lambda: 1) for _ in names]
    gate = threading.Barrier(len(names))

    def promote(at: int) -> int | None:
        gate.wait(30)
        try:
            return writers[at].promote(names[at], by=f"writer {at}", why="race").number
        except Contended:
            return None

    with ThreadPoolExecutor(len(names)) as pool:
        numbers = [each for each in pool.map(promote, range(len(names))) if each is not None]
    assert sorted(numbers) == list(range(1, len(numbers) + 1)), "no number is had twice"
    moves = Registry(make(), lambda: 1).moves()
    assert [move.number for move in moves] == sorted(numbers)
    assert first.aliases().champion == moves[-1].to
    # each move stands on the one before it: none was lost
    for before, after in itertools.pairwise(moves):
        assert after.aliases.previous == before.aliases.champion


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
