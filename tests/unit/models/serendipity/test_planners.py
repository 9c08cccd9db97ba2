"""Planners against oracles, and on a world whose structure is known."""

import numpy as np
import pytest

from keyart.models.serendipity.cases import Ways
from keyart.models.serendipity.histories import counts_of, history_of
from keyart.models.serendipity.measure.evaluate import evaluate, folds_of, vocabulary_of
from keyart.models.serendipity.measure.plan import over
from keyart.models.serendipity.memory import Memory
from keyart.models.serendipity.planners.counting import Cooccurrence, Markov, Popular
from keyart.models.serendipity.planners.fitted import fit_planners
from keyart.models.serendipity.planners.novelty import bits_of, knob_at, proposals, turned
from keyart.models.serendipity.planners.ridge import Ridge
from tests.unit.models.serendipity.worlds import GROUPS, pairs_world


def memory(seed: int = 0, viewers: int = 40, clusters: int = 6) -> Memory:
    rng = np.random.default_rng(seed)
    depth = rng.poisson(0.8, (viewers, clusters)).astype(float)
    follows = rng.integers(0, 5, (clusters, clusters)).astype(float)
    return Memory(depth=depth, follows=follows, entered=(depth > 0).astype(float))


def test_ridge_explains_each_cluster_by_the_others_alone() -> None:
    held = memory()
    penalty = 0.3 * len(held.depth) + 1.0
    deep = np.log1p(held.depth)
    weights = Ridge(held, penalty=0.3).weights
    for each in range(deep.shape[1]):
        others = np.delete(deep, each, axis=1)
        gram = others.T @ others + penalty * np.eye(others.shape[1])
        alone = np.linalg.solve(gram, others.T @ deep[:, each])
        assert weights[each, each] == 0.0
        assert np.delete(weights[:, each], each) == pytest.approx(alone)


def test_cooccurrence_is_the_share_of_viewers_who_have_both() -> None:
    held = memory()
    has = held.depth > 0
    history = history_of([2, 5])
    scores = np.exp(Cooccurrence(held).scores([history])[0])
    for each in (0, 1, 3, 4):
        shares = [(has[:, c] & has[:, each]).sum() / has[:, c].sum() for c in (2, 5)]
        assert scores[each] == pytest.approx(sum(shares) + 1e-3 * held.reach[each])
    last = np.exp(Cooccurrence(held, last=1).scores([history])[0])
    assert last[0] == pytest.approx((has[:, 5] & has[:, 0]).sum() / has[:, 5].sum(), abs=2e-3)


def test_markov_asks_the_last_cluster_and_popular_none() -> None:
    held = memory()
    assert Markov(held).scores([history_of([1, 3])])[0].argmax() == held.follows[3].argmax()
    first, other = Popular(held).scores([history_of([1]), history_of([2])])
    assert (first == other).all()


def test_the_knob_gives_the_bits_that_are_wanted() -> None:
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(50, 30))
    explored = counts_of([history_of(rng.integers(0, 30, 5)) for _ in range(50)], 30) > 0
    bits = bits_of(rng.uniform(0.01, 0.9, 30))
    for wanted in (1.0, 2.0, 3.0):
        knob = knob_at(scores, explored, bits, wanted)
        best = proposals(turned(scores, bits, knob), explored, 5)
        assert wanted <= bits[best].mean() < wanted + 0.2
        assert not np.take_along_axis(explored, best, axis=1).any()


def test_viewers_apart_from_those_taught_are_foreseen() -> None:
    world = pairs_world()
    vocabulary, _, labels = vocabulary_of(world, [], clusters=GROUPS)
    planners, _ = fit_planners(world, labels, vocabulary.centres, list(range(160)))
    cases = Ways(world, labels).cases(range(160, 240), 0.7)
    named = {each.name: each for each in planners}
    group = {int(labels[at]): int(name[1:].split("-")[0]) for at, name in enumerate(world.titles)}
    explored = counts_of([case.history for case in cases], GROUPS) > 0
    best = proposals(named["blend"].scores([c.history for c in cases]), explored, 1)[:, 0]
    right = [
        group[int(at)] in {group[c] + 6 for c in case.history.order if 2 <= group[c] < 6}
        for at, case in zip(best, cases, strict=True)
    ]
    assert np.mean(right) > 0.95


def test_the_measurement_finds_the_structure_and_not_where_there_is_none() -> None:
    world = pairs_world(60)
    judged = evaluate(world, folds_of(range(60), []), clusters=GROUPS)
    marks = judged.plans
    assert judged.viewers > 50
    assert marks["blend"].hit1.mean() > 0.6 > 0.3 > marks["random"].hit1.mean()
    same = over(marks["co-occurrence"])
    assert same is not None and same.estimate == same.low == same.high == 1.0
    lost = over(marks["random"])
    assert lost is not None and lost.high < 1.0
    assert all((each.exact == 1.0).all() for each in marks.values())
    served = judged.items
    assert served["ials restricted by blend"].pairs.sum() > served["random"].pairs.sum()
