"""Drift of a prior is seen soon after it happens, dated after it, and seldom without one."""

from typing import Any

import numpy as np
import pytest

from keyart.models.dataset.influence import Bounds, Told, weights
from keyart.models.statistics.prior_drift import drifts

ROWS = 40_000


def series(seed: int, *, before: float, after: float, level: float = 0.05) -> dict[str, Any]:
    """Return rewards that follow an opinion with slope `before`, from the middle on `after`."""
    rng = np.random.default_rng(seed)
    moved = rng.normal(scale=0.4, size=ROWS)
    slope = np.where(np.arange(ROWS) < ROWS // 2, before, after)
    reward = (rng.random(ROWS) < level * (1.0 + slope * np.clip(moved, -0.9, 0.9))).astype(float)
    return {
        "shown_at_ms": np.arange(ROWS, dtype=np.int64) * 10,
        "reward": reward,
        "level": np.full(ROWS, level),
        "moved": moved,
        "group": [""] * ROWS,
    }


@pytest.mark.parametrize("seed", range(5))
def test_a_prior_that_turned_upside_down_is_seen_and_dated(seed: int) -> None:
    found = drifts(**series(seed, before=1.0, after=-1.0))
    (one,) = [each for each in found if each.what == "how takes follow the prior"]
    assert abs(one.since_ms - 10 * ROWS // 2) <= 10 * 4000


def test_without_a_change_there_is_seldom_an_alarm() -> None:
    alarms = sum(bool(drifts(**series(seed, before=1.0, after=1.0))) for seed in range(20))
    assert alarms <= 1


def test_the_take_fraction_of_one_group_is_seen_by_its_name() -> None:
    given = series(1, before=0.0, after=0.0)
    rng = np.random.default_rng(2)
    group = np.where(rng.random(ROWS) < 0.5, "news", "sport")
    given["group"] = group.tolist()
    late = (np.arange(ROWS) >= ROWS // 2) & (group == "news")
    given["reward"] = np.where(late, rng.random(ROWS) < 0.15, given["reward"])
    (one,) = drifts(**given, least=250)
    assert one.what == "the take fraction of group news"


def test_rows_that_stand_twice_and_count_half_drift_alike() -> None:
    given = series(3, before=1.0, after=-1.0)
    twice = np.repeat(np.arange(ROWS), 2)
    doubled: dict[str, Any] = {name: np.asarray(each)[twice] for name, each in given.items()}
    doubled["group"] = [""] * len(twice)
    once = drifts(**given, least=250)
    assert once and drifts(**doubled, counts=np.full(len(twice), 0.5), least=250) == once


def test_one_loud_viewer_is_no_drift_and_a_turn_with_one_is() -> None:
    """From the middle on every tenth reward is a viewer's who takes whatever they are shown."""
    rng = np.random.default_rng(4)
    loud = (np.arange(ROWS) >= ROWS // 2) & (rng.random(ROWS) < 0.1)
    bounds = Bounds(all_hours=False)
    seen = {}
    for after in (1.0, -1.0):
        given = series(4, before=1.0, after=after)
        given["reward"] = np.where(loud, 1.0, given["reward"])
        counts = weights(
            Told(
                title=np.zeros(ROWS, np.intp),
                artwork=rng.integers(2, size=ROWS),
                viewer=np.where(loud, 0, 1 + np.arange(ROWS) % 5000).astype(np.intp),
                hour=np.arange(ROWS, dtype=np.intp) // 500,
                fresh=np.zeros(ROWS, np.bool_),
                shown=np.ones(ROWS),
                takes=given["reward"],
            ),
            bounds,
        )
        assert counts[loud].max() < 0.5 and counts[~loud].mean() > 0.98
        seen[after] = {each.what for each in drifts(**given, counts=counts)}
        assert "the take fraction" in {each.what for each in drifts(**given)}
    assert seen == {1.0: set(), -1.0: {"how takes follow the prior"}}


def test_a_short_log_says_nothing() -> None:
    given = series(1, before=1.0, after=-1.0)
    short = {name: value[:400] for name, value in given.items()}
    assert drifts(**short) == []
