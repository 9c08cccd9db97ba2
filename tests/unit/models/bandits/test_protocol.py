import numpy as np
import pytest

from keyart.models.bandits.protocol import choose, even_argmax, mix, uniform_propensities
from keyart.models.bandits.registry import build_policy
from keyart.schemas.errors import SettingsError, UnknownName


def test_choices_follow_the_inverse_distribution() -> None:
    rows = np.tile([0.2, 0.0, 0.5, 0.3, 0.0], (8, 1))
    uniform = np.array([0.0, 0.1999, 0.2001, 0.6999, 0.7001, 0.9, 0.999999999, 1.0 - 2.0**-53])
    assert choose(rows, uniform).tolist() == [0, 0, 2, 2, 3, 3, 3, 3]


def test_nothing_of_probability_zero_is_ever_chosen() -> None:
    rng = np.random.default_rng(0)
    rows = rng.random((5000, 9)).astype(np.float32) * (rng.random((5000, 9)) < 0.5)
    rows[:, 4] += 1e-6
    rows /= rows.sum(axis=1, keepdims=True)
    for uniform in (np.zeros(5000), np.full(5000, 1.0 - 2.0**-53), rng.random(5000)):
        assert (rows[np.arange(5000), choose(rows, uniform)] > 0.0).all()


def test_a_small_change_of_belief_moves_few_choices() -> None:
    uniform = np.random.default_rng(1).random(100_000)
    before = choose(np.tile([0.5, 0.3, 0.2], (100_000, 1)), uniform)
    after = choose(np.tile([0.5, 0.31, 0.19], (100_000, 1)), uniform)
    assert 0.008 < (before != after).mean() < 0.012


def test_ties_are_split_evenly() -> None:
    index = np.array([[1.0, 2.0, 2.0, 9.0], [0.0, 0.0, 0.0, 0.0]])
    mask = np.array([[True, True, True, False], [True] * 4])
    np.testing.assert_array_equal(
        even_argmax(index, mask), [[0, 0.5, 0.5, 0], [0.25, 0.25, 0.25, 0.25]]
    )


def test_a_mixture_is_one() -> None:
    mask = np.array([[True, True, False]])
    mixed = mix(np.array([[1.0, 0.0, 0.0]]), mask, 0.1)
    np.testing.assert_allclose(mixed, [[0.95, 0.05, 0.0]])
    np.testing.assert_array_equal(mix(mixed, mask, 0.0), mixed)
    np.testing.assert_allclose(mix(mixed, mask, 1.0), uniform_propensities(mask))


def test_unknown_names_and_parameters_are_named_in_the_error() -> None:
    with pytest.raises(UnknownName, match="'greedy'.*epsilon_greedy"):
        build_policy("greedy")
    with pytest.raises(SettingsError, match="lola has no parameter 'alpha'.*strength"):
        build_policy("lola", alpha=1.0)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("epsilon_greedy", {"epsilon": 1.1}),
        ("linucb", {"alpha": -1.0}),
        ("lola", {"a": float("nan")}),
        ("squarecb", {"exponent": 2.0}),
        ("thompson", {"scale": 0.0}),
        ("thompson", {"marginals": "beta"}),
        ("optimistic", {"s": -0.1}),
        ("optimistic", {"c": float("inf")}),
        ("optimistic", {"c": "much"}),
    ],
)
def test_parameters_out_of_range_are_refused(name: str, parameters: dict[str, float | str]) -> None:
    with pytest.raises(SettingsError, match=name):
        build_policy(name, **parameters)
