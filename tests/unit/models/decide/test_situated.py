"""The context moves choices by what all titles have learned of it, and the sentence says so."""

import numpy as np
import pytest
from msgspec.structs import replace

from keyart.models.bandits.registry import build_policy
from keyart.models.decide.engine import Decider
from keyart.models.decide.explain import explain
from keyart.models.decide.index import IndexedTitle, ServingIndex
from keyart.models.decide.page import DecidedPage
from keyart.models.decide.situated import CONTEXT, LIKES
from keyart.models.decide.weights import SITUATED, Shared, learned_weights
from keyart.models.sums.shared import add_to_shared
from keyart.models.taste.crossing import CONTEXT_FEATURES, CROSSED, NO_SIDE, Usual, context_side
from keyart.models.taste.features import FEATURES, NO_TASTE, PERSONAL, TasteVectors
from keyart.schemas.context import Context
from keyart.schemas.decisions import Versions, one_by_one
from keyart.schemas.ids import ViewerKey
from keyart.schemas.posterior import SharedSums
from keyart.schemas.rewards import Reward
from keyart.services.api.answers import logged

VIEWER = ViewerKey("0" * 32)
NOW = 1_700_000_000_000
NAMES = ("face", "group", "nobody")
VERSIONS = Versions(policy="p", prior="", posterior="0", space="s")
DEVICES: tuple[Context, ...] = ({"device": "tv"}, {"device": "phone"})


