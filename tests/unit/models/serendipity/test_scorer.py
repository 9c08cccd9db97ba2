"""The scorer picks by what people did, and its control by nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyart.models.serendipity.comings import Counted
from keyart.models.serendipity.histories import History
from keyart.models.serendipity.scorer import best_of, scorer_of


def counted() -> Counted:
    """Four clusters: people of 0 come to 2 and hardly to 3; of 1 too few were counted."""
    people = np.full((4, 4), 100)
    people[1] = 9
    came = np.full((4, 4), 20)
    came[0, 2], came[0, 3], came[1] = 80, 2, 9
    return Counted(people, came)


def test_it_says_what_more_people_than_usual_came_to() -> None:
    told = scorer_of(counted()).scores(History((0,), (1,)))
    assert told[2] > 0.3 > 0.0 > told[3]
    usual = counted().came.sum(axis=0) / counted().people.sum(axis=0)
    assert told[2] == np.log((80 + 20 * usual[2]) / 120 / usual[2])


def test_of_whom_too_few_were_counted_it_says_nothing() -> None:
    assert not scorer_of(counted()).scores(History((1,), (1,))).any()


def test_the_control_has_the_same_numbers_elsewhere() -> None:
    real = scorer_of(counted()).lifts
    control = scorer_of(counted(), shuffled=np.random.default_rng(5)).lifts
    assert np.array_equal(np.sort(real, axis=1), np.sort(control, axis=1))
    assert not np.array_equal(real, control)


@pytest.mark.parametrize("explored", [(), (1, 3)])
def test_of_one_proposal_there_is_nothing_to_pick(explored: tuple[int, ...]) -> None:
    worth, told = np.arange(12.0), np.arange(12.0)[::-1].copy()
    assert np.array_equal(best_of(worth, told, explored, 1), worth)


rows = st.lists(st.integers(-5, 5).map(float), min_size=12, max_size=12).map(np.array)


@given(rows, rows, st.sets(st.integers(0, 11), max_size=4), st.integers(2, 3))
def test_what_is_picked_is_of_the_planners_best(
    worth: np.ndarray, told: np.ndarray, explored: set[int], n: int
) -> None:
    made = best_of(worth, told, tuple(explored), n)
    assert sorted(made) == sorted(worth)
    assert all(made[at] == worth[at] for at in explored)
    open_now = [at for at in np.argsort(-worth, kind="stable") if at not in explored]
    pool = open_now[: 5 * n]
    assert all(made[at] == worth[at] for at in open_now[5 * n :])
    # in the pool, whoever is told better has no less
    for one in pool:
        for other in pool:
            assert not (told[one] > told[other] and made[one] < made[other])


@given(rows, rows)
def test_the_best_of_one_is_the_planner_itself(worth: np.ndarray, told: np.ndarray) -> None:
    assert np.array_equal(best_of(worth, told, (), 1), worth)
