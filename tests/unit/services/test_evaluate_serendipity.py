"""`keyart evaluate serendipity` from end to end on a small folder."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from keyart.services.cli.evaluate import app
from keyart.services.cli.evaluate_serendipity import UNTIMED


def folder(path: Path, viewers: range, *, timed: bool = True) -> Path:
    path.mkdir()
    rng = np.random.default_rng(viewers.start)
    titles = [f"t{group}-{at},tag{group}|also{group}" for group in range(12) for at in range(6)]
    (path / "titles.csv").write_text("\n".join(["title,terms", *titles]))
    lines = ["viewer,title,time,value" if timed else "viewer,title,value"]
    for viewer in viewers:
        first = int(rng.integers(2, 6))
        for day, group in enumerate((0, first, int(rng.integers(2, 6)), first + 6), 1):
            at = f"2026-01-{day:02d}," if timed else ""
            lines.append(f"v{viewer},t{group}-{rng.integers(6)},{at}1")
    (path / "events.csv").write_text("\n".join(lines))
    return path


def run(*arguments: object, says: str = "") -> dict[str, object]:
    result = CliRunner().invoke(app, ["serendipity", *map(str, arguments), "--json", "-"])
    assert result.exit_code == 0, result.output
    words = " ".join(result.stderr.split())
    assert says in words if says else UNTIMED not in words
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
    assert plan["oracle"]["hit1"] == 1.0 and plan["shuffled table"]["hit1"] < plan["blend"]["hit1"]
    assert {"hierarchical bandit", "stale table", "table as served"} <= set(plan)
    keys = {"recommender", "hr10", "ndcg10", "ueuc", "serendipity"}
    assert all(set(row) == keys for row in figures["items"])  # type: ignore[attr-defined]
    items = {row["recommender"]: row for row in figures["items"]}  # type: ignore[attr-defined]
    served = {row["recommender"]: row for row in figures["served"]}  # type: ignore[attr-defined]
    assert list(served) == [
        *("as served, by taste", "as served, by ials"),
        "as served with dose, 2 of 10, rest by ials",
        "as served with dose, 2 of 10, rest free",
    ]
    for name, row in served.items():
        for key in ("ueuc", "hr10", "ndcg10", "any10"):
            assert row[key]["low"] <= row[key]["estimate"] <= row[key]["high"]
            if key != "any10":
                assert row[key]["estimate"] == pytest.approx(items[name][key])
    assert list(served["as served with dose, 2 of 10, rest by ials"]["over"]) == ["ials"]
    over = served["as served, by ials"]["over"]["as served, by taste"]["ueuc"]
    ratio = items["as served, by ials"]["ueuc"] / items["as served, by taste"]["ueuc"]
    assert over["estimate"] == pytest.approx(100 * ratio - 100, abs=0.5)


def test_the_same_again(tmp_path: Path) -> None:
    train = folder(tmp_path / "train", range(40))
    assert run("--train", train, "--clusters", 12) == run("--train", train, "--clusters", 12)


def test_a_table_without_times_is_judged_in_an_order_at_random(tmp_path: Path) -> None:
    train = folder(tmp_path / "train", range(80), timed=False)
    test = folder(tmp_path / "test", range(100, 140), timed=False)
    figures = run("--train", train, "--test", test, "--clusters", 12, says=UNTIMED)
    # somebody whose last titles in the order drawn are of clusters that came before has no case
    assert 20 < figures["viewers"] <= 40  # type: ignore[operator]
    plan = {row["planner"]: row for row in figures["plan"]}  # type: ignore[attr-defined]
    assert "stale table" not in plan
    assert plan["oracle"]["hit1"] == 1.0
    assert plan["blend"]["hit5"] > plan["random"]["hit5"]
