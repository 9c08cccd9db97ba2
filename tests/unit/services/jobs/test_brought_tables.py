"""Tables as people bring them: the same as the clean one, or one line that names file and place.

Valid tables are changed in their encoding, their separators, their types, their nesting and their
size, and given to the commands. Each must end as with the clean table, or with one line and exit
status 1: never in a traceback, never in an empty success.
"""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyart.models.dataset.creative_files import read_creatives
from keyart.schemas.errors import KeyartError
from keyart.services.cli.main import main

Row = dict[str, Any]
ROWS: list[Row] = [
    {
        "test": f"t{at // 3}",
        "text": f"wörd {at}, “{at}”",
        "impressions": 1000 + at,
        "clicks": 20 + at,
    }
    for at in range(30)
]


def csv_of(rows: list[Row], sign: str = ",") -> str:
    def cell(value: Any) -> str:
        text = "" if value is None else str(value)
        return '"' + text.replace('"', '""') + '"' if set(text) & set(',\t"\r\n;') else text

    heading = sign.join(rows[0]) if rows else "test,text,impressions,clicks"
    return "\n".join([heading, *(sign.join(map(cell, row.values())) for row in rows)]) + "\n"


def lines_of(rows: list[Row]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def parquet_of(rows: list[Row], **types: Any) -> bytes:
    names = list(rows[0])
    arrays = [pa.array([row[name] for row in rows], types.get(name)) for name in names]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(arrays, names=names), sink)
    return bytes(sink.getvalue())


def column(rows: list[Row], name: str, change: Callable[[Any], Any]) -> list[Row]:
    return [{**row, name: change(row[name])} for row in rows]


