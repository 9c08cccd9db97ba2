from math import log

import numpy as np
import pytest
from scipy.stats import entropy as reference

from keyart.models.statistics.entropy import effective_choices, entropy
from keyart.models.statistics.ratio import ALARM, check_ratio
from keyart.schemas.posterior import PolicyBucket


def sums(chosen: np.ndarray, propensities: np.ndarray) -> PolicyBucket:
    places = np.arange(propensities.shape[1])
    return PolicyBucket(
        count=len(chosen),
        chosen=(chosen[:, None] == places).sum(axis=0).tolist(),
        predicted=propensities.sum(axis=0).tolist(),
        variance=(propensities * (1 - propensities)).sum(axis=0).tolist(),
    )


def draw(rng: np.random.Generator, propensities: np.ndarray) -> np.ndarray:
    beyond = rng.random((len(propensities), 1)) > propensities.cumsum(axis=1)
    places: np.ndarray = beyond.sum(axis=1)
    return places


def test_nothing_is_in_order() -> None:
    check = check_ratio(PolicyBucket())
    assert check.passed and check.decisions == 0 and check.p_value == 1.0


def test_a_sound_log_is_hardly_ever_called_broken_however_often_it_is_looked_at() -> None:
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(150):
        propensities = rng.dirichlet(np.ones(5), 3000)
        chosen = draw(rng, propensities)
        looks = range(100, 3001, 100)
        alarms += any(check_ratio(sums(chosen[:n], propensities[:n])).p_value < 0.05 for n in looks)
    assert alarms / 150 < 0.05


def test_lost_impressions_are_found() -> None:
    rng = np.random.default_rng(2)
    propensities = rng.dirichlet(np.ones(4), 20_000)
    chosen = draw(rng, propensities)
    kept = (chosen != 2) | (rng.random(len(chosen)) > 0.15)
    check = check_ratio(sums(chosen[kept], propensities[kept]))
    assert not check.passed
    assert check.p_value < ALARM
    assert check.worst_place == 2


def test_what_cannot_happen_is_broken_at_once() -> None:
    sure = np.array([[1.0, 0.0]] * 10)
    assert check_ratio(sums(np.zeros(10, int), sure)).passed
    check = check_ratio(sums(np.ones(10, int), sure))
    assert not check.passed and check.p_value == 0.0


def test_a_huge_gap_does_not_overflow() -> None:
    even = np.full((1_000_000, 2), 0.5)
    check = check_ratio(sums(np.zeros(1_000_000, int), even))
    assert check.p_value == 0.0 and not check.passed


@pytest.mark.parametrize("k", [1, 2, 7])
def test_entropy_is_scipys(k: int) -> None:
    p = np.random.default_rng(k).dirichlet(np.ones(k))
    assert entropy(p.tolist()) == pytest.approx(float(reference(p)))
    assert entropy([1.0 / k] * k) == pytest.approx(log(k))
    assert effective_choices(log(k)) == pytest.approx(k)
    assert entropy([1.0, 0.0]) == 0.0
