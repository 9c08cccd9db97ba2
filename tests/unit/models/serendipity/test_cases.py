"""A viewer is cut between two moments: nothing later is known before."""

import numpy as np

from keyart.models.serendipity.cases import Ways
from keyart.models.serendipity.histories import history_of, triples
from keyart.models.serendipity.measure.evaluate import folds_of, vocabulary_of
from keyart.models.serendipity.world import World, WorldBuilder
from tests.unit.models.serendipity.worlds import GROUPS, pairs_world


def small(times: list[float]) -> World:
    into = WorldBuilder()
    for at, time in enumerate(times):
        into.engaged("v", f"t{at}", time)
    return into.build()


def test_titles_of_one_moment_stay_together() -> None:
    ways = Ways(small([1.0, 1.0, 1.0, 2.0]), np.array([0, 1, 2, 3]))
    case = ways.case(0, 0.3)
    assert case is not None
    assert set(case.titles) == {0, 1, 2} and case.targets == (3,)


def test_one_moment_is_no_case_and_nor_is_a_return() -> None:
    assert Ways(small([1.0, 1.0]), np.array([0, 1])).case(0, 0.7) is None
    assert Ways(small([1.0, 2.0]), np.array([0, 0])).case(0, 0.7) is None


def test_what_has_no_time_or_no_cluster_is_on_no_way() -> None:
    ways = Ways(small([1.0, float("nan"), 2.0, 3.0]), np.array([0, 1, -1, 2]))
    assert ways.sequence(0).order == (0, 2)


def test_without_any_time_the_order_is_drawn_and_the_same_again() -> None:
    world = small([float("nan")] * 30)
    labels = np.arange(30)
    first, again = (Ways(world, labels, seed=3).sequence(0) for _ in range(2))
    other = Ways(world, labels, seed=4).sequence(0)
    assert first == again != other
    assert sorted(first.order) == list(range(30))


def test_what_comes_after_is_not_known_before() -> None:
    world = pairs_world(40)
    _, _, labels = vocabulary_of(world, [], clusters=GROUPS)
    at = {(v, t): ms for v, t, ms in zip(world.viewer, world.title, world.at_ms, strict=True)}
    cases = Ways(world, labels).cases(range(40), 0.7)
    assert cases
    for case in cases:
        before = max(at[case.viewer, title] for title in case.titles)
        assert before < min(at[case.viewer, title] for title in case.later)
        assert not set(case.targets) & set(case.history.order)


def test_folds_part_the_viewers() -> None:
    folds = folds_of(range(23), [], seed=1)
    assert sorted(each for fold in folds for each in fold.judged) == list(range(23))
    assert all(not set(fold.judged) & set(fold.teaching) for fold in folds)
    assert folds_of([1, 2], [3]) == [([1, 2], [3])]


def test_triples_are_three_distinct_in_a_row() -> None:
    history = history_of([4, 4, 2, 4, 7, 1])
    assert history.order == (4, 2, 7, 1) and history.counts == (3, 1, 1, 1)
    assert triples(history.order) == [(4, 2, 7), (2, 7, 1)]