CLEAN = csv_of(ROWS)
SAME: dict[str, bytes] = {
    "plain.csv": CLEAN.encode(),
    "bom.csv": b"\xef\xbb\xbf" + CLEAN.encode(),
    "crlf.csv": CLEAN.replace("\n", "\r\n").encode(),
    "cr.csv": CLEAN.replace("\n", "\r").encode(),
    "no-last-newline.csv": CLEAN.rstrip("\n").encode(),
    "blank-lines.csv": CLEAN.replace("\n", "\n\n").encode(),
    "UPPER.CSV": CLEAN.encode(),
    "packed.csv.gz": gzip.compress(CLEAN.encode()),
    "unpacked-already.csv.gz": CLEAN.encode(),
    "packed-unsaid.csv": gzip.compress(CLEAN.encode()),
    "tabs.tsv": csv_of(ROWS, "\t").encode(),
    "floats.csv": csv_of(column(ROWS, "impressions", float)).encode(),
    "spaces.csv": csv_of(column(ROWS, "clicks", lambda each: f" {each} ")).encode(),
    "more-columns.csv": csv_of([{**row, "note": "x"} for row in ROWS]).encode(),
    "lines.jsonl": lines_of(ROWS).encode(),
    "bom.ndjson": b"\xef\xbb\xbf" + lines_of(ROWS).encode(),
    "strings.jsonl": lines_of(column(ROWS, "clicks", str)).encode(),
    "nulls.jsonl": lines_of([{**row, "note": None} for row in ROWS]).encode(),
    "plain.parquet": parquet_of(ROWS),
    "UPPER.PARQUET": parquet_of(ROWS),
    "strings.parquet": parquet_of(column(ROWS, "impressions", str)),
    "decimals.parquet": parquet_of(column(ROWS, "clicks", Decimal), clicks=pa.decimal128(12, 2)),
    "floats.parquet": parquet_of(column(ROWS, "clicks", float)),
    "bytes.parquet": parquet_of(column(ROWS, "text", str.encode)),
    "large.parquet": parquet_of(ROWS, text=pa.large_string()),
    "nested-elsewhere.parquet": parquet_of([{**row, "note": [{"a": [1]}]} for row in ROWS]),
}
WRONG: dict[str, tuple[bytes, str]] = {
    "latin.csv": (CLEAN.encode("latin-1", "replace"), "line 2"),
    "latin-late.csv": (CLEAN.encode() + "t0,caf\xe9,10,1\n".encode("latin-1"), "line 32"),
    "utf16.csv": (CLEAN.encode("utf-16"), "UTF-16"),
    "utf16-no-mark.csv": (CLEAN.encode("utf-16-le"), "line 1"),
    "zero.csv": (CLEAN.replace("wörd 5", "w\0rd").encode(), "line 7"),
    "semicolons.csv": (csv_of(ROWS, ";").encode(), "';'"),
    "thousands.csv": (csv_of(column(ROWS, "impressions", lambda n: f"{n:,}")).encode(), "row 1"),
    "points.csv": (
        csv_of(column(ROWS, "impressions", lambda n: f"{n:,}".replace(",", "."))).encode(),
        "row 1",
    ),
    "parts.csv": (csv_of(column(ROWS, "clicks", lambda n: n + 0.5)).encode(), "row 1"),
    "below.csv": (csv_of(column(ROWS, "clicks", lambda n: -n)).encode(), "row 1"),
    "huge.csv": (csv_of(column(ROWS, "impressions", lambda n: 10**20)).encode(), "row 1"),
    "nan.csv": (csv_of(column(ROWS, "clicks", lambda n: "nan")).encode(), "row 1"),
    "empty-text.csv": (csv_of(column(ROWS, "text", lambda n: " ")).encode(), "row 1"),
    "ragged.csv": (CLEAN.replace(",1004,", ",1004,9,").encode(), "row 5 (line 6)"),
    "short.csv": (CLEAN.replace(",1004,24", ",1004").encode(), "row 5 (line 6)"),
    "cut.csv": (CLEAN.encode()[: CLEAN.encode().index(b"w\xc3\xb6rd 7") + 4], "line"),
    "open-quote.csv": (CLEAN.encode() + b't0,"never closed,1,1\n', "quote"),
    "twice.csv": (CLEAN.replace("text", "test", 1).encode(), "column"),
    "lacking.csv": (CLEAN.replace("clicks", "taps", 1).encode(), "clicks"),
    "more-clicks.csv": (CLEAN.replace(",1004,24", ",10,24").encode(), "row 5 (line 6)"),
    "heading.csv": (csv_of([]).encode(), "no row"),
    "empty.csv": (b"", "no row"),
    "one.csv": (csv_of(ROWS[:3]).encode(), "one test"),
    "no-click.csv": (csv_of(column(ROWS, "clicks", lambda n: 0)).encode(), "click"),
    "many.csv": (csv_of([{**ROWS[0], "text": f"x{at}"} for at in range(41)]).encode(), "row 1"),
    "same.csv": (csv_of(column(ROWS, "text", lambda n: "x")).encode(), "different texts"),
    "wide.csv": (",".join(f"c{at}" for at in range(100_000)).encode(), "columns"),
    "long.csv": (CLEAN.encode() + b"t0," + b"x" * 2_000_000 + b",1,1\n", "line 32"),
    "cut.csv.gz": (gzip.compress(CLEAN.encode())[:-20], "unpacked"),
    "bomb.csv.gz": (gzip.compress(CLEAN.encode() + b"\n" * 90_000_000), "unpack"),
    "empty.csv.gz": (gzip.compress(CLEAN.encode() + b"\n" * 60_000_000), "empty lines"),
    "sheet.csv": (b"PK\x03\x04 and so on", "spreadsheet"),
    "said.csv": (parquet_of(ROWS), "Parquet"),
    "array.jsonl": (json.dumps(ROWS).encode(), "object"),
    "broken.jsonl": (lines_of(ROWS).encode() + b"{\n", "line 31"),
    "latin.jsonl": (lines_of(ROWS).encode("latin-1", "replace"), "line 1"),
    "lists.parquet": (parquet_of(column(ROWS, "text", lambda n: [n])), "row 1"),
    "structs.parquet": (parquet_of(column(ROWS, "clicks", lambda n: {"n": n})), "row 1"),
    "booleans.parquet": (parquet_of(column(ROWS, "clicks", lambda n: True)), "row 1"),
    "latin.parquet": (
        parquet_of(column(ROWS, "text", lambda n: n.encode("latin-1", "replace"))),
        "row 1",
    ),
    "nulls.parquet": (parquet_of([*ROWS, {**ROWS[0], "clicks": None}]), "row 31"),
    "cut.parquet": (parquet_of(ROWS)[:-30], "Parquet"),
    "none.parquet": (b"PAR1", "Parquet"),
    "text.parquet": (CLEAN.encode(), "Parquet"),
    "columns.parquet": (parquet_of([{f"c{at}": at for at in range(10_001)}]), "columns"),
    "rows.parquet": (
        parquet_of([{**ROWS[0]}] * 400_000),
        "rows",
    ),
    "sheet.xlsx": (b"PK\x03\x04", "kind"),
}


