"""The one reader of the training log: which files, each reward once, what is old or damaged."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from keyart.models.dataset.training_log import (
    batches,
    is_training_log,
    log_files,
    read_rewards,
)
from keyart.schemas.errors import InvalidRecord, NotFound


def row(at: int, **more: Any) -> dict[str, Any]:
    return {"id": f"r{at}", "shown_at_ms": 1000 - at, "title": f"t{at % 3}", "value": 1.0, **more}


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pylist(rows), path)


def test_each_reward_once_in_the_order_shown_from_then_on(tmp_path: Path) -> None:
    write(tmp_path / "rewards/day=1/a.parquet", [row(at) for at in range(6)])
    write(tmp_path / "rewards/day=2/b.parquet", [row(at) for at in range(4, 9)])
    write(tmp_path / "decisions/day=1/c.parquet", [{"something": "else"}])
    found, warnings = read_rewards(tmp_path, ("title",), since_ms=993)
    assert found["id"].to_list() == [f"r{at}" for at in range(7, -1, -1)]
    assert found.columns == ["id", "shown_at_ms", "title"]
    assert warnings == []
    alone, _ = read_rewards(tmp_path / "rewards/day=2/b.parquet", ("title",))
    assert alone.height == 5


def test_of_a_long_log_the_newest_are_read_and_older_files_are_not(tmp_path: Path) -> None:
    for day in range(4):
        rows = [row(at, shown_at_ms=100 * day + at) for at in range(10 * day, 10 * day + 10)]
        write(tmp_path / f"rewards/day={day}/a.parquet", rows)
    (tmp_path / "rewards/day=0/a.parquet").write_bytes(b"nobody looks at it")
    found, warnings = read_rewards(tmp_path, ("title",), newest=13)
    assert found["id"].to_list() == [f"r{at}" for at in range(27, 40)]
    assert warnings == ["the newest 13 rows are read; there are more"]
    exactly, warnings = read_rewards(tmp_path, ("title",), newest=20)
    assert exactly["id"].to_list() == [f"r{at}" for at in range(20, 40)]
    assert warnings == ["the newest 20 rows are read; there are more"]
    whole, warnings = read_rewards(tmp_path, ("title",), newest=1000)
    assert whole.height == 30
    (warning,) = warnings
    assert warning.startswith("a.parquet is left out")


@pytest.mark.parametrize("kind", [pa.list_, pa.large_list])
def test_columns_hold_what_rows_do_and_nulls_are_none(tmp_path: Path, kind: Any) -> None:
    rows: list[dict[str, Any]] = [
        {
            "text": None if at % 5 == 0 else f"é{at}",
            "whole": None if at % 7 == 0 else at * 10**12,
            "sure": at,
            "number": at / 3,
            "names": None if at % 4 == 0 else [f"n{each}" for each in range(at % 3)],
            "shares": [1 / (1 + each) for each in range(at % 4)],
            "flag": at % 2 == 0,
        }
        for at in range(40)
    ]
    table = pa.Table.from_pylist(rows)
    for name, of in (("names", pa.string()), ("shares", pa.float64())):
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, table[name].cast(kind(of)))
    parquet.write_table(table, tmp_path / "a.parquet")
    (found,) = batches(tmp_path / "a.parquet", tuple(rows[0]), perhaps=("later",))
    for name, values in found.items():
        expected: list[Any] = [row[name] for row in rows]
        if name in ("names", "shares"):
            expected = [its if its is None else tuple(its) for its in expected]
        assert values == expected
        assert [type(its) for its in values] == [type(its) for its in expected]
    with pytest.raises(InvalidRecord, match="lacks columns other"):
        list(batches(tmp_path / "a.parquet", ("text", "other")))


def test_files_of_before_a_column_are_read_and_damaged_ones_left_out(tmp_path: Path) -> None:
    write(tmp_path / "rewards/day=1/old.parquet", [row(1), row(2)])
    write(tmp_path / "rewards/day=2/new.parquet", [row(3, multiplier=0.5)])
    torn = tmp_path / "rewards/day=3/torn.parquet"
    write(torn, [row(4)])
    torn.write_bytes(torn.read_bytes()[:-20])
    found, warnings = read_rewards(tmp_path, ("title",), perhaps=("multiplier",))
    assert dict(zip(found["id"], found["multiplier"], strict=True)) == {
        "r1": None,
        "r2": None,
        "r3": 0.5,
    }
    (warning,) = warnings
    assert warning.startswith("torn.parquet is left out")
    without, warnings = read_rewards(tmp_path, ("title", "multiplier"))
    assert without["id"].to_list() == ["r3"]
    assert len(warnings) == 2


def test_where_there_is_nothing_it_says_what(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no rewards under"):
        read_rewards(tmp_path, ("title",))
    write(tmp_path / "rewards/day=1/a.parquet", [row(1)])
    with pytest.raises(NotFound, match="no reward in it yet"):
        read_rewards(tmp_path, ("title",), since_ms=5000)
    (tmp_path / "rewards/day=1/a.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(InvalidRecord, match="none of 1 files"):
        read_rewards(tmp_path, ("title",))


def test_of_an_archive_its_rewards_and_of_a_folder_all_are_the_log(tmp_path: Path) -> None:
    write(tmp_path / "one/day=1/a.parquet", [row(1)])
    write(tmp_path / "one/day=2/b.parquet", [row(2)])
    assert [each.name for each in log_files(tmp_path / "one")] == ["a.parquet", "b.parquet"]
    write(tmp_path / "two/rewards/x.parquet", [row(1)])
    write(tmp_path / "two/events/y.parquet", [row(1)])
    assert [each.name for each in log_files(tmp_path / "two")] == ["x.parquet"]


def test_a_file_with_its_columns_is_one(tmp_path: Path) -> None:
    full = row(1, candidates=["a"], propensities=[1.0], artwork="a")
    write(tmp_path / "own.parquet", [full])
    write(tmp_path / "other.parquet", [row(1)])
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    assert is_training_log(tmp_path)
    assert is_training_log(tmp_path / "own.parquet")
    for name in ("other.parquet", "torn.parquet", "absent.parquet"):
        assert not is_training_log(tmp_path / name)
