"""What serves is what was measured, and what is said of people was counted."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from keyart.models.serendipity.advice.plan import proposals_of
from keyart.models.serendipity.advice.reasons import Reason, reason_of
from keyart.models.serendipity.cases import Ways
from keyart.models.serendipity.collective import read_collective, write_collective
from keyart.models.serendipity.comings import Comings
from keyart.models.serendipity.histories import History
from keyart.models.serendipity.making import Fitted, make_table
from keyart.models.serendipity.measure.evaluate import vocabulary_of
from keyart.models.serendipity.measure.serving import as_served, written
from keyart.models.serendipity.planners.fitted import fit_planners
from keyart.models.serendipity.table import COLLECTIVE, Table, read_table
from keyart.schemas.errors import ModelRejected
from tests.unit.models.serendipity.worlds import GROUPS, pairs_world

VIEWERS = 120
WORLD = pairs_world(VIEWERS)
HISTORIES = [History((0, 3), (1, 1)), History((0, 4, 1), (1, 3, 1)), History((5,), (2,))]


def fitted(planner: str = "blend") -> Fitted:
    vocabulary, _, labels = vocabulary_of(WORLD, [], clusters=GROUPS)
    teaching = list(range(VIEWERS))
    planners, memory = fit_planners(WORLD, labels, vocabulary.centres, teaching)
    return Fitted(
        vocabulary=vocabulary,
        labels=labels,
        planner=next(each for each in planners if each.name == planner),
        memory=memory,
        ways=Ways(WORLD, labels),
        teaching=teaching,
    )


@pytest.mark.parametrize("planner", ["blend", "ridge", "co-occurrence", "popular"])
def test_a_table_ranks_the_clusters_as_its_planner_does(planner: str) -> None:
    its = fitted(planner)
    served, alone, *_ = as_served(written(WORLD, its))
    told, measured = served.scores(HISTORIES), its.planner.scores(HISTORIES)
    for one, other in zip(told, measured, strict=True):
        # where the ridge expects nothing, all are alike to the table
        best = [at for at in np.argsort(-other, kind="stable")[:4] if other[at] > other.min()]
        best = [at for at in best if planner != "ridge" or other[at] > 0.0]
        assert best and np.argsort(-one, kind="stable")[: len(best)].tolist() == best
    if planner == "blend":
        assert told == pytest.approx(measured, rel=1e-4, abs=1e-4)
    assert (served.name, alone.name) == ("table as served", "table of pairs alone")
    assert np.isfinite(alone.scores(HISTORIES)).all()


def test_a_planner_that_is_not_made_of_opinions_serves_by_pairs(tmp_path: Path) -> None:
    make_table(tmp_path, WORLD, fitted("markov"))
    table = read_table(tmp_path)
    assert table.collective is None and proposals_of(table, (0, 3))


def naive(orders: Sequence[Sequence[int]], before: Sequence[int], after: int) -> tuple[int, int]:
    people = came = 0
    for order in orders:
        if not set(before) <= set(order):
            continue
        there = max(order.index(each) for each in before)
        if after in order and order.index(after) < there:
            continue
        people += 1
        came += after in order and after not in before
    return people, came


ways = st.lists(
    st.permutations(range(5)).flatmap(
        lambda order: st.integers(0, 5).map(lambda most: order[:most])
    ),
    min_size=1,
    max_size=12,
)


@given(ways)
def test_people_are_counted_one_by_one(orders: list[list[int]]) -> None:
    comings = Comings(orders, 5)
    single = comings.after_one()
    for first in range(5):
        for after in {*range(5)} - {first}:
            found = int(single.people[first, after]), int(single.came[first, after])
            assert found == naive(orders, [first], after)
        others = [
            (second, tuple({*range(5)} - {first, second})) for second in {*range(5)} - {first}
        ]
        for (second, following), counted in zip(
            others, comings.after_two(first, others), strict=True
        ):
            for at, after in enumerate(following):
                found = int(counted.people[at]), int(counted.came[at])
                assert found == naive(orders, [first, second], after)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    folder = tmp_path_factory.mktemp("table")
    make_table(folder, WORLD, fitted())
    return read_table(folder)


def test_often_is_only_said_of_what_often_happened(table: Table) -> None:
    its = fitted()
    orders = [its.ways.sequence(viewer).order for viewer in range(VIEWERS)]
    often = 0
    for first in range(GROUPS):
        for second in {*range(GROUPS)} - {first}:
            for cluster in proposals_of(table, (first, second)):
                reason = reason_of(table, (first, second), cluster)
                assert {reason.first, reason.second} <= {first, second, None}
                if not reason.often:
                    continue
                often += 1
                before = [each for each in reason[:2] if each is not None]
                people, came = naive(orders, before, cluster)
                assert (people, came) == (reason.people, reason.came)
                assert people >= 10 and came / people >= 0.25
                assert (
                    came / people >= 1.2 * sum(cluster in each for each in orders) / VIEWERS - 0.02
                )
    assert often > 0


def test_of_one_cluster_it_is_said_of_that_one(table: Table) -> None:
    (cluster, *_) = proposals_of(table, (0,))
    reason = reason_of(table, (0,), cluster)
    assert isinstance(reason, Reason) and (reason.first, reason.second) == (0, None)


@pytest.mark.parametrize("change", ["shape", "nan", "text", "share"])
def test_arrays_that_are_none_do_not_serve(table: Table, tmp_path: Path, change: str) -> None:
    held, path = table.collective, tmp_path / COLLECTIVE
    assert held is not None
    write_collective(path, held)
    assert read_collective(path, GROUPS).opinions.given.shape == (GROUPS, GROUPS)
    if change == "nan":
        held.trust[0] = np.nan
        write_collective(path, held)
        held.trust[0] = 0.0
    elif change == "share":
        held.opinions.reach[0] += 1.0
        write_collective(path, held)
        held.opinions.reach[0] -= 1.0
    elif change == "text":
        path.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelRejected, match=COLLECTIVE.split(".")[0]):
        read_collective(path, GROUPS + (change == "shape"))


def test_a_scorer_that_was_proven_picks_among_what_is_proposed(table: Table) -> None:
    with_it = structs.replace(table, manifest=structs.replace(table.manifest, best_of=2))
    before, after = proposals_of(table, (0, 3)), proposals_of(with_it, (0, 3))
    held = table.collective
    assert held is not None and sorted(before) == sorted(after)
    told = held.scorer.scores(History((0, 3), (1, 1)))
    assert [told[at] for at in after[:10]] == sorted((told[at] for at in before[:10]), reverse=True)
