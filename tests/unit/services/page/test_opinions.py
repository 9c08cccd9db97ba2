"""The prior beside the posterior of one title, and whether it helps there, in words."""

import numpy as np
import pytest

from keyart.models.decide.index import ANY_SURFACE, IndexedTitle, ServingIndex
from keyart.schemas.taste import TASTE_DIMENSIONS
from keyart.services.page.opinions import expected_of, opinion_of

RELATIVE = [0.5, 0.0, -0.5]


def index(takes: list[float], seen: float = 200.0, level: float = 0.1) -> ServingIndex:
    made = ServingIndex()
    vectors = np.eye(3, TASTE_DIMENSIONS, dtype=np.float32)
    names = ("a", "b", "c")
    made.put([IndexedTitle(id="t", artworks=names, vectors=vectors)])
    rows = np.zeros((3, 8), np.float32)
    rows[:, 0], rows[:, 1:3], rows[:, 3], rows[:, 4] = level, 1.0, 0.1, seen
    rows[:, 5], rows[:, 6] = takes, 0.7
    made.believe("t", names, {ANY_SURFACE: rows})
    return made


def test_what_the_prior_expects_stands_at_the_level_of_the_title() -> None:
    found = expected_of(index([20, 20, 20]), "t", "home", (RELATIVE, 300.0))
    means = [each.mean for each in found.values()]
    assert np.mean(means) == pytest.approx(0.1, rel=1e-6)
    assert np.log(means[0] / means[2]) == pytest.approx(1.0, rel=1e-6)
    assert all(each.low < each.mean < each.high for each in found.values())
    # worth 30 takes: a relative standard deviation of 1 / sqrt(30)
    assert found["a"].high / found["a"].mean == pytest.approx(1 + 1.96 / 30**0.5, rel=0.05)
    vague = expected_of(index([20, 20, 20]), "t", "home", (RELATIVE, 3.0))
    assert vague["a"].high - vague["a"].low > 2 * (found["a"].high - found["a"].low)


@pytest.mark.parametrize(
    ("takes", "helps", "words"),
    [
        ([40, 20, 8], "yes", "It helps here: takes were "),
        ([8, 20, 40], "no", "% less likely with it than without (95\u00a0% interval −"),
        ([9, 7, 7], "even", "Whether it helps here cannot be told yet: takes were"),
        ([3, 2, 1], "early", "cannot be told yet: of 10 takes that it needs there are 6."),
    ],
)
def test_whether_it_helps_is_said_or_that_it_cannot_be_told(
    takes: list[float], helps: str, words: str
) -> None:
    found = opinion_of(index(takes), "t", "ridge", (RELATIVE, 300.0))
    assert found is not None
    assert found.helps == helps
    assert words in found.says
    assert (found.takes, found.impressions) == (sum(takes), 600.0)
    assert found.trust == pytest.approx(0.7)


def test_no_opinion_and_one_that_says_nothing() -> None:
    assert opinion_of(index([9, 9, 9]), "t", "ridge", None) is None
    assert opinion_of(index([9, 9, 9]), "other", "ridge", (RELATIVE, 300.0)) is None
    assert expected_of(index([9, 9, 9]), "t", "", None) == {}
    assert expected_of(index([9, 9, 9]), "t", "", (RELATIVE[:2], 300.0)) == {}
    even = opinion_of(index([9, 9, 9]), "t", "ridge", ([0.0, 1e-5, 0.0], 300.0))
    assert even is not None and even.helps == "silent"
