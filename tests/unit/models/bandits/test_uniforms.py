import numpy as np
from scipy import stats

from keyart.models.bandits.uniforms import dwell_period, place_number, seed, title_number, uniforms

TITLES = np.array([title_number(f"title-{at}") for at in range(2000)], dtype=np.uint64)


def test_the_same_viewer_title_policy_and_period_get_the_same_numbers() -> None:
    first = uniforms(seed("v", "p-1", "home", 5), TITLES[:3])
    again = uniforms(seed("v", "p-1", "home", 5), TITLES[[2, 1, 0]])
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other[::-1])


def test_each_part_of_the_key_matters() -> None:
    base = seed("v", "p", "home", 5)
    others = {
        seed("w", "p", "home", 5),
        seed("v", "q", "home", 5),
        seed("v", "p", "search", 5),
        seed("v", "p", "home", 6),
    }
    assert len(others | {base}) == 5
    # joined texts cannot be mistaken for each other
    assert seed("a", "b1", "home", 2) != seed("ab", "1", "home", 2)


def test_a_title_on_a_surface_has_a_number_of_its_own() -> None:
    places = {place_number(title, surface) for title in "ab" for surface in ("home", "a", "b")}
    assert len(places) == 6
    assert place_number("a", "home") ^ place_number("b", "home") == title_number(
        "a"
    ) ^ title_number("b")


def test_numbers_are_uniform_over_titles_and_over_viewers() -> None:
    for sample in (
        uniforms(seed("viewer", "p", "home", 1), TITLES),
        np.stack(
            [uniforms(seed(f"viewer-{v}", "p", "home", 1), TITLES[:1]) for v in range(2000)], axis=1
        )[:, :, 0],
    ):
        for numbers in sample:
            assert numbers.min() >= 0.0 and numbers.max() < 1.0
            assert stats.kstest(numbers, "uniform").pvalue > 1e-3


def test_numbers_are_independent_between_titles_purposes_and_periods() -> None:
    viewers = [f"viewer-{v}" for v in range(4000)]
    now = np.array([uniforms(seed(v, "p", "home", 1), TITLES[:2]) for v in viewers])  # (V, 2, 2)
    later = np.array([uniforms(seed(v, "p", "home", 2), TITLES[:2]) for v in viewers])
    columns = np.column_stack((now.reshape(-1, 4), later.reshape(-1, 4)))
    correlation = np.corrcoef(columns.T) - np.eye(8)
    assert np.abs(correlation).max() < 4.0 / np.sqrt(len(viewers))
    # beyond correlation: the joint distribution of two titles is flat on a 5 x 5 grid
    counts, _, _ = np.histogram2d(now[:, 0, 0], now[:, 0, 1], bins=5, range=[[0, 1], [0, 1]])
    assert stats.chisquare(counts.ravel()).pvalue > 1e-3


def test_a_viewer_stays_in_a_period_for_the_dwell_time() -> None:
    dwell = 3_600_000
    start = 1_700_000_000_000
    periods = [dwell_period("v", start + step * 60_000, dwell) for step in range(181)]
    changes = np.flatnonzero(np.diff(periods))
    assert len(changes) in (3, 4)
    assert (np.diff(changes) == 60).all()
    assert set(np.diff(periods)) == {0, 1}


def test_periods_of_different_viewers_begin_at_different_moments() -> None:
    dwell, start = 3_600_000, 1_700_000_000_000
    viewers = [f"viewer-{v}" for v in range(600)]
    changed = sum(
        dwell_period(v, start + 600_000, dwell) != dwell_period(v, start, dwell) for v in viewers
    )
    assert 60 < changed < 140  # a sixth of them
