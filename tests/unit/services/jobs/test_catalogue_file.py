"""Titles from files: three kinds, one catalogue, every wrong row named."""

import gzip
import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.rules import Least, Pin, Rules
from keyart.services.jobs.catalogue_file import MOST_SHOWN, WrongFile, read_titles

TITLES = [
    Title(
        id="t1",
        name="Salt, and “Ember”",
        group="food",
        artworks=(
            Artwork(
                id="a", image="https://x.example/a.jpg", description="hands", attributes={"k": "v"}
            ),
            Artwork(id="b", description="a kitchen,\nat night"),
        ),
    ),
    Title(id="t2", name="Deep Field", artworks=(Artwork(id="a", description="stars"),)),
]
LINES = [
    {
        "id": title.id,
        "name": title.name,
        "group": title.group,
        "artworks": [
            {"id": a.id, "image": a.image, "description": a.description, "attributes": a.attributes}
            for a in title.artworks
        ],
    }
    for title in TITLES
]
ROWS = [
    {
        "title": title.id,
        "name": title.name,
        "group": title.group,
        "artwork": artwork.id,
        "image": artwork.image,
        "description": artwork.description,
        "attribute.k": artwork.attributes.get("k", ""),
    }
    for title in TITLES
    for artwork in title.artworks
]


