"""A registry in a bucket: its address, stores that overwrite, answers that are lost, and copies."""

import hashlib
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from keyart.schemas.errors import SettingsError, StoreAway, StoreError
from keyart.streams.registry.kept import KeptObjects
from keyart.streams.registry.objects import MemoryObjects
from keyart.streams.registry.s3 import PROBE, Place, S3Objects, place_of


class Store(ThreadingHTTPServer):
    """As little of S3 as a registry asks for, with faults that a real one has now and then."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.held: dict[str, tuple[bytes, str]] = {}
        self.conditional, self.refuses, self.loses = True, 0, 0
        self.puts = 0

    @property
    def objects(self) -> S3Objects:
        url = f"http://127.0.0.1:{self.server_address[1]}"
        return S3Objects(Place("models", "site", url, "us-east-1"))


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Store

    def do_PUT(self) -> None:
        store = self.server
        content = self.rfile.read(int(self.headers["Content-Length"]))
        store.puts += 1
        if store.refuses:
            return self.answer(store.refuses)
        if store.conditional and self.headers["If-None-Match"] == "*" and self.path in store.held:
            return self.answer(412)
        store.held[self.path] = content, self.headers["x-amz-meta-keyart-writer"] or ""
        if store.loses and PROBE not in self.path:
            store.loses -= 1
            self.close_connection = True
            return None
        return self.answer(200)

    def do_GET(self) -> None:
        found = self.server.held.get(self.path)
        if found is None:
            return self.answer(404)
        return self.answer(200, *found)

    do_HEAD = do_GET

    def answer(self, status: int, content: bytes = b"", writer: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("x-amz-meta-keyart-writer", writer)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "kept-from-every-line")
    with Store() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


def test_a_store_that_overwrites_is_refused_before_anything_is_written(store: Store) -> None:
    store.conditional = False
    with pytest.raises(StoreError, match="ignores conditional writes") as told:
        store.objects.create("moves/1.json", b"one")
    assert "kept-from-every-line" not in str(told.value)
    assert [path for path in store.held if "moves" in path] == []


def test_a_store_that_knows_no_condition_is_refused(store: Store) -> None:
    store.refuses = 501
    with pytest.raises(StoreError, match="cannot be written: 501") as told:
        store.objects.create("moves/1.json", b"one")
    assert not isinstance(told.value, StoreAway), "no use trying again"


def test_it_is_asked_once_a_process_and_leaves_one_object(store: Store) -> None:
    objects = store.objects
    assert objects.create("moves/1.json", b"one") and objects.create("moves/2.json", b"two")
    assert store.puts == 4, "twice to ask, once for each"
    assert sorted(store.held) == [
        "/models/site/moves/1.json",
        "/models/site/moves/2.json",
        f"/models/site/{PROBE}",
    ]


def test_whose_write_it_was_is_known_though_the_answer_was_lost(store: Store) -> None:
    """The client writes again, and is refused by what it wrote itself."""
    store.loses = 1
    assert store.objects.create("moves/1.json", b"one")
    assert store.loses == 0, "the answer was lost"
    assert not store.objects.create("moves/1.json", b"one"), "another writer's same bytes"
    assert store.objects.read("moves/1.json") == b"one"


def test_a_store_that_is_away_is_told_in_one_line(store: Store) -> None:
    objects = store.objects
    store.shutdown()
    store.server_close()
    with pytest.raises(StoreAway, match=r"s3://models/site/moves/1\.json cannot be read") as told:
        objects.read("moves/1.json")
    assert "\n" not in str(told.value)


def test_without_credentials_it_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(StoreError, match="Unable to locate credentials"):
        store.objects.read("moves/1.json")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("s3://models", Place("models", "")),
        ("s3://my.models-1/keyart/prod/", Place("my.models-1", "keyart/prod")),
        (
            "s3://models/a?endpoint=https://store:9000&region=eu-west-1",
            Place("models", "a", "https://store:9000", "eu-west-1"),
        ),
    ],
)
def test_an_address_is_a_place(url: str, place: Place) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize(
    "url",
    [
        *("models", "s3://", "s3://x", "http://models/a", "s3://Models/a", "s3://models/../a"),
        *("s3://models/a b", "s3://models/a?key=1", "s3://models/a?endpoint=store:9000"),
        *("s3://models/a?endpoint=ftp://store", "s3://models/a?endpoint=http://store:99999"),
        *("s3://models/a?endpoint=http://store/path", "s3://models/a?region=x/y", "s3://m[/a"),
        *("s3://models/a?endpoint", "s3://models/" + "a" * 1000, "s3://models:80/a"),
    ],
)
def test_what_is_no_address_is_one_line(url: str) -> None:
    with pytest.raises(SettingsError, match="KEYART_MODELS_URL must be s3://BUCKET/PREFIX"):
        place_of(url)


@pytest.mark.parametrize(
    "url", ["s3://me:s3cret@models/a", "s3://m-1/a?endpoint=http://me:s3cret@h"]
)
def test_credentials_in_an_address_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError, match="come from the environment") as told:
        place_of(url)
    assert "s3cret" not in str(told.value)


class Counting(MemoryObjects):
    """A distant store that counts what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []

    def read(self, key: str) -> bytes | None:
        self.reads.append(key)
        return super().read(key)


