"""`keyart evaluate bandit` and `evaluate log` as somebody would run them, on tables of any form."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from keyart.schemas.errors import KeyartError
from keyart.services.cli.main import app

COUNT = 600


def run(*arguments: str) -> None:
    result = CliRunner().invoke(app, ["evaluate", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output


def log_table(seed: int = 0) -> pl.DataFrame:
    """Return a log of uniform choices: b is best where the device is a phone, a elsewhere."""
    rng = np.random.default_rng(seed)
    device = rng.choice(["phone", "tv", "web"], COUNT)
    arm = rng.choice(["a", "b", "c"], COUNT)
    best = np.where(device == "phone", "b", "a")
    gaps, ages = rng.random(COUNT) < 0.1, rng.integers(18, 80, COUNT).tolist()
    click = rng.random(COUNT) < np.where(arm == best, 0.5, 0.1)
    return pl.DataFrame(
        {
            "device": device,
            "age": [None if gap else age for gap, age in zip(gaps, ages, strict=True)],
            "arm": arm,
            "click": click.astype(int),
            "spend": click * rng.random(COUNT),
            "propensity": np.full(COUNT, 1 / 3),
            "user": rng.integers(0, 200, COUNT),
        }
    )


def judged(tmp_path: Path, table: Path, *more: str) -> dict[str, Any]:
    out = tmp_path / "out.json"
    run("log", "--log", str(table), "--json", str(out), *more)
    read: dict[str, Any] = json.loads(out.read_text())
    return read


def of(report: dict[str, Any], policy: str, estimator: str = "dr") -> dict[str, Any]:
    (found,) = [
        each
        for each in report["estimates"]
        if each["policy"] == policy and each["estimator"] == estimator
    ]
    assert isinstance(found, dict)
    return found


def test_a_log_says_what_a_policy_would_have_earned(tmp_path: Path) -> None:
    table = tmp_path / "log.csv"
    log_table().write_csv(table)
    report = judged(tmp_path, table, "--policy", "optimistic", "--against", "uniform")
    assert {"rows", "effective_sample_size", "estimates", "replay", "warnings"} <= report.keys()
    assert report["rows"] == COUNT and report["viewers"] < COUNT
    assert of(report, "optimistic")["low"] > of(report, "uniform")["high"]
    assert of(report, "logged", "mean")["value"] == pytest.approx(log_table()["click"].mean())
    assert 0 < report["effective_sample_size"] < COUNT
    (met,) = report["replay"]
    assert met["policy"] == "optimistic" and met["low"] < met["value"] < met["high"]
    assert any("spend" in each and "outcomes" in each for each in report["warnings"])
    (over,) = [
        each
        for each in report["differences"]
        if each["policy"] == "optimistic" and each["estimator"] == "dr"
    ]
    assert over["against"] == "uniform" and over["low"] > 0.0


def test_every_form_of_the_same_table_says_the_same(tmp_path: Path) -> None:
    frame = log_table(1)
    plain, packed, parquet = (tmp_path / f"log{end}" for end in (".csv", ".csv.gz", ".PARQUET"))
    frame.write_csv(plain)
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    frame.write_parquet(parquet)
    semicolons = tmp_path / "semicolons.csv"
    semicolons.write_bytes(b"\xef\xbb\xbf" + frame.write_csv(separator=";").encode())
    reports = [judged(tmp_path, each) for each in (plain, packed, parquet, semicolons)]
    for each in reports[1:]:
        assert each["estimates"] == reports[0]["estimates"]


def test_a_row_a_candidate_says_what_a_row_a_choice_does(tmp_path: Path) -> None:
    frame = log_table(2).with_row_index("decision")
    wide, long = tmp_path / "wide.csv", tmp_path / "long.csv"
    frame.drop("decision").write_csv(wide)
    rows = frame.drop("arm").join(pl.DataFrame({"arm": ["a", "b", "c"]}), how="cross")
    rows = rows.join(frame.select("decision", chosen="arm"), on="decision")
    rows = rows.with_columns(chosen=(pl.col("arm") == pl.col("chosen")).cast(pl.Int8))
    rows.write_csv(long)
    more = ("--context", "device,age", "--policy", "optimistic")
    first = judged(tmp_path, wide, *more)
    second = judged(tmp_path, long, "--decision", "decision", "--chosen", "chosen", *more)
    assert second["estimates"] == first["estimates"]


def test_a_table_as_a_bandit(tmp_path: Path) -> None:
    frame = log_table(3).select(
        "device",
        "age",
        label=pl.when(pl.col("device") == "tv").then(pl.lit("x")).otherwise(pl.lit("y")),
    )
    table, out = tmp_path / "table.csv", tmp_path / "out.json"
    frame.write_csv(table)
    run(
        *("bandit", "--table", str(table), "--label", "label", "--json", str(out)),
        *("--shuffles", "2", "--alone", "--policy", "epsilon_greedy,optimistic"),
    )
    report = json.loads(out.read_text())
    assert report["rows"] == COUNT and report["arms"] == 2
    found = {each["name"]: each for each in report["policies"]}
    assert {"keyart", "keyart epsilon_greedy", "uniform", "supervised ceiling"} == found.keys()
    assert found["keyart"]["high"] < 0.1 < found["uniform"]["regret"] == 0.5
    # on rows that nearly everybody answers, which of the two errs once more is luck
    assert found["supervised ceiling"]["regret"] <= found["keyart"]["high"]
    for each in found.values():
        assert each["low"] <= each["regret"] <= each["high"]


@pytest.mark.parametrize(
    ("content", "more", "said"),
    [
        (b"arm,click\na,1\nb,0\n", ("--action", "nosuch"), "--action names no column 'nosuch'"),
        (b"x,y\n1,2\n", (), "which column is the action"),
        (b"arm,click\na,1\na,0\n", ("--propensity", "0.5"), "has 1 actions"),
        (b"arm,click\na,1\nb,\n", ("--propensity", "0.5"), "row 2: column 'click' has no value"),
        (b"arm,click\na,1\nb,yes\n", ("--propensity", "0.5"), "column 'click' holds text"),
        (b"arm,click,p\na,1,0\nb,0,0.5\n", (), "row 1: propensity is not above 0"),
        (b"arm,click\na,1\nb,0\n", ("--propensity", "1.5"), "is no column, no number"),
        (b"arm,arm\na,1\nb,0\n", (), "two columns are called 'arm'"),
        (b"arm,click\n", (), "the table has no rows"),
        (b"", (), "empty"),
        (b"arm,click\na,1\x00\n", (), "zero bytes"),
        (b"arm,click\na,1\nb,0\n", ("--against", "nosuch", "--propensity", "0.5"), "--against"),
    ],
)
def test_a_log_that_cannot_be_used_says_why_in_a_line(
    tmp_path: Path, content: bytes, more: tuple[str, ...], said: str
) -> None:
    table = tmp_path / "log.csv"
    table.write_bytes(content)
    with pytest.raises(KeyartError) as raised:
        run("log", "--log", str(table), *more)
    assert said in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["nosuch/out.json", "."])
def test_where_the_figures_go_is_looked_at_first(tmp_path: Path, name: str) -> None:
    with pytest.raises(KeyartError, match="--json"):
        run("log", "--log", str(tmp_path / "nosuch.csv"), "--json", str(tmp_path / name))


def test_the_page_needs_no_network_and_escapes_what_it_shows(tmp_path: Path) -> None:
    table, page = tmp_path / "<b>.csv", tmp_path / "page.html"
    log_table().write_csv(table)
    judged(tmp_path, table, "--html", str(page))
    text = page.read_text()
    assert "<svg" in text and "http" not in text.replace("http://www.w3.org", "")
    assert "&lt;b&gt;" in text and "<b>" not in text