def written(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def faults_of(path: Path) -> dict[str, str]:
    with pytest.raises(WrongFile) as caught:
        read_titles(path)
    return dict(caught.value.faults)


def test_three_kinds_hold_the_same_catalogue(tmp_path: Path) -> None:
    lines = "\n\n".join(json.dumps(line) for line in LINES)
    pl.DataFrame(ROWS).write_csv(tmp_path / "rows.csv")
    pl.DataFrame(ROWS).write_parquet(tmp_path / "rows.parquet")
    nested = [
        {
            "id": title.id,
            "name": title.name,
            "group": title.group or None,
            "artworks": [
                {"id": a.id, "image": a.image, "description": a.description, "attributes": None}
                for a in title.artworks
            ],
        }
        for title in TITLES
    ]
    pl.DataFrame(nested).write_parquet(tmp_path / "nested.parquet")
    bare = [
        Title(
            id=t.id,
            name=t.name,
            group=t.group,
            artworks=tuple(
                Artwork(id=a.id, image=a.image, description=a.description) for a in t.artworks
            ),
        )
        for t in TITLES
    ]
    assert read_titles(written(tmp_path, "lines.jsonl", lines)) == TITLES
    assert read_titles(tmp_path / "rows.csv") == TITLES
    assert read_titles(tmp_path / "rows.parquet") == TITLES
    assert read_titles(tmp_path / "nested.parquet") == bare


def test_every_wrong_line_is_named(tmp_path: Path) -> None:
    good = json.dumps(LINES[1])
    lines = [
        good,
        '{"id": "t3", "artworks": []}',
        "{not json",
        good,
        '{"id": "t4", "artworks": [{"id": "a"}, {"id": "a"}]}',
        '{"id": "t5", "artworks": [{"id": "a", "description": 7}]}',
    ]
    path = written(tmp_path, "x.jsonl", "\n".join(lines).encode() + b'\n{"id": "\xff"}')
    faults = faults_of(path)
    assert set(faults) == {"line 2", "line 3", "line 4", "line 5", "line 6", "line 7"}
    assert "t2" in faults["line 4"] and "line 1" in faults["line 4"]
    assert "'a' stands twice" in faults["line 5"]
    assert "$.artworks[0].description" in faults["line 6"]


def test_wrong_rows_of_a_table_are_named(tmp_path: Path) -> None:
    text = "title,artwork,name,image\nt1,a,One,\nt1,,One,\n,b,One,\nt1,c,Two,\nt1,d{,One,\nt1,e\n"
    faults = faults_of(written(tmp_path, "x.csv", text))
    assert set(faults) == {f"line {at}" for at in (3, 4, 5, 6, 7)}
    assert faults["line 5"] == "name is another one than at line 2"
    assert "fewer fields" in faults["line 7"]


def test_too_many_artworks_are_the_titles_fault(tmp_path: Path) -> None:
    text = "title,artwork\n" + "".join(f"t1,a{at}\n" for at in range(41))
    faults = faults_of(written(tmp_path, "x.csv", text))
    assert list(faults) == ["line 2"]
    assert "'t1'" in faults["line 2"] and "40" in faults["line 2"]


@pytest.mark.parametrize(
    ("heading", "said"),
    [
        ("title,name", "column artwork is missing"),
        ("title,artwork,picture", "'picture' is unknown"),
        ("title,artwork,title", "column title stands twice"),
    ],
)
def test_wrong_columns_are_named(tmp_path: Path, heading: str, said: str) -> None:
    faults = faults_of(written(tmp_path, "x.csv", f"{heading}\n1,2,3\n"))
    assert said in faults["line 1"]


def test_columns_of_a_parquet_file_are_checked(tmp_path: Path) -> None:
    pl.DataFrame({"title": ["a"], "picture": ["b"]}).write_parquet(tmp_path / "x.parquet")
    assert "'picture'" in faults_of(tmp_path / "x.parquet")["columns"]


def test_bytes_that_are_not_utf8_are_a_fault(tmp_path: Path) -> None:
    faults = faults_of(written(tmp_path, "x.csv", b"title,artwork\nt1,a\nt2,\xff\n"))
    assert any("not UTF-8" in message for message in faults.values())


def test_a_long_list_of_faults_is_cut(tmp_path: Path) -> None:
    path = written(tmp_path, "x.jsonl", "{}\n" * (MOST_SHOWN + 5))
    with pytest.raises(WrongFile, match="and 5 more"):
        read_titles(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.jsonl", "\n"), ("x.csv", "title,artwork\n"), ("x.txt", "a"), ("x.parquet", "not parquet")],
)
def test_a_file_without_titles_is_an_error(tmp_path: Path, name: str, content: str) -> None:
    with pytest.raises(InvalidRecord):
        read_titles(written(tmp_path, name, content))


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidRecord, match="No such file"):
        read_titles(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "x.jsonl",
            '{"id": "t", "title": "Name", "artworks": [{"id": "a", "img": "x"}]}',
            ["did you mean 'name'?", "did you mean 'image'?"],
        ),
        ("x.csv", "title,artwork,img\nt,a,x\n", ["did you mean 'image'?"]),
        ("x.csv", "title;artwork\nt;a\n", ["separated by ';'"]),
        ("x.jsonl", '{"id": "t\\n", "artworks": [{"id": "a"}]}', ["newline"]),
        ("x.jsonl", '{"id": "t", "version": 2, "artworks": [{"id": "a"}]}', ["version 2"]),
        ("x.jsonl", "\ufeff" + "{" * 10, ["line 1"]),
    ],
)
def test_what_has_no_place_is_refused_with_what_was_meant(
    tmp_path: Path, name: str, content: str, said: list[str]
) -> None:
    with pytest.raises(WrongFile) as caught:
        read_titles(written(tmp_path, name, content))
    assert all(each in str(caught.value) for each in said)


def test_marks_nulls_packing_and_other_types_change_nothing(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(line | {"version": None}) for line in LINES).encode()
    assert read_titles(written(tmp_path, "b.jsonl", b"\xef\xbb\xbf" + lines)) == TITLES
    assert read_titles(written(tmp_path, "p.JSONL.gz", gzip.compress(lines))) == TITLES
    maps = pa.map_(pa.string(), pa.string())
    artwork = pa.struct(
        [("id", pa.string()), ("image", pa.binary()), ("description", pa.string())]
        + [("attributes", maps)]
    )
    nested = [
        {**line, "artworks": [{**a, "image": a["image"].encode()} for a in line["artworks"]]}
        for line in json.loads(json.dumps(LINES))
    ]
    schema = pa.schema(
        [("id", pa.string()), ("name", pa.string()), ("group", pa.string())]
        + [("artworks", pa.list_(artwork))]
    )
    pq.write_table(pa.Table.from_pylist(nested, schema), tmp_path / "m.parquet")
    assert read_titles(tmp_path / "m.parquet") == TITLES