def run(*words: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def content(path: Path) -> tuple[Any, ...]:
    table = read_creatives(path)
    counts = table.test.tolist(), table.impressions.tolist(), table.clicks.tolist()
    return table.ids, table.texts, *counts


@pytest.mark.parametrize("name", SAME)
def test_the_same_table_in_another_dress_is_the_same(name: str, tmp_path: Path) -> None:
    (tmp_path / "clean.csv").write_text(CLEAN)
    (tmp_path / name).write_bytes(SAME[name])
    assert content(tmp_path / name) == content(tmp_path / "clean.csv")


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("command", ["priors", "prepare"])
def test_what_cannot_be_read_is_one_line(
    command: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, place = WRONG[name]
    (path := tmp_path / name).write_bytes(data)
    words: tuple[object, ...] = ("evaluate", "priors", "--train", path, "--prior", "none")
    if command == "prepare":
        words = ("llm", "prepare", "--table", path, "--out", tmp_path / "out")
    code, out, err = run(*words, capsys=capsys)
    assert code == 1, out
    lines = err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("keyart: "), err
    assert "unforeseen" not in err
    if name != "one.csv":
        assert name in lines[0] and place in lines[0], err


MUTATED = [*SAME.values(), *(data for data, _ in WRONG.values() if len(data) < 100_000)]
SUFFIXES = (".csv", ".CSV", ".csv.gz", ".tsv", ".jsonl", ".ndjson")


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_that_was_damaged_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    """Bytes lost, added or changed anywhere: a table, or an error of ours that names the file."""
    content_ = bytearray(data.draw(st.sampled_from(MUTATED)))
    kind = ".parquet" if content_.startswith(b"PAR1") else data.draw(st.sampled_from(SUFFIXES))
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, max(len(content_) - 1, 0)))
        drop = data.draw(st.integers(0, 4))
        content_[at : at + drop] = data.draw(st.binary(max_size=4))
    path = tmp_path / f"damaged{kind}"
    path.write_bytes(content_)
    try:
        table = read_creatives(path)
    except KeyartError as refused:
        assert path.name in str(refused)
        assert "\n" not in str(refused)
    else:
        assert table.tests > 0 and (table.clicks <= table.impressions).all()


def test_an_unforeseen_error_is_one_line_and_says_where_if_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("first\nsecond")

    monkeypatch.setattr("keyart.schemas.documents.documents", broken)
    code, _, err = run("schemas", tmp_path, capsys=capsys)
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith("keyart: unforeseen RuntimeError: first (")
    _, _, err = run("--traceback", "schemas", tmp_path, capsys=capsys)
    assert "in broken" in err


@pytest.mark.parametrize(
    ("wrong", "said", "status"),
    [
        (KeyboardInterrupt(), "", 130),
        (MemoryError(), "not enough memory", 1),
        (PermissionError(13, "Permission denied", "x"), "x: Permission denied", 1),
    ],
)
def test_what_ends_a_command_has_its_status(
    wrong: BaseException,
    said: str,
    status: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise wrong

    monkeypatch.setattr("keyart.schemas.documents.documents", broken)
    code, _, err = run("schemas", tmp_path, capsys=capsys)
    assert code == status
    assert said in err and err.count("\n") <= 1


@pytest.mark.parametrize(
    "words",
    [
        ("--seed", "-1"),
        ("--seed", str(2**70)),
        ("--split", "2"),
        ("--split", "nan"),
        ("--tau", "0"),
        ("--tau", ""),
        ("--tau", "1e3"),
        ("--tau", "99999999999999999999"),
        ("--replications", "0"),
        ("--replications", "1000000"),
        ("--block", "0"),
        ("--truth", "wished"),
        ("--json", "/no/such/folder/x.json"),
        ("--json", "/"),
    ],
)
def test_values_beyond_their_bounds_are_one_line(
    words: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path := tmp_path / "t.csv").write_text(CLEAN)
    given = ("evaluate", "creatives", "--train", path, "--prior", "none", *words)
    code, out, err = run(*given, capsys=capsys)
    assert code == 1, out
    assert err.count("\n") == 1 and words[0].lstrip("-") in err


def test_a_wrong_option_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run("evaluate", "priors", "--nope", capsys=capsys)
    assert code == 2
    assert err == "keyart: No such option: --nope (keyart evaluate priors --help)\n"


def test_help_shows_extras_and_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("prior", "fit", "--help", capsys=capsys)
    assert code == 0 and "keyart[onnx]" in out
    code, out, _ = run("--version", capsys=capsys)
    assert code == 0 and out.startswith("keyart ")
    code, out, _ = run("--help", capsys=capsys)
    assert "--install-completion" in out


def test_a_reader_that_has_gone_is_no_error() -> None:
    words = [sys.executable, "-m", "keyart.services.cli.main", "settings"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as made:
        assert made.stdout is not None and made.stderr is not None
        made.stdout.close()
        said = made.stderr.read()
    assert b"Traceback" not in said
