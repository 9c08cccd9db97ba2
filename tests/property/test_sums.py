"""Posterior sums: any order and any cut of the same rewards, and a brute-force sum, agree."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.models.sums.adding import add_to_title
from keyart.models.sums.shared import add_to_shared, shared_matrices
from keyart.schemas.decisions import Versions
from keyart.schemas.posterior import SharedSums, TitlesMeta, TitleSums
from keyart.schemas.rewards import Reward
from keyart.streams.steps.bandit import BanditRules, bandit_step, wanted

DAY = 86_400_000
HALF_LIFE = 10.0 * DAY
T0 = 1_700_000_000_000
VERSIONS = Versions(policy="p", prior="n", posterior="1", space="s")


def reward(row: tuple[int, int, int, int, float], at: int = 0, position: int = 0) -> Reward:
    artwork, surface, day, value, multiplier = row
    return Reward(
        id=f"r{at}",
        viewer=f"{artwork:032x}",
        title=f"t{surface}",
        artwork=f"a{artwork}",
        surface=("home", "search")[surface],
        value=float(value),
        shown_at_ms=T0 + day * DAY // 4,
        closed_at_ms=T0 + day * DAY // 4,
        candidates=("a0", "a1", "a2"),
        propensities=(0.5, 0.25, 0.25),
        explored=False,
        policy="keyart",
        versions=VERSIONS,
        features=(multiplier, 1.0 - multiplier, 0.5),
        multiplier=multiplier,
        position=position,
        expected=0.1,
        sequence=at + 1,
    )


BANDS = ((1, 1), (2, 2), (3, 4), (5, 7), (8, 12), (13, 20), (21, 40), (41, 255))
rows = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 1),
        st.integers(0, 400),
        st.integers(0, 1),
        st.floats(0.25, 4.0),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=80, deadline=None)
@given(rows=rows, seed=st.integers(0, 99), cut=st.integers(1, 9))
def test_order_and_cuts_do_not_matter(
    rows: list[tuple[int, int, int, int, float]], seed: int, cut: int
) -> None:
    places = random.Random(seed).choices([0, *(end for band in BANDS for end in band)], k=len(rows))
    its = [reward(row, position=at) for row, at in zip(rows, places, strict=True)]
    newest = max(each.shown_at_ms for each in its)
    mixed = its[:]
    random.Random(seed).shuffle(mixed)
    sums = TitleSums(title="t")
    for first in range(0, len(mixed), cut):
        sums = add_to_title(sums, mixed[first : first + cut], half_life_ms=HALF_LIFE, bucket_ms=DAY)
    assert sums.as_of_ms == newest
    for artwork in {each.artwork for each in its}:
        for surface in {each.surface for each in its}:
            own = [e for e in its if (e.artwork, e.surface) == (artwork, surface)]
            if not own:
                continue
            cell = sums.artworks[artwork][surface]
            fade = [0.5 ** ((newest - e.shown_at_ms) / HALF_LIFE) for e in own]
            assert cell.count == len(own)
            assert cell.taken == sum(e.value for e in own)
            assert cell.reward == pytest.approx(
                sum(f * e.value for f, e in zip(fade, own, strict=True)), rel=1e-9
            )
            assert cell.expected == pytest.approx(
                sum(f * e.multiplier for f, e in zip(fade, own, strict=True)), rel=1e-9
            )
            bands = [*cell.bands, *[0.0] * (16 - len(cell.bands))]
            for band, (first, last) in enumerate(BANDS):
                there = [
                    (f, e) for f, e in zip(fade, own, strict=True) if first <= e.position <= last
                ]
                assert bands[2 * band : 2 * band + 2] == pytest.approx(
                    [sum(f * e.value for f, e in there), sum(f * e.multiplier for f, e in there)],
                    rel=1e-9,
                )


@settings(max_examples=60, deadline=None)
@given(rows=rows, cut=st.integers(1, 9), seed=st.integers(0, 99))
def test_shared_sums_are_weighted_least_squares(
    rows: list[tuple[int, int, int, int, float]], cut: int, seed: int
) -> None:
    its = [reward(row) for row in rows]
    mixed = its[:]
    random.Random(seed).shuffle(mixed)
    sums = SharedSums()
    for first in range(0, len(mixed), cut):
        sums = add_to_shared(sums, mixed[first : first + cut], half_life_ms=HALF_LIFE)
    gram, moment, own = shared_matrices([sums, SharedSums()])
    newest = max(each.shown_at_ms for each in its)
    expected_gram, expected_moment = np.zeros((own + 1,) * 2), np.zeros(own + 1)
    assert own == 3
    for each in its:
        weight = 0.5 ** ((newest - each.shown_at_ms) / HALF_LIFE)
        x = np.array([*each.features, 0.0])
        expected_gram += weight * each.value * np.outer(x, x)
        expected_moment += weight * (each.value - each.expected) * x
    np.testing.assert_allclose(gram, expected_gram, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(moment, expected_moment, rtol=1e-9, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(rows=rows, cut=st.integers(1, 9), again=st.integers(0, 20))
def test_rewards_produced_twice_count_once(
    rows: list[tuple[int, int, int, int, float]], cut: int, again: int
) -> None:
    """A producer that restarts repeats a run of records, in their order."""
    its = [reward(row, at) for at, row in enumerate(rows)]
    back = max(0, len(its) - again)
    repeated = its + its[back:]
    once, twice = run(its, cut), run(repeated, cut)
    assert once.keys() == twice.keys()
    assert all(once[key] == twice[key] for key in once)


def run(rewards: list[Reward], cut: int) -> dict[tuple[str, str], bytes]:
    state: dict[tuple[str, str], bytes | None] = {}
    meta, rules = TitlesMeta(), BanditRules(half_life_ms=HALF_LIFE, bucket_ms=DAY)
    for first in range(0, len(rewards), cut):
        batch = rewards[first : first + cut]
        held = {key: state.get(key) for key in wanted(batch, meta, rules)}
        effects, meta = bandit_step(held, batch, meta, rules)
        state.update(effects.puts)
    return {key: value for key, value in state.items() if value is not None}
