"""The table of all pairs, and the counts of what followed what."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyart.models.serendipity.histories import History
from keyart.models.serendipity.measure.evaluate import vocabulary_of
from keyart.models.serendipity.planners.fitted import fit_planners
from keyart.models.serendipity.planners.protocol import Planner
from keyart.models.serendipity.table import ROWS, WORDS, build_table, read_table
from keyart.models.serendipity.transitions import Transitions, Triple
from keyart.models.serendipity.vocabulary.vocabulary import Vocabulary
from keyart.schemas.errors import InvalidRecord, ModelRejected, NotFound
from tests.unit.models.serendipity.worlds import GROUPS, pairs_world

HALF = 1000.0


def made(clusters: int = GROUPS) -> tuple[Vocabulary, Planner]:
    world = pairs_world(60)
    vocabulary, _, labels = vocabulary_of(world, [], clusters=clusters)
    planners, _ = fit_planners(world, labels, vocabulary.centres, list(range(60)))
    return vocabulary, planners[-1]


def test_a_table_holds_what_the_planner_says_of_every_pair(tmp_path: Path) -> None:
    vocabulary, planner = made()
    build_table(tmp_path, vocabulary, planner)
    table = read_table(tmp_path)
    assert len(table.rows) == GROUPS * (GROUPS - 1)
    for (first, second), row in table.rows.items():
        proposals = row.proposals
        scores = planner.scores([History((first, second), (1, 1))])[0]
        scores[[first, second]] = -np.inf
        assert proposals[0] == scores.argmax()
        assert len(set(proposals)) == GROUPS - 2 and not {first, second} & set(proposals)
    assert table.words.names == vocabulary.names


def test_a_stopped_run_goes_on_and_ends_in_the_same_table(tmp_path: Path) -> None:
    vocabulary, planner = made()
    whole = build_table(tmp_path / "whole", vocabulary, planner)

    def stop(first: int, _: int) -> None:
        if first == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_table(tmp_path / "part", vocabulary, planner, told=stop)
    with (tmp_path / "part" / ROWS).open("ab") as file:
        file.write(b"[5,0,[1,")  # the process died within a line
    with pytest.raises(NotFound, match="keyart serendipity build makes it"):
        read_table(tmp_path / "part")
    asked: list[int] = []
    after = build_table(
        tmp_path / "part", vocabulary, planner, told=lambda first, _: asked.append(first)
    )
    assert asked[0] == 5
    assert after == whole


def test_another_vocabulary_is_not_gone_on_with(tmp_path: Path) -> None:
    build_table(tmp_path, *made())
    with pytest.raises(InvalidRecord, match="another vocabulary"):
        build_table(tmp_path, *made(GROUPS - 1))


@pytest.mark.parametrize("name", [ROWS, WORDS])
def test_a_file_that_was_changed_does_not_serve(tmp_path: Path, name: str) -> None:
    build_table(tmp_path, *made())
    path = tmp_path / name
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    with pytest.raises(ModelRejected, match="is not the one"):
        read_table(tmp_path)


seen = st.lists(
    st.tuples(st.tuples(*[st.integers(0, 3)] * 3), st.integers(0, 5000)), min_size=1, max_size=12
)


@given(seen, st.randoms(use_true_random=False))
def test_the_order_in_which_transitions_are_counted_does_not_matter(
    events: list[tuple[Triple, int]], random: object
) -> None:
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    parts = []
    for each in (events, shuffled):
        counts = Transitions({}, 0, HALF)
        for triple, at_ms in each:
            counts = counts.add([triple], at_ms)
        parts.append(counts)
    one, other = parts
    assert one.as_of_ms == other.as_of_ms == max(at for _, at in events)
    assert one.weights == pytest.approx(other.weights)
    for triple, weight in one.weights.items():
        ages = [one.as_of_ms - at for each, at in events if each == triple]
        assert weight == pytest.approx(sum(0.5 ** (age / HALF) for age in ages))


def test_what_is_recent_wins() -> None:
    counts = Transitions({}, 0, HALF).add([(0, 1, 2)] * 3, 0).add([(0, 1, 3)], 4000)
    assert counts.successor(0, 1) == 3
    assert counts.successor(1, 0) is None
    with pytest.raises(InvalidRecord):
        counts.plus(Transitions({}, 0, 2 * HALF))
