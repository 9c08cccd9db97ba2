"""docs/training-log.md: its table is the schema, its recipes run on a log that keyart wrote."""

import re
from pathlib import Path

import duckdb
import pytest

from keyart.schemas import codec
from keyart.schemas.columns import pack_taste
from keyart.schemas.decisions import Versions
from keyart.schemas.rewards import Reward
from keyart.streams.archive import files
from keyart.streams.ports import LogRecord
from tests.packing import belief_bytes
from tests.unit.infra.test_docs import ROOT, script
from tests.unit.streams.test_join_columns import TASTE

TEXT = (ROOT / "docs/training-log.md").read_text()
DAY_MS = 86_400_000
VIEWERS = ("1" * 32, "2" * 32)


def reward(number: int, *, version: int = 2) -> Reward:
    viewer, shown = VIEWERS[number % 2], number % 3
    known = version > 1
    return Reward(
        id=f"{number:024x}",
        viewer=viewer,
        title="t",
        artwork="abc"[shown],
        surface="home",
        value=float(shown == 0),
        shown_at_ms=DAY_MS + number,
        closed_at_ms=DAY_MS + number,
        candidates=("a", "b", "c"),
        propensities=(0.5, 0.25, 0.25),
        explored=False,
        policy="p",
        versions=Versions(policy="p-1", prior="n", posterior="1", space="s"),
        version=version,
        taste=pack_taste(TASTE) if known else b"",
        beliefs=belief_bytes([(1, 1, 1, 1, 1, 1, 1)] * 3) if known else b"",
    )


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of two days, the first by a keyart before version 2."""
    folder = tmp_path_factory.mktemp("archive")
    for day, version in ((1, 1), (2, 2)):
        records = [
            LogRecord(
                "rewards",
                0,
                f"{day * 100 + at}-0",
                "t",
                codec.encode(reward(day * 100 + at, version=version)),
                day * DAY_MS,
            )
            for at in range(30)
        ]
        records.append(LogRecord("rewards", 0, f"{day * 100 + 50}-0", "t", b"{", day * DAY_MS))
        files.write(folder, records)
    return folder / "rewards"


def recipe(heading: str, language: str) -> str:
    found = re.search(rf"### [^\n]*{heading}[^\n]*\n+```{language}\n(.*?)```", TEXT, re.S)
    assert found is not None
    return found[1]


def test_the_table_is_the_schema() -> None:
    assert script("training_log").written(TEXT) == TEXT, "run infra/training_log.py --write"


def test_take_fraction_by_policy(log: Path) -> None:
    space: dict[str, object] = {"log": log}
    exec(recipe("polars", "python"), space)
    (row,) = space["by_policy"].to_dicts()  # type: ignore[attr-defined]
    assert (row["policy_version"], row["impressions"], row["viewers"]) == ("p-1", 60, 2)
    assert row["take_fraction"] == pytest.approx(20 / 60)
    # weights 1/0.5 of 20 that were taken, 1/0.25 of 40 that were not
    assert row["uniform"] == pytest.approx(20 * 2 / (20 * 2 + 40 * 4))


def test_one_row_a_candidate(log: Path) -> None:
    space: dict[str, object] = {"log": log}
    exec(recipe("pandas", "python"), space)
    wide = space["wide"]
    assert len(wide) == 90 and wide["chosen"].sum() == 30  # type: ignore[arg-type,index]
    assert wide["reward"].sum() == 10.0  # type: ignore[index]
    assert wide["propensity"].sum() == pytest.approx(30.0)  # type: ignore[index]


def test_what_one_viewer_saw(log: Path) -> None:
    query = recipe("DuckDB", "sql")
    rows = duckdb.execute(query, {"log": str(log), "viewer": VIEWERS[0]}).fetchall()
    assert len(rows) == 30
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert {row[1] for row in rows} == {"t"}
