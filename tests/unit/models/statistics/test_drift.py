"""Drift of the take fraction: seen when it is there, silent when it is not."""

import subprocess
import sys
from typing import Any

import numpy as np
from river import drift

from keyart.models.statistics.drift import take_drifts
from keyart.schemas.posterior import PolicyBucket

RNG_SEED = 11
MINUTE = 60_000


def stream(fractions: list[float], impressions: int = 2000) -> list[tuple[int, PolicyBucket]]:
    rng = np.random.default_rng(RNG_SEED)
    return [
        (at * MINUTE, PolicyBucket(count=impressions, value=float(rng.binomial(impressions, p))))
        for at, p in enumerate(fractions)
    ]


def test_a_steady_fraction_raises_no_alarm() -> None:
    assert take_drifts(stream([0.02] * 400)) == []


def test_a_fraction_that_halves_is_noticed_within_as_long_again() -> None:
    found = take_drifts(stream([0.4] * 100 + [0.2] * 100))
    assert found
    assert 100 * MINUTE <= found[0] < 200 * MINUTE


def test_small_buckets_are_put_together() -> None:
    few = [(at, PolicyBucket(count=1, value=float(at % 2))) for at in range(1000)]
    assert take_drifts(few) == []
    assert take_drifts([]) == []


def test_it_is_what_river_says() -> None:
    watched = stream([0.4] * 100 + [0.2] * 100 + [0.4] * 100)
    oracle: Any = drift.ADWIN(delta=0.002, clock=1, grace_period=10)  # type: ignore[no-untyped-call]
    expected = []
    for start, bucket in watched:
        oracle.update(bucket.value / bucket.count)
        if oracle.drift_detected:
            expected.append(start)
    assert expected and take_drifts(watched) == expected


def test_it_brings_no_data_frames_along() -> None:
    code = """
import sys
from keyart.models.statistics.drift import take_drifts
take_drifts([])
sys.exit(bool({"pandas", "sklearn", "scipy"} & sys.modules.keys()))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
