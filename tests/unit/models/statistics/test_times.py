"""Quantiles of counted times: where they are, how sure, and at every look at once."""

from collections import Counter
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyart.models.statistics.times import BUCKETS, SHORTEST_S, bucket_of, quantile


def counted(seconds: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Counter[int]:
    return Counter(bucket_of(float(each)) for each in seconds)


@given(st.floats(1e-9, 1e3))
def test_a_time_is_within_its_bucket(seconds: float) -> None:
    bucket = bucket_of(seconds)
    assert 0 <= bucket < BUCKETS
    if bucket:
        assert seconds > SHORTEST_S * 2 ** ((bucket - 1) / 8) * (1 - 1e-9)
    if bucket < BUCKETS - 1:
        assert seconds <= SHORTEST_S * 2 ** (bucket / 8) * (1 + 1e-9)


def test_it_is_where_numpy_says_and_known_better_with_more() -> None:
    times = np.random.default_rng(0).lognormal(-6.0, 0.5, 100_000)
    truth = float(np.quantile(times, 0.95))
    few, many = quantile(counted(times[:10_000]), 0.95), quantile(counted(times), 0.95)
    assert few is not None and many is not None
    for each in (few, many):
        assert each.low <= truth <= each.high
        assert each.estimate == pytest.approx(truth, rel=0.1)
    assert many.high / many.low < few.high / few.low < 1.7


def test_too_little_bounds_nothing() -> None:
    assert quantile({}, 0.95) is None
    found = quantile({10: 100}, 0.95)
    assert found is not None and found.high == inf and found.low > 0.0
    assert quantile({10: 3}, 0.95) == (SHORTEST_S * 2 ** (10 / 8), 0.0, inf)
    longest = quantile({BUCKETS - 1: 10_000}, 0.95)
    assert longest is not None and longest.low > 10.0 and longest.high == inf


def test_it_holds_at_all_looks_together() -> None:
    """Looked at 60 times from 10 to 30,000 times on, in 200 runs: wrong somewhere in at most 5 %.

    Of uniform times, whose quantile is known; buckets only make it wider.
    """
    rng = np.random.default_rng(1)
    looks = np.unique(np.geomspace(10, 30_000, 60).astype(int))
    wrong = 0
    for _ in range(200):
        buckets = np.array([0, *SHORTEST_S * 2 ** (np.arange(BUCKETS) / 8)])
        at = np.searchsorted(buckets, rng.random(30_000), side="left") - 1
        totals = [np.bincount(part, minlength=BUCKETS) for part in np.split(at, looks[:-1])]
        for total in np.cumsum(totals[: len(looks)], axis=0):
            found = quantile(dict(enumerate(total.tolist())), 0.95)
            assert found is not None
            if not found.low <= 0.95 <= found.high:
                wrong += 1
                break
    assert wrong <= 10
