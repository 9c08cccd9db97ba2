"""The whole thread by command: a log, a small model, and at the end a table of opinions."""

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from typer.testing import CliRunner

from keyart.models.llm.scoring.table import read_table
from keyart.schemas.catalogue import Artwork, Title
from keyart.services.cli.llm.app import app
from tests.unit.models.conftest import WORDS, small_model, small_tokenizer

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.timeout(900),
]
TITLES = 12


@pytest.fixture
def site(tmp_path: Path) -> Path:
    tokenizer: Any = small_tokenizer()
    small_model(tokenizer).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    titles = [
        Title(
            id=f"t{at}",
            name=f"title {at}",
            artworks=tuple(Artwork(id=f"a{k}", description=WORDS[(at + k) % 5]) for k in range(3)),
        )
        for at in range(TITLES)
    ]
    lines = [msgspec.json.encode(title) + b"\n" for title in titles]
    (tmp_path / "titles.jsonl").write_bytes(b"".join(lines))
    rng = np.random.default_rng(0)
    rows = []
    for at in range(160):
        shown = int(rng.integers(3))
        rows.append(
            {
                "id": f"d{at}",
                "viewer": f"{int(rng.integers(40)):032x}",
                "title": f"t{int(rng.integers(TITLES))}",
                "artwork": f"a{shown}",
                "surface": "home",
                "value": float(rng.random() < 0.5),
                "shown_at_ms": 1_000_000 * (at + 1),
                "closed_at_ms": 1_000_000 * (at + 1) + 500_000,
                "candidates": ["a0", "a1", "a2"],
                "propensities": [1 / 3] * 3,
            }
        )
    (tmp_path / "log").mkdir()
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "log" / "part.parquet")
    return tmp_path


def run(*words: object) -> str:
    found = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def test_from_a_log_to_a_prior_table(site: Path) -> None:
    data, base, model, served = site / "data", site / "base", site / "model", site / "served"
    run("prepare", "--log", site / "log", "--catalogue", site / "titles.jsonl", "--out", data)
    run(
        *("train", data, "--out", model, "--model", base, "--method", "sft", "--epochs", 1),
        *("--lora", 4, "--evaluations", 1, "--device", "cpu"),
    )
    report = json.loads((model / "report.json").read_bytes())
    assert report["stages"][0]["steps"] >= 1
    run(
        *("export", model, "--dataset", data, "--out", served),
        *("--name", "small-v1", "--kinds", "fp32"),
    )
    table = site / "table.jsonl"
    run(
        *("score", "--catalogue", site / "titles.jsonl", "--out", table, "--model", served),
        *("--log", site / "log", "--segments", 2, "--shuffles", 3),
    )
    rows = list(read_table(table))
    assert {row.segment for row in rows} == {"", "s0", "s1"}
    assert len(rows) == 3 * TITLES
    assert {row.prior for row in rows} == {"small-v1"}
    run("distil", data, "--out", site / "dual", "--epochs", 3, "--share", 0)
    figures = site / "figures.json"
    shown = run(
        *("evaluate", data, "--model", served, "--zero-shot", base, "--replications", 50),
        *("--dual", site / "dual", "--table", table, "--json", figures),
    )
    assert "over the incumbent" in shown
    names = [row["opinion"] for row in json.loads(figures.read_bytes())["rows"]]
    assert names == [
        *("random", "popularity", "incumbent", "zero-shot", "model"),
        *("dual encoder", "segment table"),
    ]
    taken = run(
        *("evaluate", data, "--model", served, "--replications", 5, "--shuffles", 1),
        *("--answered", "--max", 5),
    )
    assert "5 examples, 5 with an answer" in taken
    run("words", data, "--out", site / "said", "--dual", site / "dual")
    told = [json.loads(line) for line in (site / "said" / "test.jsonl").read_text().splitlines()]
    assert any(each.get("taste") for each in told)
    pairs = site / "pairs.parquet"
    run("export-dpo", data, "--out", pairs, "--tokenizer", base)
    first = parquet.read_table(pairs).to_pylist()[0]
    assert first["prompt"][1]["role"] == "user"
    assert first["chosen"][0]["content"] != first["rejected"][0]["content"]
    assert first["weight"] > 0
    lines = site / "pairs.jsonl"
    said = run("export-dpo", data, "--out", lines, "--tokenizer", base)
    written = [json.loads(line) for line in lines.read_text().splitlines()]
    assert written == parquet.read_table(pairs).to_pylist()
    assert f"{len(written)} pairs, {sum(row['seen'] for row in written)} of them" in said
    assert {row["weight"] < 1 for row in written if not row["seen"]} == {True}
    run("encoder", model, "--out", site / "encoder", "--layers", 1)
    assert (site / "encoder" / "model.safetensors").is_file()
