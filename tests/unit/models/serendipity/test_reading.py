"""Folders that people bring."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from keyart.models.intake.faults import WrongFile
from keyart.models.serendipity.reading.folders import read_folders
from keyart.schemas.errors import InvalidRecord, NotFound


def own(folder: Path, events: str, titles: str = "title,genres\na,Drama|War\nb,War\n") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "events.csv").write_text(events)
    (folder / "titles.csv").write_text(titles)
    return folder


def test_own_tables(tmp_path: Path) -> None:
    events = (
        "viewer,title,time,value\nv,a,2026-01-02,1\nv,a,2026-01-01,1\nv,b,,1\n"
        "w,a,1767225600,1\nw,b,1767225600000,0\n"
    )
    world = read_folders(own(tmp_path / "d", events)).world
    told = {
        (world.viewers[v], world.titles[t]): ms
        for v, t, ms in zip(world.viewer, world.title, world.at_ms, strict=True)
    }
    first = 1767225600000.0
    assert told[("v", "a")] == told[("w", "a")] == first
    assert np.isnan(told[("v", "b")]) and ("w", "b") not in told
    assert set(world.terms) == {"drama", "war"}


def test_the_least_positive_value_can_be_named(tmp_path: Path) -> None:
    folder = own(tmp_path / "d", "viewer,title,value\nv,a,5\nv,b,3\nw,b,4\n")
    assert len(read_folders(folder).world.viewer) == 3
    assert len(read_folders(folder, positive=4.0).world.viewer) == 2


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ("viewer,title,time\nv,a,soon\n", "line 2: column 'time' holds 'soon'"),
        ("viewer,title,value\nv,a,much\n", "line 2: column 'value' holds 'much'"),
        ("viewer,title\n,a\n", "line 2: column 'viewer' is empty"),
        ("viewer,time\nv,2026-01-01\n", "line 1: column title is missing"),
        ("viewer,title,value\nv,a,nan\n", "holds nan"),
    ],
)
def test_wrong_rows_are_named(tmp_path: Path, events: str, said: str) -> None:
    with pytest.raises(WrongFile, match=said):
        read_folders(own(tmp_path / "d", events))


def test_files_and_viewers_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such folder"):
        read_folders(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="there is no titles"):
        read_folders(tmp_path / "empty")
    one = own(tmp_path / "d", "viewer,title\nv,a\n")
    with pytest.raises(InvalidRecord, match="no viewer in it who is not"):
        read_folders(one, one)
    with pytest.raises(InvalidRecord, match="no positive engagement"):
        read_folders(own(tmp_path / "e", "viewer,title,value\nv,a,0\n"))


def lastfm(folder: Path, tagged: str, plays: str) -> Path:
    folder.mkdir()
    for name, text in (("tagged", tagged), ("plays", plays)):
        with gzip.open(folder / f"lastfm_{name}.csv.gz", "wt") as file:
            file.write(text)
    return folder


def test_lastfm_and_other_viewers_of_it(tmp_path: Path) -> None:
    head, plays = "viewer,artist,tag,date\n", "viewer,artist,listens\n"
    train = lastfm(
        tmp_path / "a",
        f"{head}1,10,5,2006-02-01\n1,11,5,1956-06-01\n",
        f"{plays}1,12,7\n",
    )
    (train / "lastfm_artists.csv").write_text("artist,name\n10,Ten\n")
    (train / "lastfm_tags.csv").write_text("tag,name\n5,rock\n")
    test = lastfm(tmp_path / "b", f"{head}2,10,6,2007-01-01\n1,13,6,2007-01-01\n", plays)
    world, teaching, judged = read_folders(train, test)
    assert [world.viewers[at] for at in teaching] == ["1"]
    assert [world.viewers[at] for at in judged] == ["2"]
    assert world.terms == ("rock",), "what the judged say of titles is not heard"
    assert "13" not in world.titles
    assert world.names[world.titles.index("10")] == "Ten"
    assert np.isnan(world.at_ms[1:3]).all() and world.at_ms[0] == 1138752000000.0
