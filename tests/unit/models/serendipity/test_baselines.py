"""What planners are compared with: a bandit, a table that is old, one whose rows were dealt."""

import dataclasses

import numpy as np
import pytest

from keyart.models.serendipity.cases import SHARE, SHARES, Ways
from keyart.models.serendipity.histories import History
from keyart.models.serendipity.measure.evaluate import vocabulary_of
from keyart.models.serendipity.measure.plan import judge_plans
from keyart.models.serendipity.measure.serving import earlier
from keyart.models.serendipity.memory import remember
from keyart.models.serendipity.planners.counting import Cooccurrence, Random
from keyart.models.serendipity.planners.hierarchical import Bandit, _Ridges
from keyart.models.serendipity.planners.protocol import Planner
from tests.unit.models.serendipity.worlds import GROUPS, pairs_world

WORLD = pairs_world(160)
TEACHING, JUDGED = range(110), range(110, 160)


def test_a_regression_learned_one_by_one_is_that_of_all_at_once() -> None:
    rng = np.random.default_rng(3)
    contexts, rewards = rng.normal(size=(40, 5)), rng.random(40)
    its = _Ridges(2, 5)
    for context, reward in zip(contexts, rewards, strict=True):
        its.learn(1, context, float(reward))
    gram = contexts.T @ contexts + np.eye(5)
    assert its.mean[1] == pytest.approx(np.linalg.solve(gram, contexts.T @ rewards))
    assert not its.mean[0].any()
    asked = rng.normal(size=5)
    mean, spread = its.told(asked)
    assert mean[1] == pytest.approx(its.mean[1] @ asked)
    assert spread[1] == pytest.approx(np.sqrt(asked @ np.linalg.solve(gram, asked)))
    assert spread[0] == pytest.approx(np.linalg.norm(asked))


def test_the_bandit_learns_from_what_it_proposed_and_an_oracle_knows() -> None:
    vocabulary, _, labels = vocabulary_of(WORLD, TEACHING, clusters=GROUPS)
    ways = Ways(WORLD, labels)
    memory = remember(WORLD, ways, labels, TEACHING, GROUPS)
    taught = [case for share in SHARES for case in ways.cases(TEACHING, share)]
    bandit = Bandit(vocabulary.centres, taught)
    again = Bandit(vocabulary.centres, taught)
    cases = ways.cases(JUDGED, SHARE)
    histories = [case.history for case in cases]
    assert (bandit.scores(histories) == again.scores(histories)).all()
    planners: list[Planner] = [Random(clusters=GROUPS), Cooccurrence(memory), bandit]
    marks = judge_plans(planners, cases, memory, vocabulary.names)
    hits = {name: float(each.hit1.mean()) for name, each in marks.items()}
    assert hits["oracle"] == 1.0
    assert hits["hierarchical bandit"] > hits["random"] + 0.15
    assert (marks["oracle"].hit5 == 1.0).all()


def test_earlier_is_up_to_the_middle_of_what_the_teaching_did() -> None:
    before = earlier(WORLD, TEACHING)
    assert before is not None
    taught = WORLD.at_ms[np.isin(WORLD.viewer, list(TEACHING))]
    assert before.at_ms.max() <= np.median(taught)
    assert 0.3 < len(before.at_ms) / len(WORLD.at_ms) < 0.7
    assert before.titles == WORLD.titles
    none = dataclasses.replace(WORLD, at_ms=np.full(len(WORLD.at_ms), np.nan))
    assert earlier(none, TEACHING) is None
    some = WORLD.at_ms.copy()
    some[::2] = np.nan
    mixed = earlier(dataclasses.replace(WORLD, at_ms=some), TEACHING)
    assert mixed is not None and np.isfinite(mixed.at_ms).all()


def test_histories_of_no_case_are_told_too() -> None:
    vocabulary, _, _ = vocabulary_of(WORLD, TEACHING, clusters=GROUPS)
    assert (Bandit(vocabulary.centres, []).scores([History((1,), (2,))]) == 0.0).all()
