"""The interval of a ratio: its cover, its pairing, and what it refuses."""

import numpy as np
import pytest
from scipy import stats

from keyart.models.statistics.bootstrap import ratio_interval
from keyart.schemas.errors import InvalidRecord


def test_width_is_that_of_the_delta_method() -> None:
    rng = np.random.default_rng(0)
    below = rng.gamma(4.0, 25.0, 3000)
    above = below * 1.03 + rng.normal(0.0, 5.0, 3000)
    found = ratio_interval(above, below, seed=1)
    ratio = above.sum() / below.sum()
    error = np.std(above - ratio * below, ddof=1) / (np.sqrt(3000) * below.mean())
    assert found.estimate == pytest.approx(ratio)
    expected = ratio + stats.norm.ppf([0.025, 0.975]) * error
    assert np.allclose([found.low, found.high], expected, atol=0.3 * error)


def test_equal_pairs_leave_no_doubt() -> None:
    below = np.random.default_rng(2).gamma(1.0, 1.0, 50)
    found = ratio_interval(below * 1.5, below)
    assert found.low == pytest.approx(1.5)
    assert found.high == pytest.approx(1.5)


def test_several_settings_are_the_mean_of_their_ratios_and_stay_paired() -> None:
    rng = np.random.default_rng(4)
    below = rng.gamma(4.0, 25.0, (2, 3000))
    noise = rng.normal(0.0, 5.0, 3000)
    above = below * np.array([[1.0], [1.2]]) + np.stack([noise, -noise])
    found = ratio_interval(above, below, seed=1)
    ratios = above.sum(axis=1) / below.sum(axis=1)
    assert found.estimate == pytest.approx(ratios.mean())
    # by the delta method, of the mean of both: noise that cancels leaves hardly any
    errors = (above - ratios[:, None] * below) / below.mean(axis=1, keepdims=True)
    error = np.std(errors.mean(axis=0), ddof=1) / np.sqrt(3000)
    assert np.allclose(
        [found.low, found.high],
        ratios.mean() + stats.norm.ppf([0.025, 0.975]) * error,
        atol=0.3 * error,
    )
    alone = [ratio_interval(a, b, seed=1) for a, b in zip(above, below, strict=True)]
    assert found.high - found.low < 0.5 * min(each.high - each.low for each in alone)


def test_seeds_repeat() -> None:
    rng = np.random.default_rng(3)
    above, below = rng.random(40), rng.random(40)
    assert ratio_interval(above, below, seed=5) == ratio_interval(above, below, seed=5)


@pytest.mark.parametrize(
    ("above", "below"),
    [(np.ones(0), np.ones(0)), (np.ones(3), np.ones(2)), (np.ones(3), np.zeros(3))]
    + [(np.ones((2, 3)), np.stack([np.ones(3), np.zeros(3)]))],
)
def test_nothing_to_divide_is_refused(above: np.ndarray, below: np.ndarray) -> None:
    with pytest.raises(InvalidRecord):
        ratio_interval(above, below)
