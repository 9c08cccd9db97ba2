"""Files appear whole or stay what they were; lines that a stopped run left are cut."""

from pathlib import Path

import msgspec
import pytest

from keyart.models.artifacts.digests import digest, file_digest
from keyart.models.artifacts.lines import cut_unfinished, finished_lines, write_lines
from keyart.models.artifacts.whole import appearing, write_whole


class Record(msgspec.Struct):
    name: str


def test_a_writer_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, b"first")
    with pytest.raises(RuntimeError), appearing(path) as passing:
        passing.write_bytes(b"half")
        assert path.read_bytes() == b"first"
        raise RuntimeError
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_lines_that_fail_half_way_leave_the_old_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    assert write_lines(path, [Record("one"), Record("two")]) == 2
    before = path.read_bytes()

    def failing() -> object:
        yield Record("three")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_lines(path, failing())  # type: ignore[arg-type]
    assert path.read_bytes() == before


def test_an_unfinished_line_is_passed_over_and_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_lines(path, [Record("one"), Record("two")])
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"name": "thr')
    decoder = msgspec.json.Decoder(Record)
    assert [each.name for each in finished_lines(path, decoder)] == ["one", "two"]
    cut_unfinished(path)
    assert path.read_bytes() == whole
    cut_unfinished(tmp_path / "absent")


def test_a_files_digest_is_that_of_its_content(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 3_000_000)
    assert file_digest(path) == digest(b"x" * 3_000_000, size=16)
