"""The three parts against scipy's negative binomial, and the chance to be best in closed form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from keyart.models.likelihood.best import gamma_best, gaussian_best
from keyart.models.likelihood.gamma_poisson import of_expected, of_takes


@given(st.integers(0, 500), st.floats(1e-3, 500.0), st.floats(0.2, 200.0))
def test_the_parts_make_a_negative_binomial(takes: int, expected: float, shape: float) -> None:
    counted, mean = np.array([float(takes)]), np.array([expected])
    parts = of_takes(counted, shape) + of_expected(counted, mean, shape)
    found = parts + counted * np.log(mean) - special.gammaln(counted + 1.0)
    oracle = stats.nbinom.logpmf(takes, shape, shape / (shape + expected))
    assert found[0] == pytest.approx(oracle, rel=1e-8, abs=1e-7)


@pytest.mark.parametrize("shape", [(20.0, 25.0), (1.5, 3.0), (300.0, 280.0)])
def test_of_two_gammas_it_is_a_beta(shape: tuple[float, float]) -> None:
    """Of equal rates: P(X > Y) is that a Beta(a, b) variable is above one half."""
    found = gamma_best(np.array(shape), np.array([7.0, 7.0]))
    assert found[0] == pytest.approx(float(stats.beta.sf(0.5, *shape)), abs=2e-5)
    assert found.sum() == pytest.approx(1.0)


def test_of_two_gaussians_it_is_their_difference() -> None:
    found = gaussian_best(np.array([0.02, 0.025]), np.array([0.004, 0.003]))
    assert found[1] == pytest.approx(float(stats.norm.cdf(0.005 / 0.005)), abs=2e-6)
