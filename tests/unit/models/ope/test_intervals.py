"""Intervals: their coverage by simulation, viewers as clusters, a sequence that is peeked at."""

import numpy as np
import pytest

from keyart.models.ope.estimators import Terms
from keyart.models.ope.intervals import (
    Resampled,
    bootstrap,
    standard_error,
)
from keyart.models.ope.rows import Array, Rows
from keyart.models.statistics.bootstrap import BLOCKS
from keyart.models.statistics.confidence import confidence_sequence


def of_viewers(seed: int, viewers: int = 150, each: int = 8) -> tuple[Rows, Terms]:
    """Return rows whose rewards depend on the viewer far more than on the row; the mean is 0.3."""
    rng = np.random.default_rng(seed)
    own = rng.beta(0.6, 1.4, viewers)
    cluster = np.repeat(np.arange(viewers), each)
    reward = (rng.random(len(cluster)) < own[cluster]).astype(np.float64)
    count = len(cluster)
    rows = Rows(
        action=np.zeros(count, np.intp),
        reward=reward,
        propensity=np.ones(count),
        allowed=np.ones((count, 1), np.bool_),
        cluster=cluster,
    )
    return rows, Terms(numerator=reward, denominator=np.ones(count))


def test_the_bootstrap_covers_when_viewers_differ() -> None:
    """At 95 %, 200 logs, within what luck gives; by row, without viewers, it does not."""
    covered = by_row = 0
    for seed in range(200):
        rows, of = of_viewers(seed)
        got = bootstrap(of, Resampled(rows, draws=200, seed=seed))
        covered += got.low <= 0.3 <= got.high
        half = 1.96 * of.numerator.std() / np.sqrt(len(rows))
        by_row += abs(of.value - 0.3) <= half
    assert 0.90 <= covered / 200 <= 0.99
    assert by_row / 200 < 0.8


def test_the_standard_error_is_the_bootstraps() -> None:
    rows, of = of_viewers(7, viewers=600)
    got = bootstrap(of, Resampled(rows, draws=3000))
    assert (got.high - got.low) / (2 * 1.96) == pytest.approx(standard_error(rows, of), rel=0.1)


def test_many_viewers_are_drawn_in_groups_with_the_same_width() -> None:
    rows, of = of_viewers(3, viewers=BLOCKS * 3, each=2)
    got = bootstrap(of, Resampled(rows, draws=1500))
    assert (got.high - got.low) / (2 * 1.96) == pytest.approx(standard_error(rows, of), rel=0.12)


def drawn(seed: int, mean: float, count: int) -> Array:
    return (np.random.default_rng(seed).random(count) < mean).astype(np.float64)


@pytest.mark.parametrize("mean", [0.02, 0.3, 0.9])
def test_a_sequence_holds_at_every_row_together(mean: float) -> None:
    """Peeking after each of 2,000 rows, 300 times: missed ever at most 5 % and noise."""
    missed = 0
    for seed in range(300):
        got = confidence_sequence(drawn(seed, mean, 2000), low=0.0, high=1.0)
        missed += bool(((got.low > mean) | (got.high < mean)).any())
    assert missed / 300 <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 300)


def test_peeking_at_an_ordinary_interval_would_fail() -> None:
    """What the sequence is for: the 95 % interval of the mean so far misses far more often."""
    missed = 0
    for seed in range(100):
        x = drawn(seed, 0.3, 2000)
        t = np.arange(1, 2001)
        mean = np.cumsum(x) / t
        half = 1.96 * np.sqrt(np.maximum(mean * (1 - mean), 1e-9) / t)
        missed += bool((np.abs(mean - 0.3) > half)[50:].any())
    assert missed > 20


def test_a_sequence_narrows_and_respects_its_bounds() -> None:
    got = confidence_sequence(4.0 * drawn(1, 0.5, 20_000) - 1.0, low=-1.0, high=3.0)
    assert (got.low >= -1.0).all() and (got.high <= 3.0).all()
    width = got.high - got.low
    assert width[-1] < 0.15 < width[100]
