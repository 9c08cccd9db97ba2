"""Whether an opinion helps: against a multinomial written out, and against what is known."""

import numpy as np
import pytest
from scipy import stats

from keyart.models.likelihood.helps import LEAST_TAKES, log_gain

SHOWN = np.array([400.0, 300.0, 200.0, 100.0])
RELATIVE = np.log(np.array([1.6, 1.0, 0.8, 0.6]))


def test_it_is_what_a_multinomial_says() -> None:
    takes = np.array([30.0, 20.0, 9.0, 1.0])
    found = log_gain(RELATIVE + 3.0, takes, SHOWN)
    assert found is not None
    with_it = SHOWN * np.exp(RELATIVE)
    told = [
        stats.multinomial.logpmf(takes, takes.sum(), shares / shares.sum())
        for shares in (with_it, SHOWN)
    ]
    assert found.estimate == pytest.approx((told[0] - told[1]) / takes.sum())


@pytest.mark.parametrize("turned", [False, True], ids=["right", "upside down"])
def test_its_interval_holds_what_it_would_be_in_the_long_run(turned: bool) -> None:
    rng = np.random.default_rng(5)
    opinion = -RELATIVE if turned else RELATIVE
    rates = 0.1 * np.exp(RELATIVE)
    true = log_gain(opinion, SHOWN * rates, SHOWN)
    assert true is not None
    inside = told = 0
    for _ in range(400):
        found = log_gain(opinion, rng.poisson(SHOWN * rates).astype(np.float64), SHOWN)
        assert found is not None
        inside += found.low <= true.estimate <= found.high
        told += found.high < 0.0 if turned else found.low > 0.0
    assert inside >= 370
    assert told >= 100


def test_few_takes_tell_nothing_and_one_artwork_is_no_certainty() -> None:
    few = np.array([LEAST_TAKES - 1.0, 0.0, 0.0, 0.0])
    assert log_gain(RELATIVE, few, SHOWN) is None
    assert log_gain(RELATIVE, few + 1.0, 0.0 * SHOWN) is None
    alone = log_gain(RELATIVE, np.array([0.0, 12.0, 0.0, 0.0]), SHOWN)
    assert alone is not None and alone.low < alone.estimate < alone.high
