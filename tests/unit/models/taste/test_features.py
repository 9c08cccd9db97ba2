import numpy as np

from keyart.models.taste.features import (
    FEATURES,
    NO_TASTE,
    SURFACES,
    TasteVectors,
    features,
    relations,
    taste_vectors,
)
from keyart.models.taste.update import TasteRates
from keyart.schemas.taste import empty_tastes

RATES = TasteRates(long_hours=720.0, short_hours=3.0)
NOW = 1_700_000_000_000
HOUR = 3_600_000


def units(count: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, 64)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def taste(seed: int = 1) -> TasteVectors:
    return TasteVectors(directions=units(6, seed) * np.float32(0.6))


def named(values: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(FEATURES, values, strict=True))


def test_there_are_between_16_and_32_features_with_distinct_names() -> None:
    assert 16 <= len(set(FEATURES)) == len(FEATURES) <= 32


def test_a_new_viewer_has_no_taste_features() -> None:
    vectors = units(5)
    got = named(features(NO_TASTE, vectors, relations(vectors), "search"))
    for name, values in got.items():
        assert (np.abs(values).max() > 0.0) == (name in ("typical", "distinct")), name
    record = empty_tastes(1, "space")[0]
    assert taste_vectors(record, NOW, RATES) is NO_TASTE
    assert not NO_TASTE.known


def test_each_feature_is_what_its_name_says() -> None:
    vectors, viewer = units(5), taste()
    related = relations(vectors)
    got = named(features(viewer, vectors, related, "home"))
    long, short, negative, *interests = viewer.directions.astype(np.float64)
    for at, vector in enumerate(vectors.astype(np.float64)):
        best = max(0.0, *(interest @ vector for interest in interests))
        expected = {
            "long": 8 * long @ vector,
            "short": 8 * short @ vector,
            "negative": 8 * negative @ vector,
            "best": 8 * best,
            "best_squared": 16 * best**2,
            "agreement": 16 * (long @ vector) * (short @ vector),
            "typical": 8 * related[at, 0],
            "distinct": 6 * related[at, 1],
            "long_typical": 8 * (long @ vector) * related[at, 0],
        }
        expected |= {f"long_{axis}": 32 * long[axis] * vector[axis] for axis in range(8)}
        expected |= {f"short_{axis}": 32 * short[axis] * vector[axis] for axis in range(4)}
        expected |= {f"long_{surface}": 0.0 for surface in SURFACES}
        for name, value in expected.items():
            np.testing.assert_allclose(got[name][at], value, atol=2e-6, err_msg=name)


def test_a_surface_has_its_own_long_term_feature() -> None:
    vectors = units(4)
    home = named(features(taste(), vectors, relations(vectors), "home"))
    for surface in SURFACES:
        there = named(features(taste(), vectors, relations(vectors), surface))
        np.testing.assert_array_equal(there[f"long_{surface}"], home["long"])
        changed = {name for name in FEATURES if not np.array_equal(there[name], home[name])}
        assert changed == {f"long_{surface}"}


def test_relations_compare_an_artwork_with_the_others_of_its_title() -> None:
    east, north = np.eye(64, dtype=np.float32)[:2]
    got = relations(np.stack((east, east, north)))
    middle = np.array([2.0, 1.0]) / np.sqrt(5.0)
    np.testing.assert_allclose(got[:, 0], [middle[0], middle[0], middle[1]], atol=1e-6)
    np.testing.assert_allclose(got[:, 1], [0.0, 0.0, 1.0], atol=1e-6)
    np.testing.assert_array_equal(relations(east[None]), [[0.0, 0.0]])


def test_a_stored_taste_is_decayed_and_shortened_by_its_mass() -> None:
    stored = empty_tastes(1, "space")
    first, second, short, negative = units(4, 9)
    stored["events"], stored["last_event_ms"] = 7, NOW - 3 * HOUR
    stored["interests"][0, :2] = first, second
    stored["interest_weights"][0] = 3.0, 1.0, 0.0
    stored["short"], stored["short_weight"] = short, 2.0
    stored["negative"], stored["negative_weight"] = negative, 1.0
    got = taste_vectors(stored[0], NOW, RATES).directions
    left = 0.5 ** (3.0 / 720.0)

    def of(mass: float, direction: np.ndarray) -> np.ndarray:
        return direction * (mass / (mass + 1.0))

    expected = [
        of(4.0 * left, (3.0 * first + second) / 4.0),
        of(2.0 * 0.5, short),
        of(1.0 * left, negative),
        of(3.0 * left, first),
        of(1.0 * left, second),
        np.zeros(64),
    ]
    np.testing.assert_allclose(got, expected, atol=2e-3)  # stored in half precision


def test_an_event_that_lies_ahead_does_not_grow_the_taste() -> None:
    stored = empty_tastes(1, "space")
    stored["events"], stored["last_event_ms"] = 1, NOW + 50 * HOUR
    stored["short"], stored["short_weight"] = units(1)[0], 1.0
    length = np.linalg.norm(taste_vectors(stored[0], NOW, RATES).directions[1])
    np.testing.assert_allclose(length, 0.5, atol=1e-3)
