"""Pages and iALS against brute force."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyart.models.serendipity.recommend.ials import CONFIDENCE, PENALTY, Ials, engaged_rows
from keyart.models.serendipity.recommend.pages import best, dosed, dpp, mmr, restricted
from keyart.models.serendipity.vocabulary.terms import unit

SCORES = np.array([0.1, 0.9, 0.5, 0.7, 0.3, 0.8])
LABELS = np.array([0, 0, 1, 1, 2, 2])
NOBODY: "np.ndarray[tuple[int], np.dtype[np.int64]]" = np.array([], np.int64)


def test_a_restricted_page_takes_from_each_shelf_in_turn() -> None:
    page = restricted(SCORES, np.array([1]), LABELS, [0, 2], 10)
    assert page.tolist() == [0, 5, 4]


def test_a_dose_stands_last_and_nothing_twice() -> None:
    page = dosed(np.array([1, 5, 3, 2]), np.array([5, 4]), 1, 4)
    assert page.tolist() == [1, 5, 3, 4]


@given(st.integers(0, 50), st.sets(st.integers(0, 29), max_size=25))
def test_nothing_seen_is_shown_again(seed: int, seen: set[int]) -> None:
    rng = np.random.default_rng(seed)
    scores, labels = rng.normal(size=30), rng.integers(0, 4, 30)
    vectors, hidden = unit(rng.normal(size=(30, 5))), np.array(sorted(seen), np.int64)
    pages = (
        best(scores, hidden),
        mmr(scores, hidden, vectors),
        dpp(scores, hidden, vectors),
        restricted(scores, hidden, labels, [2, 0]),
    )
    for page in pages:
        assert not set(page.tolist()) & seen
        assert len(set(page.tolist())) == len(page)
    assert set(labels[pages[3]]) <= {0, 2}
    left = sorted(set(range(30)) - seen, key=lambda at: -scores[at])
    assert pages[0].tolist() == left[:10]


def test_dpp_grows_by_the_largest_determinant() -> None:
    rng = np.random.default_rng(1)
    scores, vectors = rng.normal(size=8), unit(rng.normal(size=(8, 3)))
    level = (scores - scores.min()) / np.ptp(scores)
    quality = np.exp(2.0 * level)
    kernel = quality[:, None] * 0.5 * (1.0 + vectors @ vectors.T) * quality[None, :]
    page: list[int] = []
    for _ in range(4):
        left = [at for at in range(8) if at not in page]
        page.append(
            max(left, key=lambda at: np.linalg.det(kernel[np.ix_([*page, at], [*page, at])]))
        )
    assert dpp(scores, NOBODY, vectors, 4).tolist() == page


def test_a_viewers_factors_solve_the_weighted_least_squares() -> None:
    rng = np.random.default_rng(0)
    pairs = np.array([(v, t) for v, t in combinations(range(12), 2) if rng.random() < 0.5])
    engaged = engaged_rows(pairs[:, 0], pairs[:, 1], (12, 12))
    model = Ials(engaged)
    row = engaged.toarray()[3]
    weights = 1.0 + CONFIDENCE * row
    system = model.titles.T @ (weights[:, None] * model.titles)
    system += PENALTY * np.eye(model.titles.shape[1])
    factors = np.linalg.solve(system, model.titles.T @ (weights * row))
    assert model.scores(engaged)[3] == pytest.approx(model.titles @ factors)


def test_titles_of_one_circle_are_recommended_within_it() -> None:
    rng = np.random.default_rng(0)
    pairs = [(v, t + 10 * (v % 2)) for v in range(60) for t in rng.choice(10, 5, replace=False)]
    viewers, titles = np.array(pairs).T
    engaged = engaged_rows(viewers, titles, (60, 20))
    told = Ials(engaged).scores(engaged)
    for viewer in range(60):
        page = best(told[viewer], titles[viewers == viewer], 3)
        assert all(at // 10 == viewer % 2 for at in page)
