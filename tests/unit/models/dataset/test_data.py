"""From logs and tables to examples: histories without leaks, splits without leaks, weights."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from keyart.models.dataset.catalogue import describe, read_catalogue
from keyart.models.dataset.examples import Entry, read_examples, write_examples
from keyart.models.dataset.history import Histories
from keyart.models.dataset.logs import read_log
from keyart.models.dataset.preferences import chance_better, preferences
from keyart.models.dataset.prepare import prepare_log, prepare_table, read_split
from keyart.models.dataset.splits import Splitter, time_bounds
from keyart.models.dataset.weights import effective_size, inverse_propensity
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.errors import InvalidRecord, NotFound, SettingsError
from tests.unit.models.conftest import example

DAY = 86_400_000


def rewards(count: int, *, viewers: int = 80, titles: int = 4) -> list[dict[str, Any]]:
    """Rows of a training log: propensities differ, a third of them are taken."""
    rng = np.random.default_rng(0)
    rows = []
    for at in range(count):
        propensities = rng.dirichlet(np.ones(3)) * 0.9 + 1 / 30
        shown = int(rng.choice(3, p=propensities / propensities.sum()))
        time = 10 * DAY + at * DAY // 20
        rows.append(
            {
                "id": f"d{at}",
                "viewer": f"{int(rng.integers(viewers)):032x}",
                "title": f"t{int(rng.integers(titles))}",
                "artwork": f"a{shown}",
                "surface": "home",
                "value": float(rng.random() < 1 / 3),
                "shown_at_ms": time,
                "closed_at_ms": time + 1_800_000,
                "candidates": ["a0", "a1", "a2"],
                "propensities": (propensities / propensities.sum()).tolist(),
            }
        )
    return rows


@pytest.fixture
def site(tmp_path: Path) -> tuple[Path, Path, list[dict[str, Any]]]:
    rows = rewards(400)
    for day in range(21):
        part = [row for row in rows if (row["closed_at_ms"] // DAY) == 10 + day]
        if part:
            folder = tmp_path / "log" / f"day={day:02d}"
            folder.mkdir(parents=True)
            parquet.write_table(arrow.Table.from_pylist(part), folder / "part-0.parquet")
    catalogue = tmp_path / "titles.jsonl"
    with catalogue.open("wb") as out:
        for at in range(4):
            artworks = tuple(
                Artwork(id=f"a{k}", description=f"picture {k} of {at}") for k in range(3)
            )
            out.write(msgspec.json.encode(Title(id=f"t{at}", name=f"T{at}", artworks=artworks)))
            out.write(b"\n")
    return tmp_path / "log", catalogue, rows


def test_log_is_read_in_the_order_of_time(site: Any) -> None:
    log, _, rows = site
    found = [row.id for row in read_log(log)]
    assert found == [row["id"] for row in sorted(rows, key=lambda row: row["shown_at_ms"])]


def test_no_history_knows_the_future(site: Any, tmp_path: Path) -> None:
    log, catalogue, rows = site
    prepare_log(log, catalogue, tmp_path / "out")
    by_id = {row["id"]: row for row in rows}
    for split in ("train", "valid", "test"):
        for made in read_split(tmp_path / "out", split):
            mine = by_id[made.id]
            known = {
                (f"T{row['title'][1:]}", f"picture {row['artwork'][1:]} of {row['title'][1:]}")
                for row in rows
                if row["viewer"] == mine["viewer"]
                and row["value"] > 0
                and row["shown_at_ms"] < mine["shown_at_ms"]
                and row["closed_at_ms"] <= mine["shown_at_ms"]
            }
            assert {(entry.title, entry.description) for entry in made.history} <= known
            assert bool(made.history) == bool(known)


def test_no_pair_is_on_two_sides_and_time_divides(site: Any, tmp_path: Path) -> None:
    log, catalogue, rows = site
    dataset = prepare_log(log, catalogue, tmp_path / "out")
    splits = {name: read_split(tmp_path / "out", name) for name in ("train", "valid", "test")}
    pairs = {name: {each.pair for each in part} for name, part in splits.items()}
    assert not pairs["train"] & pairs["valid"]
    assert not pairs["train"] & pairs["test"]
    assert not pairs["valid"] & pairs["test"]
    assert max(e.shown_at_ms for e in splits["train"]) < dataset.valid_from_ms
    assert min(e.shown_at_ms for e in splits["test"]) >= dataset.test_from_ms
    assert sum(dataset.counts.values()) + sum(dataset.left_out.values()) == len(rows)
    late = {row["id"] for row in rows if row["shown_at_ms"] >= dataset.test_from_ms}
    assert {each.id for each in splits["test"]} == late


def test_what_was_shown_before_makes_no_example_and_is_history(site: Any, tmp_path: Path) -> None:
    log, catalogue, rows = site
    since = sorted(row["shown_at_ms"] for row in rows)[len(rows) // 2]
    prepare_log(log, catalogue, tmp_path / "all")
    dataset = prepare_log(log, catalogue, tmp_path / "late", since_ms=since)
    late = sum(row["shown_at_ms"] >= since for row in rows)
    assert sum(dataset.counts.values()) + sum(dataset.left_out.values()) == late
    histories = {
        each.id: each.history
        for split in ("train", "valid", "test")
        for each in read_split(tmp_path / "all", split)
    }
    found = read_split(tmp_path / "late", "test")
    assert found and all(each.shown_at_ms >= since for each in found)
    assert all(each.history == histories.get(each.id, each.history) for each in found)
    assert any(each.history for each in found)


def test_weights_are_clipped_inverse_propensities(site: Any, tmp_path: Path) -> None:
    log, catalogue, _ = site
    prepare_log(log, catalogue, tmp_path / "out", clip=4.0)
    answered = [each for each in read_split(tmp_path / "out", "test") if each.answer >= 0]
    raw = np.array([min(1 / each.propensities[each.answer], 4.0) for each in answered])
    weights = np.array([each.weight for each in answered])
    np.testing.assert_allclose(weights, raw / raw.mean())


def test_unknown_titles_and_artworks_are_counted(site: Any, tmp_path: Path) -> None:
    log, catalogue, rows = site
    lines = catalogue.read_bytes().splitlines()
    short = msgspec.json.decode(lines[1], type=Title)
    lines[1] = msgspec.json.encode(msgspec.structs.replace(short, artworks=short.artworks[:2]))
    catalogue.write_bytes(b"\n".join(lines[1:]))
    left_out = prepare_log(log, catalogue, tmp_path / "out").left_out
    assert left_out["unknown title"] == sum(row["title"] == "t0" for row in rows)
    assert left_out["unknown artwork"] == sum(row["title"] == "t1" for row in rows)


def test_a_log_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        list(read_log(tmp_path))
    row = {**rewards(1)[0], "artwork": "elsewhere"}
    parquet.write_table(arrow.Table.from_pylist([row]), tmp_path / "x.parquet")
    with pytest.raises(InvalidRecord, match="candidates"):
        list(read_log(tmp_path))
    del row["propensities"]
    parquet.write_table(arrow.Table.from_pylist([row]), tmp_path / "x.parquet")
    with pytest.raises(InvalidRecord, match="propensities"):
        list(read_log(tmp_path))


def test_examples_survive_the_file_and_bad_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    made = [example(at, answer=at - 1) for at in range(3)]
    assert write_examples(path, made) == 3
    assert list(read_examples(path)) == made
    path.write_bytes(path.read_bytes() + b'{"id": 3}\n')
    with pytest.raises(InvalidRecord, match="line 4"):
        list(read_examples(path))
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(made[0], rewards=(1.0,))))
    with pytest.raises(InvalidRecord, match="columns"):
        list(read_examples(path))


def test_history_tells_recent_first_then_telling() -> None:
    histories = Histories(entries=2)
    for viewer in range(9):  # everybody likes "common": it tells little
        histories.add(
            viewer=f"v{viewer}",
            title="common",
            entry=Entry(title="common", description=""),
            shown_at_ms=viewer,
            closed_at_ms=viewer,
        )
    for at, title in enumerate(["rare", "common", "latest"]):
        histories.add(
            viewer="me",
            title=title,
            entry=Entry(title=title, description=""),
            shown_at_ms=100 + at,
            closed_at_ms=100 + at,
        )
    assert [entry.title for entry in histories.before("me", 1000)] == ["latest", "rare"]
    assert [entry.title for entry in histories.before("me", 101)] == ["rare"]
    assert histories.before("nobody", 1000) == ()


def test_table_answers_are_the_best_rates(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "test,text,impressions,clicks,at_ms\n"
        "x,one,100,5,1\nx,two,100,9,1\ny,only,100,1,2\n"
        "z,a,50,1,3\nz,a,50,3,3\nz,b,100,3,3\n"
        + "".join(f"w{at},p,10,{at % 3},{4 + at}\nw{at},q,10,1,{4 + at}\n" for at in range(8))
    )
    dataset = prepare_table(path, tmp_path / "out", valid=0.2, test=0.2)
    assert dataset.counts == {"train": 6, "valid": 2, "test": 2}
    train = {each.title: each for each in read_split(tmp_path / "out", "train")}
    assert set(train) == {"x", "z", "w0", "w1", "w2", "w3"}
    assert train["x"].options[train["x"].answer].description == "two"
    assert train["z"].rewards == (4.0, 3.0)
    assert train["z"].impressions == (100.0, 100.0)


def test_descriptions_fall_back() -> None:
    assert describe(Artwork(id="a", description="words")) == "words"
    assert describe(Artwork(id="a", attributes={"face": "yes", "colour": "red"})) == (
        "colour red, face yes"
    )
    assert describe(Artwork(id="a")) == "a"


def test_catalogue_names_the_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text('{"id": "t", "artworks": [{"id": "a"}]}\n\n{"id": "t"}\n')
    with pytest.raises(InvalidRecord, match="line 3"):
        read_catalogue(path)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 50)), min_size=1),
    st.integers(0, 50),
    st.integers(0, 50),
)
def test_splits_never_share_a_pair(rows: list[tuple[int, int]], first: int, second: int) -> None:
    splitter = Splitter(valid_from_ms=min(first, second), test_from_ms=max(first, second))
    for pair, at in rows:
        splitter.note(str(pair), at)
    sides: dict[str, set[int]] = {}
    for pair, at in rows:
        if split := splitter.split_of(str(pair), at):
            sides.setdefault(split, set()).add(pair)
    assert sum(map(len, sides.values())) == len(set().union(*sides.values()))
    assert {pair for pair, _ in rows} == set().union(*sides.values())


def test_time_bounds_divide_by_shares() -> None:
    assert time_bounds(range(100), valid=0.1, test=0.2) == (70, 80)
    with pytest.raises(SettingsError):
        time_bounds(range(3), valid=0.5, test=0.5)


def test_propensities_outside_their_range_are_refused() -> None:
    with pytest.raises(InvalidRecord):
        inverse_propensity(np.array([0.0]), np.ones(1), clip=5.0)
    assert inverse_propensity(np.zeros(0), np.zeros(0), clip=5.0).size == 0


def test_effective_size() -> None:
    assert effective_size(np.ones(7)) == pytest.approx(7)
    assert effective_size(np.array([1.0, 0, 0])) == pytest.approx(1)
    assert effective_size(np.zeros(3)) == 0


def test_rejected_is_what_was_shown_and_not_taken() -> None:
    taken = example(0, answer=0, pair="p", id="x")
    refused = example(
        0, answer=-1, pair="p", id="y", impressions=(0.0, 0.0, 1.0), rewards=(0.0, 0.0, 0.0)
    )
    (pair,) = preferences([taken, refused])
    assert (pair.chosen, pair.rejected, pair.seen, pair.weight) == (0, 2, True, 1.0)


def test_a_drawn_rejection_weighs_less_and_by_evidence() -> None:
    (alone,) = preferences([example(0, answer=1)])
    assert not alone.seen
    assert alone.rejected != 1
    assert alone.weight == pytest.approx(0.5)
    takers = []
    for at in range(200):  # of those who took one, nobody took the other that they were shown
        takers.append(example(at, answer=0, pair=f"p{at}"))
        takers.append(
            example(
                at,
                answer=-1,
                pair=f"p{at}",
                impressions=(0.0, 1.0, 0.0),
                rewards=(0.0, 0.0, 0.0),
            )
        )
    drawn = [pair for pair in preferences([*takers, example(999, answer=2)]) if not pair.seen]
    assert len(drawn) == 1
    assert drawn[0].weight == pytest.approx((200 + 10) / (200 + 20))


@pytest.mark.parametrize(
    ("mine", "theirs"), [((3, 10), (1, 12)), ((30, 200), (40, 180)), ((0, 5), (0, 5))]
)
def test_chance_better_is_the_integral(mine: tuple[int, int], theirs: tuple[int, int]) -> None:
    p = stats.beta(1 + mine[0], 1 + mine[1] - mine[0])
    q = stats.beta(1 + theirs[0], 1 + theirs[1] - theirs[0])
    grid = np.linspace(0, 1, 20_001)
    expected = np.trapezoid(p.pdf(grid) * q.cdf(grid), grid)
    assert chance_better(*mine, *theirs) == pytest.approx(expected, abs=1e-4)


def test_table_pairs_weigh_by_certainty() -> None:
    sure = example(
        0,
        answer=0,
        impressions=(1000.0, 1000.0, 1000.0),
        rewards=(90.0, 30.0, 89.0),
    )
    pairs = {pair.rejected: pair.weight for pair in preferences([sure])}
    assert pairs[1] == pytest.approx(0.5, abs=0.01)
    assert 0 < pairs[2] < 0.1
