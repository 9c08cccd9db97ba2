"""Tables as they come: names, order, compression, and what is refused."""

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from keyart.models.dataset.creative_files import read_creatives
from keyart.models.ope.headlines.padded import opinion_of, padded, top_one
from keyart.schemas.errors import InvalidRecord, NotFound, UnknownName

PLAIN = 'test,text,impressions,clicks\nb,x,100,5\nb,y,100,3\na,z,50,1\na,"v, w",60,2\n'


def written(tmp_path: Path, text: str, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_rows_keep_their_order_and_text(tmp_path: Path) -> None:
    table = read_creatives(written(tmp_path, PLAIN))
    assert table.tests == 2
    assert table.texts == ("x", "y", "z", "v, w")
    assert table.test.tolist() == [0, 0, 1, 1]
    assert table.clicks.tolist() == [5, 3, 1, 2]
    assert table.part(1, 2).texts == ("z", "v, w")


def test_gzip_and_parquet_are_the_same(tmp_path: Path) -> None:
    plain = read_creatives(written(tmp_path, PLAIN))
    packed = tmp_path / "t.csv.gz"
    packed.write_bytes(gzip.compress(PLAIN.encode()))
    pl.read_csv(tmp_path / "t.csv").write_parquet(tmp_path / "t.parquet")
    for path in (packed, tmp_path / "t.parquet"):
        table = read_creatives(path)
        assert table.texts == plain.texts
        assert np.array_equal(table.impressions, plain.impressions)


def test_object_ids_are_played_in_their_time(tmp_path: Path) -> None:
    late, early = "546d88fb84ad38b2ce000024", "514360612020cb80002001e7"
    lines = ["clickability_test_id,test_week,headline,impressions,clicks"]
    lines += [f"{late},201446,late,10,1", f"{late},201446,later,10,1"]
    lines += [f"{early},201310,early,10,1", f"{early},201310,earlier,10,1"]
    lines += ["5256e2a01c4b4a2ab4000001,201330,faulty,10,1"] * 2
    path = written(tmp_path, "\n".join(lines))
    table = read_creatives(path)
    assert table.texts == ("early", "earlier", "late", "later")
    assert table.left_out == 1
    assert read_creatives(path, faulty_weeks=None).tests == 3


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN.replace("test,text", "id,words"))
    with pytest.raises(InvalidRecord, match="no column test"):
        read_creatives(path)
    assert read_creatives(path, test="id", text="words").tests == 2


def test_tests_without_a_contest_are_left_out(tmp_path: Path) -> None:
    extra = "alone,x,10,1\nnever,x,0,0\nnever,y,10,1\ncold,x,10,0\ncold,y,10,0\n"
    table = read_creatives(written(tmp_path, PLAIN + extra))
    assert table.tests == 2
    assert table.left_out == 3


@pytest.mark.parametrize(
    "line", ["c,x,10,11", "c,x,ten,1", "c,x,-1,0", "c,x,1.5,1", "c,x,,0", ",x,10,1"]
)
def test_wrong_rows_are_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(InvalidRecord, match=r"row"):
        read_creatives(written(tmp_path, PLAIN + line + "\n"))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_creatives(tmp_path / "missing.csv")
    with pytest.raises(InvalidRecord):
        read_creatives(written(tmp_path, "no table", "t.parquet"))
    with pytest.raises(InvalidRecord):
        read_creatives(written(tmp_path, "test,text,impressions,clicks\n"))


def test_truth_shrinks_towards_the_level(tmp_path: Path) -> None:
    table = read_creatives(written(tmp_path, PLAIN))
    observed, shrunk = padded(table), padded(table, "shrunk")
    assert observed.rate[0].tolist() == [0.05, 0.03]
    assert 0.03 <= shrunk.rate[0, 1] <= shrunk.rate[0, 0] <= 0.05
    with pytest.raises(UnknownName):
        padded(table, "wished")


def test_controls_of_an_opinion(tmp_path: Path) -> None:
    mask = np.array([[True, True, True], [True, True, False]])
    opinion = np.array([[0.3, 0.0, -0.3], [0.5, 0.1, 9.0]])
    right = opinion_of("right", opinion, mask, replications=2)
    assert np.allclose(right, [[[0.3, 0.0, -0.3], [0.2, -0.2, 0.0]]] * 2)
    assert np.allclose(opinion_of("inverted", opinion, mask, replications=2), -right)
    assert not opinion_of("none", opinion, mask).any()
    shuffled = opinion_of("shuffled", opinion, mask, replications=50, seed=1)
    assert np.allclose(np.sort(shuffled, axis=2), np.sort(right[:1], axis=2))
    assert (shuffled[:, 1, 2] == 0.0).all()
    assert len(np.unique(shuffled[:, 0], axis=0)) == 6
    with pytest.raises(UnknownName):
        opinion_of("other", opinion, mask)


def test_top_one_counts_ties_by_chance(tmp_path: Path) -> None:
    tests = padded(read_creatives(written(tmp_path, PLAIN)))
    assert top_one(np.zeros((2, 2)), tests) == 0.5
    assert top_one(np.array([[1.0, 0.0], [0.0, 1.0]]), tests) == 1.0
