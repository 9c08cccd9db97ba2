"""Columns nobody declared: any scale, unknown categories, gaps, a bound on their number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.models.context.columns import BEND, BUCKETS, MOST_FEATURES, Column, encoding_of


def texts(*values: str | None) -> Column:
    made: Column = np.array(values, object)
    return made


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.one_of(st.floats(allow_infinity=True, allow_nan=True, width=64), st.integers(-9, 9)),
        min_size=4,
        max_size=40,
    ),
    st.lists(st.one_of(st.none(), st.text(max_size=6)), min_size=4, max_size=40),
)
def test_any_columns_become_finite_bounded_features(
    numbers: list[float], names: list[str | None]
) -> None:
    count = min(len(numbers), len(names))
    table = {"n": np.array(numbers[:count], np.float64), "t": texts(*names[:count])}
    encoding = encoding_of(table)
    x = encoding.encode(table, count)
    assert x.shape == (count, encoding.width)
    assert np.isfinite(x).all()
    assert (x[:, 0] == 1.0).all()


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e12])
def test_a_scale_does_not_matter_nor_one_absurd_value(scale: float) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=400)
    plain = encoding_of({"n": values}).encode({"n": values}, 400)[:, 1]
    spoiled = np.append(values[:-1], 1e30) * scale
    moved = encoding_of({"n": spoiled}).encode({"n": spoiled}, 400)[:, 1]
    assert moved[:-1] == pytest.approx(plain[:-1], abs=0.02)
    assert BEND < moved[-1] < BEND + 80.0


@pytest.mark.parametrize("small", [5e-324, 1e-300, 1.0, 1e300])
def test_the_largest_and_the_smallest_numbers_there_are_make_finite_features(small: float) -> None:
    """No warning either: each is an error in these tests."""
    largest = np.finfo(np.float64).max
    for values in ([0.0, small, -largest, largest], [small] * 9 + [-largest], [-small, 0, small]):
        table: dict[str, Column] = {"n": np.array(values)}
        encoding = encoding_of(table)
        for asked in (table["n"], np.array([largest]), np.array([-largest]), np.array([np.inf])):
            assert np.isfinite(encoding.encode({"n": asked}, len(asked))).all()


def test_a_gap_is_told_and_a_category_never_seen_has_its_bucket() -> None:
    table = {"n": np.array([1.0, np.nan, 3.0, 4.0]), "t": texts("a", "b", None, "a")}
    encoding = encoding_of(table)
    x = encoding.encode(table, 4)
    gap = [at for at in range(x.shape[1]) if set(x[:, at]) == {0.0, 1.0} and x[1, at] == 1.0]
    assert gap
    later = {"n": np.array([2.0]), "t": texts("zebra")}
    assert np.isfinite(encoding.encode(later, 1)).all()


def test_a_column_of_a_million_names_costs_a_few_features() -> None:
    rng = np.random.default_rng(1)
    ids = texts(*[f"v{each}" for each in rng.integers(0, 10**6, 3000)])
    encoding = encoding_of({"id": ids})
    assert encoding.width <= 1 + BUCKETS + 2
    x = encoding.encode({"id": ids}, 3000)
    assert (x[:, 1:].sum(axis=1) == 1.0).all()


def test_there_are_never_more_features_than_the_bound_and_dull_columns_go_first() -> None:
    rng = np.random.default_rng(2)
    table: dict[str, Column] = {f"n{each}": rng.normal(size=200) for each in range(150)}
    table["dull"] = np.r_[np.zeros(199), 1.0]
    encoding = encoding_of(table)
    assert encoding.width <= MOST_FEATURES
    assert "dull" not in {each.name for each in encoding.columns}
    wide = {f"t{each}": texts(*rng.choice(list("abcdefghij"), 100)) for each in range(40)}
    assert encoding_of(wide).width <= MOST_FEATURES


def test_a_column_that_never_varies_is_left_out() -> None:
    assert encoding_of({"n": np.ones(5), "t": texts(*"aaaaa")}).columns == ()