def site() -> ServingIndex:
    rng = np.random.default_rng(0)
    index = ServingIndex()
    for title in ("t", "u"):
        vectors = rng.normal(size=(3, 64)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        attributes = tuple({"cast": name} for name in NAMES)
        index.put([IndexedTitle(id=title, artworks=NAMES, vectors=vectors, attributes=attributes)])
    return index


def decide(
    index: ServingIndex,
    context: Context,
    side: np.ndarray,
    *,
    taste: TasteVectors = NO_TASTE,
    viewer: str = VIEWER,
    explore: float = 0.0,
) -> DecidedPage:
    decider = Decider(policy=build_policy(), explore_share=explore)
    return decider.decide(
        index,
        titles=["t", "u"],
        taste=taste,
        surface="home",
        viewer=viewer,
        now_ms=NOW,
        context=context,
        side=side,
    )


def taught(index: ServingIndex, *, pages: int, seed: int) -> list[Reward]:
    """On television faces are taken three times as often as elsewhere; choices are even."""
    rng, usual = np.random.default_rng(seed), Usual()
    rewards = []
    for number in range(pages):
        context = DEVICES[int(rng.integers(2))]
        page = decide(index, context, usual.meet(context), viewer=f"{number:032x}", explore=1.0)
        for title, artwork, features in zip(
            page.titles, page.chosen_artworks, page.features.tolist(), strict=True
        ):
            chance = 0.3 if (artwork, context) == ("face", DEVICES[0]) else 0.1
            rewards.append(
                Reward(
                    id="r",
                    viewer=VIEWER,
                    title=title,
                    artwork=artwork,
                    surface="home",
                    value=float(rng.random() < chance),
                    shown_at_ms=NOW,
                    closed_at_ms=NOW,
                    candidates=("a",),
                    propensities=(1.0,),
                    explored=True,
                    policy="p",
                    versions=VERSIONS,
                    features=tuple(features[:-1]),
                    expected=0.1,
                )
            )
    return rewards


def summed(rewards: list[Reward], *, cut: int = 0) -> SharedSums:
    first = add_to_shared(SharedSums(), rewards[:cut], half_life_ms=1e9) if cut else SharedSums()
    return add_to_shared(first, rewards[cut:], half_life_ms=1e9)


def side(context: Context) -> np.ndarray:
    """Return the side of a context as after many of both devices."""
    usual = Usual()
    for each in (*DEVICES, context) * 50:
        usual.meet(each)
    return np.asarray(usual.meet(context))


def test_it_is_learned_by_all_titles_and_moves_the_choice() -> None:
    index = site()
    index.shared = learned_weights([summed(taught(index, pages=3000, seed=1))], prior="")
    tv, phone = (decide(index, each, side(each)) for each in DEVICES)
    for page in (tv, phone):
        np.testing.assert_allclose(page.propensities.sum(axis=1), 1.0, rtol=1e-5)
    # geometric mean over artworks: the face's factor is the square of a third's root, and more
    ratio = tv.multiplier[:, 0] / tv.multiplier[:, 1:].mean(axis=1)
    elsewhere = phone.multiplier[:, 0] / phone.multiplier[:, 1:].mean(axis=1)
    assert (ratio > 1.5).all() and (elsewhere < 1.0).all()
    assert (tv.propensities[:, 0] > phone.propensities[:, 0]).all()


def test_where_the_device_moves_nothing_it_is_left_alone() -> None:
    index = site()
    rewards = taught(index, pages=1500, seed=2)
    rng = np.random.default_rng(3)
    even = [reward_with(each, float(rng.random() < 0.1)) for each in rewards]
    index.shared = learned_weights([summed(even)], prior="")
    plain, tv = decide(index, {}, NO_SIDE), decide(index, DEVICES[0], side(DEVICES[0]))
    np.testing.assert_allclose(tv.multiplier, plain.multiplier, rtol=0.06)


def reward_with(reward: Reward, value: float) -> Reward:
    fields = {name: getattr(reward, name) for name in reward.__struct_fields__}
    return Reward(**{**fields, "value": value})


def test_pages_without_a_context_are_chosen_as_if_nobody_had_any() -> None:
    index = site()
    with_contexts = taught(index, pages=400, seed=4)
    without = [
        Reward(
            **{
                **{name: getattr(each, name) for name in each.__struct_fields__},
                "features": each.features[:PERSONAL],
            }
        )
        for each in with_contexts
    ]
    pages = []
    for rewards in (with_contexts, without):
        index.shared = learned_weights([summed(rewards)], prior="")
        pages.append(decide(index, {}, NO_SIDE))
    np.testing.assert_array_equal(pages[0].propensities, pages[1].propensities)
    np.testing.assert_array_equal(pages[0].multiplier, pages[1].multiplier)


def test_its_sums_have_no_order_and_no_parts() -> None:
    rewards = taught(site(), pages=60, seed=5)
    whole, parted = summed(rewards), summed(rewards[::-1], cut=37)
    assert whole.dimensions == SITUATED and any(whole.gram)
    for name in ("gram", "moment"):
        np.testing.assert_allclose(
            getattr(whole, name), getattr(parted, name), rtol=1e-9, atol=1e-9
        )


def test_sums_of_the_version_before_are_read_and_added_to() -> None:
    rewards = taught(site(), pages=30, seed=6)
    short = rewards[:40]
    old = SharedSums(
        as_of_ms=NOW,
        count=5,
        dimensions=PERSONAL,
        gram=np.eye(PERSONAL)[np.triu_indices(PERSONAL)].tolist(),
        moment=[0.0] * PERSONAL,
    )
    assert learned_weights([old], prior="").situated is not None
    added = add_to_shared(old, short, half_life_ms=1e9)
    assert (added.count, added.dimensions) == (45, SITUATED)
    assert learned_weights([added, old], prior="").weights.shape == (len(FEATURES),)


@pytest.mark.parametrize("met", [False, True])
def test_the_root_is_one_of_the_covariance_whether_contexts_were_met_or_not(met: bool) -> None:
    rng = np.random.default_rng(1)
    size = SITUATED if met else PERSONAL
    x = rng.normal(size=(200, size))
    sums = SharedSums(
        as_of_ms=NOW,
        count=200,
        dimensions=size,
        gram=(x.T @ x)[np.triu_indices(size)].tolist(),
        moment=x.sum(axis=0).tolist(),
    )
    known = learned_weights([sums], prior="")
    its = known.situated
    assert its is not None
    np.testing.assert_allclose(its.rows[1:].T @ its.rows[1:], its.covariance, atol=1e-6)
    np.testing.assert_array_equal(its.rows[0], its.weights)
    of_context = slice(PERSONAL, SITUATED)
    np.testing.assert_array_equal(np.delete(its.weights, of_context), known.weights)
    assert its.weights[of_context].any() == met


@pytest.mark.parametrize("kind", [CONTEXT, LIKES])
def test_the_sentence_names_the_value_when_it_decided(kind: str) -> None:
    index = site()
    weights = np.zeros(1 + SITUATED, np.float32)
    context: Context = {"land": "FR", "device": "tv", "hour": None}
    if kind == CONTEXT:
        # what all titles would have learned of faces on television, and nothing else
        circle = decide_features(index, {"device": "tv"})
        weights[PERSONAL : PERSONAL + CROSSED] = 0.5 * circle
    else:
        weights[PERSONAL + CROSSED : -1] = 0.8 * context_side({"device": "tv"}, 8)
    base = Shared(
        weights=np.zeros(len(FEATURES), np.float32),
        covariance=np.zeros((len(FEATURES),) * 2, np.float32),
    )
    index.shared = Shared(
        weights=base.weights,
        covariance=base.covariance,
        situated=Shared(weights=weights, covariance=np.zeros((1 + SITUATED,) * 2, np.float32)),
    )
    directions = np.zeros(NO_TASTE.directions.shape, np.float32)
    directions[0] = index.arrays.vectors[index.arrays.rows("t")][0] * 0.8
    page = decide(
        index,
        context,
        np.concatenate((context_side(context, CROSSED), context_side(context, 8))),
        taste=TasteVectors(directions=directions),
    )
    assert page.chosen_artworks[0] == "face"
    decision = one_by_one(logged(page, VIEWER))[0]
    assert decision.terms.because == f"{kind}: device = 'tv'"
    assert len(decision.features) == SITUATED == PERSONAL + len(CONTEXT_FEATURES)
    said = explain(decision, policy="optimistic")
    assert "where device = 'tv'" in said
    assert ("what viewers like counts for more" in said) == (kind == LIKES)


def test_reasons_are_those_of_each_value_met_one_by_one() -> None:
    """What a value adds to a choice: the weights times its features less the other artworks'."""
    index, rng = site(), np.random.default_rng(7)
    vectors = index.arrays.vectors[index.arrays.rows("u")][:2]
    shorter = tuple({"cast": name} for name in NAMES[1:])
    index.put([IndexedTitle(id="u", artworks=NAMES[1:], vectors=vectors, attributes=shorter)])
    weights = rng.normal(size=1 + SITUATED).astype(np.float32) * np.float32(0.3)
    weights[:PERSONAL], weights[-1] = 0.0, 0.0
    index.shared = Shared(
        weights=np.zeros(len(FEATURES), np.float32),
        covariance=np.zeros((len(FEATURES),) * 2, np.float32),
        situated=Shared(weights=weights, covariance=np.zeros((1 + SITUATED,) * 2, np.float32)),
    )
    seen = set()
    for number in range(60):
        context: Context = {f"n{at}": f"v{rng.integers(9)}" for at in range(4)}
        context["n4"] = None
        its = np.concatenate((context_side(context, CROSSED), context_side(context, 8)))
        page = decide(index, context, its, viewer=f"{number:032x}", explore=1.0)
        worth = {
            f"{CONTEXT}: {name} = '{value}'": _alone(index, page, weights, {name: value})
            for name, value in context.items()
            if value is not None
        }
        names, because = page.reasons()
        for title, place in enumerate(because.tolist()):
            if place < 0:
                continue
            raised = page.chosen_multiplier[title] > 1.0
            furthest = (max if raised else min)(worth, key=lambda name: worth[name][title])
            assert names[place] == furthest
            seen.add(bool(raised))
    assert seen == {True, False}


def _alone(
    index: ServingIndex, page: DecidedPage, weights: np.ndarray, context: Context
) -> np.ndarray:
    """Return (T,) what a context of one value would add to the log of these choices' takes."""
    its = np.concatenate((context_side(context, CROSSED), np.zeros(8))).astype(np.float32)
    alone = decide(index, context, its).page.features
    return np.asarray(alone[np.arange(len(page)), page.chosen] @ weights)


def test_a_context_of_nulls_alone_is_a_reason_without_a_value() -> None:
    index, usual = site(), Usual()
    index.shared = learned_weights([summed(taught(index, pages=600, seed=1))], prior="")
    for each in DEVICES * 50:
        usual.meet(each)
    nothing: Context = {"device": None}
    page = decide(index, nothing, usual.meet(nothing))
    names, because = page.reasons()
    assert CONTEXT in names and (because == names.index(CONTEXT)).any()
    told = [each for each in one_by_one(logged(page, VIEWER)) if each.terms.because == CONTEXT]
    decision = replace(
        told[0], terms=replace(told[0].terms, taste=1.5), propensities=(1 / 3, 1 / 3, 1 / 3)
    )
    assert "where nothing is known of the context" in explain(decision, policy="optimistic")


def decide_features(index: ServingIndex, context: Context) -> np.ndarray:
    """Return (CROSSED,) the centred features of a title's first artwork in a context."""
    side_of = np.concatenate((context_side(context, CROSSED), np.zeros(8))).astype(np.float32)
    page = decide(index, context, side_of)
    return np.asarray(page.page.features[0, 0, PERSONAL : PERSONAL + CROSSED])
