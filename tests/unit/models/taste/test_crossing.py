"""Context x what artworks show: pairs are told apart, the usual is taken out, all is bounded."""

import numpy as np
import pytest

from keyart.models.taste.crossing import (
    CONTEXT_FEATURES,
    CROSSED,
    LARGEST,
    NO_SIDE,
    VECTORS,
    Usual,
    artwork_sides,
    context_side,
    turned,
    with_context,
)
from keyart.models.taste.features import FEATURES, PERSONAL
from keyart.schemas.context import Context

BLANK = np.zeros((1, 64), np.float32)


def shown(**attributes: str) -> np.ndarray:
    return np.asarray(artwork_sides([attributes], BLANK)[0], np.float64)


def pair(context: Context, **attributes: str) -> np.ndarray:
    return np.asarray(turned(context_side(context, CROSSED)) @ shown(**attributes), np.float64)


def test_values_are_mixed_up_as_rarely_as_said() -> None:
    values = np.stack([context_side({"city": f"c{at}"}, CROSSED) for at in range(6000)])
    found = len(values) - len(np.unique(values, axis=0))
    expected = 6000 * 5999 / 2 / VECTORS  # 31
    assert 0.5 * expected < found < 1.6 * expected


def test_a_pair_is_a_vector_of_length_two_at_right_angles_to_others_nearly() -> None:
    pairs = np.stack(
        [pair({"device": f"d{c}"}, mood=f"m{a}") for c in range(20) for a in range(20)]
    )
    lengths = np.linalg.norm(pairs, axis=1)
    assert 1.8 < lengths.mean() < 2.2
    cosines = (pairs @ pairs.T / np.outer(lengths, lengths))[np.triu_indices(400, 1)]
    assert abs(cosines.mean()) < 0.02
    assert cosines.std() == pytest.approx(CROSSED**-0.5, rel=0.15)


def test_it_is_linear_in_context_and_in_artwork() -> None:
    both = pair({"device": "tv", "land": "FR"}, mood="dark", cast="face")
    parts = [
        pair({name: value}, **{attribute: its})
        for name, value in (("device", "tv"), ("land", "FR"))
        for attribute, its in (("mood", "dark"), ("cast", "face"))
    ]
    np.testing.assert_allclose(both, np.sum(parts, axis=0), atol=1e-5)
    assert not pair({"device": None}, mood="dark").any()
    assert not pair({"device": "tv"}).any()


def test_artworks_without_attributes_are_told_apart_by_their_text() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    sides = artwork_sides([], vectors)
    assert len(np.unique(sides, axis=0)) == 3
    # all of its text counts about as much as one attribute
    assert 0.3 < np.linalg.norm(sides, axis=1).mean() < 2.0


def test_what_is_usual_is_taken_out() -> None:
    usual, rng = Usual(), np.random.default_rng(1)
    assert usual.meet({}) is NO_SIDE
    assert not usual.meet({"device": "tv"}).any()
    devices = rng.choice(["tv", "phone"], 2000, p=[0.9, 0.1])
    sides = {name: usual.meet({"device": name}) for name in devices.tolist()}
    tv, phone = (
        context_side({"device": name}, CROSSED).astype(np.float64) for name in ("tv", "phone")
    )
    expected = 0.1 * (tv - phone)
    np.testing.assert_allclose(sides["tv"][:CROSSED], expected, atol=0.03)
    np.testing.assert_allclose(sides["phone"][:CROSSED], -9.0 * expected, atol=0.03)


def test_features_of_a_context_stand_before_the_last_and_are_bounded() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(len(FEATURES), 5)).astype(np.float32)
    vectors = rng.normal(size=(5, 64)).astype(np.float32) * 100
    side = rng.normal(size=len(CONTEXT_FEATURES)).astype(np.float32)
    made = with_context(x, side, artwork_sides([], vectors))
    assert made.shape == (len(FEATURES) + len(CONTEXT_FEATURES), 5)
    np.testing.assert_array_equal(made[:PERSONAL], x[:PERSONAL])
    np.testing.assert_array_equal(made[-1], x[-1])
    assert np.abs(made[PERSONAL:-1]).max() == LARGEST
    liking = 0.5 * (x[FEATURES.index("long")] + x[FEATURES.index("best")])
    np.testing.assert_allclose(
        made[PERSONAL + CROSSED : -1], np.outer(side[CROSSED:], liking), rtol=1e-5
    )


def test_many_values_and_attributes_count_less_each() -> None:
    many: Context = {f"n{at}": float(at) for at in range(32)}
    few: Context = {f"n{at}": float(at) for at in range(8)}
    lengths = [np.linalg.norm(context_side(each, CROSSED)) for each in (many, few)]
    assert lengths[0] < 1.6 * lengths[1]
    tagged = [{f"a{at}": "x" for at in range(size)} for size in (64, 8)]
    sides = np.linalg.norm(artwork_sides(tagged, np.zeros((2, 64), np.float32)), axis=1)
    assert sides[0] < 1.6 * sides[1]
