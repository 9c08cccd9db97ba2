"""A calibration curve: bins that hold everything, intervals that hold the truth, viewers apart."""

import numpy as np
import pytest

from keyart.models.likelihood.curve import LEAST, curve, gain


def drawn(seed: int, rows: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0.02, 0.3, rows)
    return chance, (rng.random(rows) < chance).astype(np.float64), np.arange(rows)


def test_what_is_expected_rightly_lies_in_the_intervals() -> None:
    inside = 0
    for seed in range(100):
        found = curve(*drawn(seed))
        assert len(found) == 8
        assert sum(each.rewards for each in found) == 4000
        assert [each.expected for each in found] == sorted(each.expected for each in found)
        inside += sum(each.low <= each.expected <= each.high for each in found)
    assert inside >= 0.90 * 800


def test_a_viewer_who_is_told_twice_makes_nothing_surer() -> None:
    chance, value, viewer = drawn(1, 2000)
    once = curve(chance, value, viewer, bins=1)[0]
    twice = curve(np.repeat(chance, 2), np.repeat(value, 2), np.repeat(viewer, 2), bins=1)[0]
    assert twice.high - twice.low == pytest.approx(once.high - once.low, rel=0.05)


def test_few_rewards_make_no_curve_and_none_taken_an_interval() -> None:
    chance, value, viewer = drawn(1, LEAST - 1)
    assert curve(chance, value, viewer) == []
    (none,) = curve(np.full(LEAST, 0.05), np.zeros(LEAST), np.arange(LEAST))
    assert none.observed == none.low == 0.0 < none.high < 0.1


def test_the_better_expectation_gains() -> None:
    chance, value, viewer = drawn(2)
    flat = np.full(len(chance), chance.mean())
    better = gain(chance, flat, value, viewer)
    assert 0.0 < better.low < better.estimate < better.high
    worse = gain(flat, chance, value, viewer)
    assert worse.estimate == pytest.approx(-better.estimate)
    assert gain(flat, flat, value, viewer).high == 0.0