def blob(content: bytes) -> str:
    return f"blobs/{hashlib.sha256(content).hexdigest()}"


def test_a_file_is_asked_for_once_and_again_when_the_copy_is_damaged(tmp_path: Path) -> None:
    far = Counting()
    key = blob(b"weights")
    far.create(key, b"weights")
    for _ in range(2):  # the second as another process would
        assert KeptObjects(far, tmp_path, most_bytes=1000).read(key) == b"weights"
    assert far.reads == [key]
    (copy,) = tmp_path.iterdir()
    copy.write_bytes(b"Weights")
    assert KeptObjects(far, tmp_path, most_bytes=1000).read(key) == b"weights"
    assert far.reads == [key, key] and copy.read_bytes() == b"weights"


def test_what_is_not_what_its_name_says_is_not_kept(tmp_path: Path) -> None:
    far = Counting()
    key = blob(b"weights")
    far.create(key, b"other weights")
    kept = KeptObjects(far, tmp_path / "kept", most_bytes=1000)
    assert kept.read(key) == b"other weights", "the registry refuses it, and says of what"
    assert not (tmp_path / "kept").exists()


def test_copies_are_bounded_and_those_read_longest_ago_go(tmp_path: Path) -> None:
    far = Counting()
    contents = [bytes([at]) * 400 for at in range(3)]
    for each in contents:
        far.create(blob(each), each)
    kept = KeptObjects(far, tmp_path, most_bytes=1000)
    for at, each in enumerate(contents[:2]):
        kept.read(blob(each))
        os.utime(tmp_path / blob(each).removeprefix("blobs/"), (at, at))
    kept.read(blob(contents[0]))  # is now the one that was read last
    kept.read(blob(contents[2]))
    assert {each.name for each in tmp_path.iterdir()} == {
        blob(contents[at]).removeprefix("blobs/") for at in (0, 2)
    }
    large = b"x" * 1001
    far.create(blob(large), large)
    assert kept.read(blob(large)) == large
    assert len(list(tmp_path.iterdir())) == 2, "what is larger than all of it is not kept"


def test_records_that_exist_are_not_asked_for_twice_and_missing_ones_are(tmp_path: Path) -> None:
    far = Counting()
    kept = KeptObjects(far, tmp_path, most_bytes=1000)
    assert kept.read("moves/1.json") is None
    far.create("moves/1.json", b"{}")
    assert kept.read("moves/1.json") == kept.read("moves/1.json") == b"{}"
    assert far.reads == ["moves/1.json"] * 2
