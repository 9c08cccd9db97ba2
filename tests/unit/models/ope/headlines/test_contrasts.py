"""One policy against another: which pairs, by horizon and on average."""

import numpy as np
import pytest

from keyart.models.ope.headlines.contrasts import BETTER, Contrast, Played, contrasts


def play(rates: dict[tuple[str, str], tuple[float, float]]) -> Played:
    """Clicks of 200 tests at two horizons, each policy's a multiple of the same."""
    clicks = np.random.default_rng(0).gamma(4.0, 1.0, 200)
    return {
        (tau, *name): tau * clicks * each
        for name, both in rates.items()
        for tau, each in zip((10, 100), both, strict=True)
    }


RATES = {
    ("ucb", "none"): (1.0, 1.0),
    ("lola-paper", "right"): (1.1, 0.9),
    ("keyart", "right"): (1.21, 1.05),
    ("keyart", "inverted"): (0.99, 1.0),
    ("keyart", "shuffled"): (1.0, 0.98),
    ("keyart", "none"): (1.0, 1.0),
}


def test_each_is_compared_at_each_horizon_and_on_average() -> None:
    found = {(each.policy, each.against, each.tau): each for each in contrasts(play(RATES))}
    expected = {
        ("keyart right", "ucb none"): (21.0, 5.0),
        ("keyart right", "lola-paper right"): (10.0, 100 * (1.05 / 0.9 - 1)),
        ("keyart right", BETTER): (10.0, 5.0),
        ("keyart inverted", "keyart none"): (-1.0, 0.0),
        ("keyart shuffled", "keyart none"): (0.0, -2.0),
    }
    assert len(found) == 3 * len(expected)
    for (policy, against), both in expected.items():
        for tau, over in zip((10, 100, 0), (*both, np.mean(both)), strict=True):
            one: Contrast = found[policy, against, tau]
            assert one.over == pytest.approx(over)
            assert one.low == pytest.approx(over)  # multiples of one another leave no doubt
            assert one.high == pytest.approx(over)


def test_without_a_prior_there_is_little_to_compare() -> None:
    bare = {name: both for name, both in RATES.items() if name[1] == "none"}
    assert contrasts(play(bare)) == ()
