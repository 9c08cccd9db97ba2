"""A budget of swaps a day, held against a million draws: propensities are those that are logged."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyart.models.bandits.uniforms import uniforms
from keyart.models.decide.swaps import DAY_MS, Shown, stays, swaps_on

TITLES, PAGES = 10, 100_000  # a million draws
PROPENSITIES = np.array([0.6, 0.25, 0.1, 0.05])


def drawn() -> np.ndarray:
    """Return (PAGES, TITLES) artworks, drawn as pages are: a seed a page, a number a title."""
    rng = np.random.default_rng(5)
    numbers = rng.integers(0, 2**63, TITLES).astype(np.uint64)
    seeds = rng.integers(0, 2**63, PAGES).tolist()
    flat = np.concatenate([uniforms(each, numbers)[0] for each in seeds])
    return np.searchsorted(np.cumsum(PROPENSITIES), flat).reshape(PAGES, TITLES)


@pytest.fixture(scope="module")
def pages() -> np.ndarray:
    return drawn()


def chi2(chosen: np.ndarray) -> float:
    expected = PROPENSITIES * len(chosen)
    found = np.bincount(chosen, minlength=len(PROPENSITIES))
    return float(((found - expected) ** 2 / expected).sum())


def changes(page: Sequence[int], before: Sequence[int | None]) -> list[bool | None]:
    return [None if old is None else old != new for new, old in zip(page, before, strict=True)]


BEFORE = [0, 0, 1, None, 3, 0, 1, 2, 0, None]


def test_what_is_decided_anew_has_the_propensities_that_are_logged(pages: np.ndarray) -> None:
    held = np.array([stays(changes(page, BEFORE), 2) for page in pages.tolist()])
    assert not held[:, [3, 9]].any()  # nothing was before: nothing is swapped
    assert 0.1 < held[:, 4:9].mean() < 0.9
    for title in range(TITLES):
        # chi-square with 3 degrees of freedom: above 21 once in 10,000
        assert chi2(pages[~held[:, title], title]) < 21.0
    swapped = (pages != np.array([-1 if old is None else old for old in BEFORE])) & ~held
    assert swapped[:, [at for at, old in enumerate(BEFORE) if old is not None]].sum(1).max() == 2


def test_to_log_what_is_drawn_again_and_hold_the_rest_would_be_seen(pages: np.ndarray) -> None:
    """The tempting rule, by which a title that would not change is always decided: it is biased."""
    held = np.array([stays(changes(page, BEFORE), 2) for page in pages.tolist()])
    tempting = held & (pages != np.array([-1 if old is None else old for old in BEFORE]))
    assert chi2(pages[~tempting[:, 8], 8]) > 1000.0


@given(st.lists(st.sampled_from((None, False, True)), max_size=40), st.integers(-3, 5))
def test_no_more_change_than_are_left(changed: list[bool | None], left: int) -> None:
    held = stays(changed, left)
    swapped = [bool(each) and not kept for each, kept in zip(changed, held, strict=True)]
    assert sum(swapped) == min(max(0, left), sum(map(bool, changed)))
    assert not any(kept for each, kept in zip(changed, held, strict=True) if each is None)
    # whether one stays does not depend on what was drawn for it, or for those after it
    for at, each in enumerate(changed):
        if each is not None:
            other = stays([*changed[:at], not each, *changed[at + 1 :]], left)
            assert other[: at + 1] == held[: at + 1]


def test_swaps_are_counted_by_day_and_place() -> None:
    noon = 20_000 * DAY_MS + DAY_MS // 2
    hour = 3_600_000
    shown = [
        Shown(1, 7, noon - 20 * hour),
        Shown(1, 8, noon - 13 * hour),  # yesterday
        Shown(1, 9, noon - 3 * hour),  # today
        Shown(1, 9, noon - 2 * hour),  # the same again
        Shown(2, 7, noon - hour),  # the first there
        Shown(3, 1, noon - 50 * hour),
        Shown(3, 2, noon - hour),  # the one before is forgotten
    ]
    assert swaps_on(shown[::-1], now_ms=noon, horizon_ms=48 * hour) == 1
    assert swaps_on(shown, now_ms=noon - 13 * hour, horizon_ms=48 * hour) == 1
    assert swaps_on(shown, now_ms=noon, horizon_ms=49 * hour) == 2
    assert swaps_on([], now_ms=noon, horizon_ms=hour) == 0
