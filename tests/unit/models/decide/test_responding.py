"""An artwork's own response moves its expected take, and the sentence says so."""

from dataclasses import replace

import numpy as np
import pytest

from keyart.models.bandits.registry import build_policy
from keyart.models.decide.engine import Decider
from keyart.models.decide.explain import explain
from keyart.models.decide.index import IndexedTitle, ServingIndex
from keyart.models.decide.page import DecidedPage
from keyart.models.decide.responding import RESPONSE, SITUATION
from keyart.models.decide.responses import put_responses
from keyart.models.decide.weights import Shared
from keyart.models.taste.features import FEATURES, NO_TASTE, TasteVectors
from keyart.models.taste.situation import AXIS_SCALE, sketch
from keyart.schemas.context import AXES, SIZE, Context
from keyart.schemas.decisions import one_by_one
from keyart.schemas.ids import ViewerKey
from keyart.services.api.answers import logged, logged_situation

NAMES = ("a", "b", "c")
VIEWER = ViewerKey("0" * 32)


def site(responses: np.ndarray | None) -> ServingIndex:
    rng = np.random.default_rng(0)
    index = ServingIndex()
    for title in ("t", "u"):
        vectors = rng.normal(size=(3, 64)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        index.put([IndexedTitle(id=title, artworks=NAMES, vectors=vectors)])
    index.shared = Shared(
        weights=np.zeros(len(FEATURES), np.float32),
        covariance=np.zeros((len(FEATURES),) * 2, np.float32),
    )
    put_responses(index, "t", NAMES, responses)
    return index


def taste() -> TasteVectors:
    directions = np.zeros(NO_TASTE.directions.shape, np.float32)
    directions[0, :2] = 0.5, -0.25
    return TasteVectors(directions=directions)


def decide(index: ServingIndex, viewer_taste: TasteVectors, context: Context) -> DecidedPage:
    decider = Decider(policy=build_policy(), explore_share=0.0)
    return decider.decide(
        index,
        titles=["u", "t"],
        taste=viewer_taste,
        surface="home",
        viewer=VIEWER,
        now_ms=1_700_000_000_000,
        context=context,
    )


@pytest.mark.parametrize("trust", [0.0, 0.4])
def test_a_response_moves_as_far_as_it_is_trusted_and_is_logged_whole(trust: float) -> None:
    responses = np.random.default_rng(3).normal(0.0, 0.05, (3, SIZE))
    index = site(responses)
    whole, plain = decide(index, taste(), {}), decide(site(None), taste(), {})
    index.shared = replace(index.shared, respond=trust)
    moved = decide(index, taste(), {})
    ratio = np.log(whole.page.mean / plain.page.mean)
    np.testing.assert_allclose(moved.page.mean, plain.page.mean * np.exp(trust * ratio), rtol=1e-4)
    raw = np.zeros((2, 3))
    raw[1] = responses[:, :AXES] @ moved.responding.situation[:AXES]
    usual = (raw * moved.propensities).sum(axis=1)
    centred = moved.responding.centred(moved.chosen, moved.propensities)
    np.testing.assert_allclose(centred, raw[[0, 1], moved.chosen] - usual, atol=1e-5)


def test_the_expected_take_moves_by_the_response_and_no_other_does() -> None:
    responses = np.zeros((3, SIZE))
    responses[1, :2], responses[1, AXES:] = (0.1, -0.1), 0.5 * sketch({"device": "tv"})
    context: Context = {"device": "tv", "hour": 3.0}
    plain, moved = decide(site(None), taste(), context), decide(site(responses), taste(), context)
    z = np.r_[np.array([0.5, -0.25]) * AXIS_SCALE, np.zeros(AXES - 2), sketch(context)]
    expected = float(responses[1] @ z)
    ratio = moved.page.mean[1] / plain.page.mean[1]
    np.testing.assert_allclose(ratio, [1.0, np.exp(expected), 1.0], rtol=1e-4)
    np.testing.assert_allclose(moved.page.mean[0], plain.page.mean[0], rtol=1e-6)
    assert moved.propensities[1, 1] > plain.propensities[1, 1]
    np.testing.assert_allclose(moved.propensities.sum(axis=1), 1.0, rtol=1e-5)
    assert logged_situation(moved) == pytest.approx(tuple(z), abs=1e-3)
    for each, its in zip(
        one_by_one(logged(moved, VIEWER)), moved.responding.of(moved.chosen), strict=True
    ):
        assert each.response == pytest.approx(float(its), rel=1e-4)
        assert each.multiplier == pytest.approx(each.response, rel=1e-4)


def test_nobody_known_and_no_context_is_decided_as_before() -> None:
    plain = decide(site(None), NO_TASTE, {})
    moved = decide(site(np.full((3, SIZE), 3.0)), NO_TASTE, {})
    np.testing.assert_array_equal(plain.propensities, moved.propensities)
    assert logged_situation(moved) == () and one_by_one(logged(moved, VIEWER))[1].response == 1.0


def test_a_response_is_bounded() -> None:
    moved = decide(site(np.array([[9.0] * SIZE, [-9.0] * SIZE, [0.0] * SIZE])), taste(), {})
    assert moved.responding.log is not None
    np.testing.assert_allclose(np.exp(moved.responding.log[:, 1]), [3.0, 1 / 3.0, 1.0], rtol=1e-5)


@pytest.mark.parametrize("kind", [RESPONSE, SITUATION])
def test_the_sentence_names_it_when_it_decided(kind: str) -> None:
    responses = np.zeros((3, SIZE))
    if kind == RESPONSE:
        responses[2, :2] = 0.2, -0.2
    else:
        responses[2, AXES:] = 0.6 * sketch({"device": "tv"})
    context: Context = {"hour": 3.0, "device": "tv"}
    page = decide(site(responses), taste(), context)
    assert page.chosen_artworks[1] == "c"
    if kind == RESPONSE:
        told = page.responding._replace(
            names=("comedy", "documentaries", "war"), directions=-np.eye(64, dtype=np.float32)[:3]
        )
        page = replace(page, responding=told)
    decision = one_by_one(logged(page, VIEWER))[1]
    said = explain(decision, policy="optimistic")
    if kind == RESPONSE:
        assert decision.terms.because == "response: documentaries"
        assert "viewers who like documentaries take this picture more often than its text" in said
    else:
        assert decision.terms.because == "situation: device = 'tv'"
        assert "where device = 'tv' it is taken more often than elsewhere" in said


def test_places_that_move_keep_their_responses() -> None:
    responses = np.arange(3 * SIZE, dtype=float).reshape(3, SIZE)
    index = site(responses)
    vectors = np.eye(64, dtype=np.float32)
    index.put([IndexedTitle(id="t", artworks=("c", "new", "a"), vectors=vectors[:3])])
    assert index.arrays.responses is not None
    held = index.arrays.responses[index.arrays.rows("t")]
    np.testing.assert_array_equal(held, [responses[2], np.zeros(SIZE), responses[0]])
    for at in range(600):
        index.put([IndexedTitle(id=f"x{at}", artworks=NAMES, vectors=vectors[:3])])
    assert index.arrays.responses is not None
    held = index.arrays.responses[index.arrays.rows("t")]
    np.testing.assert_array_equal(held[0], responses[2])
    assert not index.arrays.responses[index.arrays.rows("x599")].any()