def test_ids_that_are_numbers_are_read_as_in_a_csv(tmp_path: Path) -> None:
    rows = [{"title": 7, "artwork": at, "attribute.year": 1999.0} for at in (1, 2)]
    pl.DataFrame(rows).write_parquet(tmp_path / "n.parquet")
    (title,) = read_titles(tmp_path / "n.parquet")
    assert (title.id, [a.id for a in title.artworks]) == ("7", ["1", "2"])
    assert title.artworks[0].attributes == {"year": "1999"}


def bomb(kind: str) -> Any:
    flat = {"title": ["t"], "artwork": ["a"]}
    if kind == "columns":
        return pa.table({**flat, **{f"attribute.{at}": ["x"] for at in range(10_001)}})
    if kind == "rows":
        many = pa.array(["x"] * 3_000_000).dictionary_encode()
        return pa.table({"title": many, "artwork": many})
    if kind == "long":
        return pa.table({"title": ["t"], "artwork": ["a" * 200_000_000]})
    if kind == "repeated":
        repeated = pa.DictionaryArray.from_arrays([0] * 90_000, ["a" * 800_000])
        return pa.table({"title": ["t"] * 90_000, "artwork": repeated})
    return pa.table({"id": ["t"], "artworks": [[None] * 9_000_000]})


