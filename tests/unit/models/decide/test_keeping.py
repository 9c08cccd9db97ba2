"""What keeping pictures costs: as reckoned by hand, and with an interval that covers the truth."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from keyart.models.decide.keeping import Keeping, Takes, takes_by
from keyart.schemas.ids import pseudonym


def viewer(name: str) -> str:
    return pseudonym(name, b"k" * 16)


def decided(mean: Sequence[Sequence[float]], odds: Sequence[Sequence[float]]) -> Any:
    names = [tuple("abc"[: sum(each > 0 for each in row)]) for row in mean]
    return SimpleNamespace(
        page=SimpleNamespace(mean=np.array(mean)), propensities=np.array(odds), artworks=names
    )


def test_takes_are_those_of_the_distribution_and_of_what_stays_by_reason() -> None:
    page = decided(
        [[0.1, 0.3, 0.0], [0.2, 0.05, 0.1], [0.4, 0.2, 0.0]],
        [[0.25, 0.75, 0.0], [0.8, 0.1, 0.1], [0.5, 0.5, 0.0]],
    )
    found = takes_by(page, {"t1": "a", "t2": "c", "t3": "a"}, {"t1", "t3"})
    assert found.keys() == {"dwell", "swaps"}
    assert found["dwell"] == pytest.approx((2, 0.25 + 0.3, 0.1 + 0.4))
    assert found["swaps"] == pytest.approx((1, 0.175, 0.1))


def test_a_cost_is_the_part_of_takes_that_is_given_up() -> None:
    keeping = Keeping()
    for at in range(200):
        keeping.add("dwell", viewer(f"v{at}"), Takes(4, 0.5, 0.4))
    cost = keeping.costs()["dwell"]
    assert cost[:3] == pytest.approx((800, 100.0, 80.0))
    assert cost.share == pytest.approx(0.2)
    assert cost.low == pytest.approx(0.2) == cost.high


def test_the_interval_covers_and_is_of_viewers_not_of_looks() -> None:
    """What viewers lose differs; each is looked at ten times, which tells nothing new of them."""
    rng = np.random.default_rng(0)
    covered, widths = 0, []
    for world in range(60):
        once, often = Keeping(), Keeping()
        for at in range(150):
            takes = Takes(2, 1.0, 1.0 - rng.choice([0.0, 0.3], p=[0.8, 0.2]))
            name = viewer(f"w{world}v{at}")
            once.add("dwell", name, takes)
            for _ in range(10 if world < 3 else 0):
                often.add("dwell", name, takes)
        one = once.costs()["dwell"]
        covered += one.low <= 0.06 <= one.high
        if ten := often.costs().get("dwell"):
            widths.append((ten.high - ten.low) / (one.high - one.low))
    # of 60 intervals of 95 %, 50 or fewer cover once in two thousand worlds
    assert covered > 50
    np.testing.assert_allclose(widths, 1.0, rtol=1e-6)


def test_of_few_pictures_or_viewers_no_cost_is_told() -> None:
    few, one = Keeping(), Keeping()
    for at in range(90):
        few.add("swaps", viewer(f"v{at}"), Takes(1, 0.5, 0.4))
        one.add("swaps", viewer("v"), Takes(10, 0.5, 0.4))
    assert np.isnan(few.costs()["swaps"].share) and np.isnan(one.costs()["swaps"].share)
    assert few.costs()["swaps"].pictures == 90 and Keeping().costs() == {}


def test_so_many_requests_are_looked_at_as_is_said() -> None:
    keeping = Keeping(share=0.25)
    looked = sum(keeping.looks() for _ in range(4000))
    assert abs(looked - 1000) < 4.0 * np.sqrt(4000 * 0.25 * 0.75)
    assert not any(Keeping(share=0.0).looks() for _ in range(100))
