"""`keyart evaluate serendipity` from end to end on a small folder."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from keyart.services.cli.evaluate import app


def folder(path: Path, viewers: range) -> Path:
    path.mkdir()
    rng = np.random.default_rng(viewers.start)
    titles = [f"t{group}-{at},tag{group}|also{group}" for group in range(12) for at in range(6)]
    (path / "titles.csv").write_text("\n".join(["title,terms", *titles]))
    lines = ["viewer,title,time,value"]
    for viewer in viewers:
        first = int(rng.integers(2, 6))
        for day, group in enumerate((0, first, int(rng.integers(2, 6)), first + 6), 1):
            lines.append(f"v{viewer},t{group}-{rng.integers(6)},2026-01-{day:02d},1")
    (path / "events.csv").write_text("\n".join(lines))
    return path


def run(*arguments: object) -> dict[str, object]:
    result = CliRunner().invoke(app, ["serendipity", *map(str, arguments), "--json", "-"])
    assert result.exit_code == 0, result.output
    figures: dict[str, object] = json.loads(result.stdout)
    return figures


@pytest.mark.parametrize("apart", [False, True])
def test_figures(tmp_path: Path, apart: bool) -> None:
    train = folder(tmp_path / "train", range(80))
    test = ["--test", folder(tmp_path / "test", range(100, 130))] if apart else []
    figures = run("--train", train, *test, "--clusters", 12)
    assert set(figures) == {"viewers", "clusters", "plan", "items", "served"}
    assert figures["clusters"] == 12
    assert figures["viewers"] == (30 if apart else 80)
    plan = {row["planner"]: row for row in figures["plan"]}  # type: ignore[attr-defined]
    assert set(plan["blend"]) == {
        *("planner", "hit1", "hit5", "recall10", "bits", "exact_match", "over_cooccurrence")
    }
    assert set(plan["blend"]["over_cooccurrence"]) == {"percent", "low", "high"}
    assert plan["blend"]["hit1"] > 0.45 > 0.3 > plan["random"]["hit1"]
    assert plan["blend"]["exact_match"] == 1.0
    keys = {"recommender", "hr10", "ndcg10", "ueuc", "serendipity"}
    assert all(set(row) == keys for row in figures["items"])  # type: ignore[attr-defined]
    items = {row["recommender"]: row for row in figures["items"]}  # type: ignore[attr-defined]
    served = {row["recommender"]: row for row in figures["served"]}  # type: ignore[attr-defined]
    assert list(served) == ["as served, by taste", "as served, by ials"]
    for name, row in served.items():
        for key in ("ueuc", "hr10", "ndcg10"):
            assert row[key]["low"] <= row[key]["estimate"] <= row[key]["high"]
            assert row[key]["estimate"] == pytest.approx(items[name][key])
    over = served["as served, by ials"]["over"]["as served, by taste"]["ueuc"]
    ratio = items["as served, by ials"]["ueuc"] / items["as served, by taste"]["ueuc"]
    assert over["estimate"] == pytest.approx(100 * ratio - 100, abs=0.5)


def test_the_same_again(tmp_path: Path) -> None:
    train = folder(tmp_path / "train", range(40))
    assert run("--train", train, "--clusters", 12) == run("--train", train, "--clusters", 12)
