"""Context as numbers: nothing declared, any scale, bounded, and seldom confused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyart.models.taste.features import NO_TASTE, TasteVectors
from keyart.models.taste.situation import PLACES, SKETCHES, situation, sketch, tokens, vector_of
from keyart.schemas.context import AXES, SIZE, SKETCH, ContextValue
from keyart.schemas.taste import TASTE_DIMENSIONS

VALUES: st.SearchStrategy[ContextValue] = st.one_of(
    st.none(), st.booleans(), st.text(max_size=128), st.floats(allow_nan=False)
)


def taste() -> TasteVectors:
    rows = np.zeros_like(NO_TASTE.directions)
    rows[0] = np.linspace(-1.0, 1.0, TASTE_DIMENSIONS) / 8.0
    return TasteVectors(directions=rows)


@given(st.dictionaries(st.text(min_size=1, max_size=20), VALUES, max_size=32))
def test_whatever_is_given_becomes_finite_numbers_of_one_size(
    context: dict[str, ContextValue],
) -> None:
    found = situation(taste(), context)
    assert len(found) in (AXES, SIZE) and np.isfinite(found).all() and np.abs(found).max() <= 4.0
    again = situation(taste(), dict(reversed(list(context.items()))))
    np.testing.assert_allclose(again, found, atol=1e-5)
    assert len(situation(NO_TASTE, context)) in (0, SIZE)


def test_what_is_not_known_says_nothing() -> None:
    assert not sketch({"device": None}).any()
    known = sketch({"device": "tv"})
    assert np.array_equal(sketch({"device": "tv", "hour": None}), known)
    assert len(situation(NO_TASTE, {})) == 0 and len(situation(taste(), {})) == AXES


def test_kinds_of_values_are_not_confused() -> None:
    values: list[ContextValue] = [True, "true", 1.0, "1", "#0", False, 0.0, "", "False"]
    made = [sketch({"a": value}) for value in values]
    for at, one in enumerate(made):
        assert all(not np.allclose(one, other) for other in made[:at])
    assert not np.allclose(sketch({"a": "x"}), sketch({"b": "x"}))


def test_a_number_stands_between_two_marks_of_any_scale() -> None:
    for value in (-3e9, -7.0, -0.2, 0.0, 1e-9, 0.3, 5.0, 21.5, 2024.0, 1e12):
        parts = tokens(value)
        assert sum(share for share, _ in parts) == pytest.approx(1.0)
        assert all(0.0 <= share <= 1.0 for share, _ in parts)
    one, near, far = (sketch({"hour": hour}) for hour in (21.0, 21.5, 1.0))
    size = np.linalg.norm(one)
    assert one @ near / (size * np.linalg.norm(near)) > 0.95
    assert abs(one @ far / (size * np.linalg.norm(far))) < 0.8
    # no jump anywhere: a little more is a little else
    line = np.stack([sketch({"x": float(x)}) for x in np.linspace(-50, 50, 4001)])
    assert np.abs(np.diff(line, axis=0)).max() < 0.06


def test_two_values_are_the_same_as_seldom_as_is_said() -> None:
    """Of n values there are n (n - 1) / 2 pairs, and one in `SKETCHES` is the same."""
    count = 6000
    made = np.stack([vector_of(f"country\x1f={at}") for at in range(count)])
    assert set(np.count_nonzero(made, axis=1)) == {PLACES}
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1.0, rtol=1e-6)
    _, same = np.unique(np.sign(made).astype(np.int8), axis=0, return_counts=True)
    pairs = (same * (same - 1) / 2).sum()
    expected = count * (count - 1) / 2 / SKETCHES
    assert abs(pairs - expected) < 5.0 * expected**0.5
    # of 200 countries no two, and what one says of another is noise of mean 0
    alike = made[:200] @ made[:200].T
    others = alike[np.triu_indices(200, 1)]
    assert others.max() < 0.99 and abs(others.mean()) < 0.01
    assert others.std() == pytest.approx(SKETCH**-0.5, rel=0.1)
