"""Intervals of watched rewards: they cover, cluster by viewer, and have a width where all is 0."""

import hashlib

import numpy as np
import pytest

from keyart.models.statistics.lift import interval
from keyart.models.statistics.noted import noted_interval
from keyart.models.statistics.timeline import viewer_weights
from keyart.models.statistics.watched import MOST_NOTED, add_watched
from keyart.schemas.posterior import Noted, PolicyBucket


def noted(values: np.ndarray, viewers: list[str]) -> Noted:
    weights = viewer_weights(viewers).astype(float)
    gain, loss = np.maximum(values, 0.0), np.maximum(-values, 0.0)
    return Noted(
        len(values),
        float(gain.sum()),
        float(loss.sum()),
        weights.sum(axis=0).astype(int).tolist(),
        (gain @ weights).tolist(),
        (loss @ weights).tolist(),
    )


@pytest.mark.parametrize(("up", "down"), [(0.1, 0.1), (0.3, 0.02), (0.0, 0.05), (0.45, 0.45)])
@pytest.mark.parametrize("each", [1, 5])
def test_it_covers_the_truth_about_as_often_as_it_says(up: float, down: float, each: int) -> None:
    """`each` impressions of a viewer are all alike: an interval by impression would cover less."""
    rng = np.random.default_rng(7)
    hits = 0
    for run in range(150):
        said = rng.choice([1.0, -1.0, 0.0], 300, p=[up, down, 1.0 - up - down])
        viewers = [f"{hash_of(f'{run}/{at}'):032x}" for at in range(300)]
        found = noted_interval(noted(np.repeat(said, each), np.repeat(viewers, each).tolist()))
        assert found is not None and -1.0 <= found.low <= found.estimate <= found.high <= 1.0
        hits += found.low <= up - down <= found.high
    assert hits >= 134  # 95 % of 150 less three standard deviations: 142.5 - 8


def hash_of(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")


def test_what_never_happened_may_still_happen() -> None:
    found = noted_interval(noted(np.zeros(100), [f"{hash_of(str(at)):032x}" for at in range(100)]))
    assert found is not None and found.estimate == 0.0
    assert -0.1 < found.low < -0.02 and 0.02 < found.high < 0.1
    assert noted_interval(Noted()) is None


def test_one_that_only_gives_is_a_take_fraction() -> None:
    its = noted(
        np.array([1.0, 0.0, 0.5, 0.0] * 10), [f"{hash_of(str(at)):032x}" for at in range(40)]
    )
    as_takes = PolicyBucket(its.count, its.gain, counts=its.counts, values=its.gains)
    assert noted_interval(its) == interval(as_takes)
    turned = Noted(its.count, 0.0, its.gain, its.counts, its.losses, its.gains)
    mirrored, plain = noted_interval(turned), interval(as_takes)
    assert mirrored is not None and plain is not None
    assert (mirrored.low, mirrored.high) == (-plain.high, -plain.low)


def test_names_are_bounded() -> None:
    found = add_watched([{f"n{at}": Noted(at + 1, 0.0, 0.0)} for at in range(40)])
    assert found.keys() == {f"n{at}" for at in range(40 - MOST_NOTED, 40)}