@pytest.mark.parametrize("kind", ["columns", "rows", "long", "repeated", "values"])
def test_a_small_file_that_claims_much_is_refused_before_it_is_unpacked(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "bomb.parquet"
    pq.write_table(bomb(kind), path, compression="zstd")
    tracemalloc.start()
    before = pa.total_allocated_bytes()
    try:
        with pytest.raises(InvalidRecord) as refused:
            read_titles(path)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(refused.value).startswith(str(path))
    assert most < 200_000_000
    assert pa.total_allocated_bytes() - before < 200_000_000


def test_the_sample_can_be_loaded_and_has_what_the_readme_asks_for(tmp_path: Path) -> None:
    from keyart.services.cli.catalogue import app

    path = tmp_path / "titles.jsonl"
    assert CliRunner().invoke(app, ["sample", str(path)]).exit_code == 0
    titles = {title.id: title for title in read_titles(path)}
    assert {"t1", "t2"} <= titles.keys()
    for title in titles.values():
        assert len(title.artworks) >= 2 and all(each.description for each in title.artworks)
    assert titles["t1"].artworks[0].id == "a"


RULED = [
    {
        "title": "t",
        "default": "b",
        "artwork": "a",
        "rules.from": "2026-12-01T00:00:00+01:00",
        "rules.until": "2027-01-07 00:00:00Z",
        "rules.only.surface": "home|row",
        "rules.only.hour": "21",
        "rules.pin.share": "0.25",
        "rules.pin.until": "2026-12-27T00:00:00Z",
        "rules.least.share": "0.1",
        "rules.least.impressions": "500",
        "rules.most": "0.5",
    },
    {"title": "t", "artwork": "b"},
]


def test_rules_of_artworks_stand_in_columns_of_a_table(tmp_path: Path) -> None:
    columns = list(RULED[0])
    rows = [{name: row.get(name) for name in columns} for row in RULED]
    pl.DataFrame(rows).write_csv(tmp_path / "rows.csv")
    typed = pl.DataFrame(rows).with_columns(
        pl.col("rules.most", "rules.pin.share", "rules.least.share").cast(pl.Float64),
        pl.col("rules.least.impressions", "rules.only.hour").cast(pl.Int64),
    )
    typed.write_parquet(tmp_path / "rows.parquet")
    expected = Rules(
        starts=datetime(2026, 11, 30, 23, tzinfo=UTC),
        ends=datetime(2027, 1, 7, tzinfo=UTC),
        only={"surface": ("home", "row"), "hour": ("21", 21.0)},
        pin=Pin(share=0.25, ends=datetime(2026, 12, 27, tzinfo=UTC)),
        least=Least(share=0.1, impressions=500.0),
        most=0.5,
    )
    for name in ("rows.csv", "rows.parquet"):
        (title,) = read_titles(tmp_path / name)
        assert title.default == "b"
        assert [artwork.rules for artwork in title.artworks] == [expected, None]


def test_times_of_a_parquet_file_are_rules_too(tmp_path: Path) -> None:
    at = datetime(2026, 12, 1, 12, tzinfo=UTC)
    table = pa.table(
        {
            "title": ["t"],
            "artwork": ["a"],
            "rules.from": pa.array([at], pa.timestamp("us", "UTC")),
        }
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    (title,) = read_titles(tmp_path / "rows.parquet")
    assert title.artworks[0].rules == Rules(starts=at)
    naive = table.set_column(2, "rules.from", pa.array([at], pa.timestamp("us")))
    pq.write_table(naive, tmp_path / "naive.parquet")
    (said,) = faults_of(tmp_path / "naive.parquet").values()
    assert "column 'rules.from'" in said and "without a zone" in said


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("rules.from", "tomorrow", "column 'rules.from' holds 'tomorrow', no time such as"),
        ("rules.until", "2026-12-24T18:00:00", "a time without a zone"),
        ("rules.most", "30 %", "column 'rules.most' holds '30 %', no number"),
        ("rules.most", "nan", "column 'rules.most' holds 'nan', no number"),
        ("rules.pin.share", "1.5", "column rules.pin.share"),
        ("rules.least.impressions", "10", "column rules.least"),
        ("rules.only.device", "tv||web", "column 'rules.only.device' holds 'tv||web'"),
    ],
)
def test_a_wrong_rule_is_named_with_its_row_and_column(
    tmp_path: Path, column: str, cell: str, said: str
) -> None:
    path = written(tmp_path, "rows.csv", f"title,artwork,{column}\nt,a,\nt,b,{cell}\n")
    ((where, fault),) = faults_of(path).items()
    assert where == "line 3" and said in fault, fault
    assert "\n" not in fault


def test_rules_that_contradict_each_other_are_named_at_their_row(tmp_path: Path) -> None:
    heading = "title,artwork,rules.least.share,rules.most"
    path = written(tmp_path, "rows.csv", f"{heading}\nt,a,,\nt,b,0.5,0.1\n")
    assert faults_of(path) == {"line 3": "rules of artwork 'b': least is above most"}


def test_a_column_of_rules_that_is_unknown_is_told_what_was_meant(tmp_path: Path) -> None:
    path = written(tmp_path, "rows.csv", "title,artwork,rules.form,rules.only.\nt,a,x,y\n")
    (said,) = faults_of(path).values()
    assert "column 'rules.form' is unknown; did you mean 'rules.from'?" in said
    assert "column 'rules.only.' is unknown" in said


def test_the_two_examples_of_the_documentation_are_one_catalogue(tmp_path: Path) -> None:
    text = (Path(__file__).parents[4] / "docs/rules.md").read_text()
    as_json, as_csv = (
        text.partition(f"```{kind}\n")[2].partition("```")[0] for kind in ("json", "csv")
    )
    whole = json.dumps(json.loads(as_json))
    (lines,) = read_titles(written(tmp_path, "titles.jsonl", whole))
    (rows,) = read_titles(written(tmp_path, "titles.csv", as_csv))
    assert rows == lines
    assert sum(each.rules is not None for each in rows.artworks) == 3
