"""One caller's key holds no more of an artwork than its share, where others say otherwise."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from scipy.stats import chi2

from keyart.models.sums.adding import add_to_title
from keyart.models.sums.callers import LEAST_SHARE, SLACK, usual_share, weights
from keyart.models.sums.rates import luck
from keyart.schemas import codec
from keyart.schemas.decisions import Versions
from keyart.schemas.posterior import MAX_CALLERS, NOBODY, OTHER_CALLER, Cells, TitleSums
from keyart.schemas.rewards import Reward

DAY = 86_400_000
START = 1_700_000_000_000
VERSIONS = Versions(policy="p", prior="", posterior="", space="s")
ARTWORKS = ("a0", "a1", "a2")


def reward(number: int, caller: str, *, artwork: str = "a0", value: float = 0.0) -> Reward:
    return Reward(
        id=f"{number:024x}",
        viewer=f"{number:032x}",
        title="t",
        artwork=artwork,
        surface="home",
        value=value,
        shown_at_ms=START + 100 * number,
        closed_at_ms=START + 100 * number + 1,
        candidates=ARTWORKS,
        propensities=(0.4, 0.3, 0.3),
        explored=False,
        policy="p",
        versions=VERSIONS,
        caller=caller,
    )


def learned(rewards: list[Reward], before: TitleSums | None = None) -> TitleSums:
    sums = before or TitleSums(title="t")
    for each in rewards:
        sums = add_to_title(sums, [each], half_life_ms=60 * DAY, bucket_ms=DAY)
    return sums


def told(takes: list[float], shown: list[float]) -> np.ndarray:
    return np.array([takes, shown])


def counts(cells: Cells) -> Counter[str]:
    return Counter({name: sum(c.count for c in its.values()) for name, its in cells.items()})


CALLERS = st.sampled_from(["web", "tv", "partner", NOBODY])
REWARDS = st.lists(st.tuples(CALLERS, st.sampled_from(ARTWORKS), st.booleans()), max_size=40)


@given(REWARDS, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_callers_are_told_apart_exactly_and_in_any_order(
    said: list[tuple[str, str, bool]], rng: random.Random
) -> None:
    rewards = [
        reward(at, caller, artwork=artwork, value=float(took))
        for at, (caller, artwork, took) in enumerate(said, start=1)
    ]
    sums = learned(rewards)
    names = {each.caller for each in rewards}
    # of one caller alone nothing is kept apart
    assert sums.callers.keys() == (names if len(names) > 1 else set())
    assert len(names) != 1 or {sums.caller} == names
    for name, cells in sums.callers.items():
        expected = Counter(each.artwork for each in rewards if each.caller == name)
        assert counts(cells) == expected
        for artwork, its in cells.items():
            took = sum(r.value for r in rewards if (r.caller, r.artwork) == (name, artwork))
            assert its["home"].taken == took
    told = sum((counts(cells) for cells in sums.callers.values()), Counter())
    assert told == (counts(sums.artworks) if len(names) > 1 else Counter())
    shuffled = rewards.copy()
    rng.shuffle(shuffled)
    other = learned(shuffled)
    for name, cells in sums.callers.items():
        for artwork, its in cells.items():
            assert other.callers[name][artwork]["home"].expected == pytest.approx(
                its["home"].expected
            )


def test_sums_of_an_older_keyart_are_nobodys() -> None:
    old = learned([reward(at, NOBODY) for at in range(1, 6)])
    assert b"caller" not in codec.pack(old)
    sums = learned(
        [reward(9, "web", artwork="a1", value=1.0)], codec.unpack(codec.pack(old), TitleSums)
    )
    assert counts(sums.callers[NOBODY]) == {"a0": 5}
    assert counts(sums.callers["web"]) == {"a1": 1}


def test_keys_beyond_those_kept_are_one() -> None:
    sums = learned([reward(at, f"key{at}") for at in range(1, MAX_CALLERS + 4)])
    assert len(sums.callers) == MAX_CALLERS + 1
    assert counts(sums.callers[OTHER_CALLER]) == {"a0": 3}


def test_what_is_held_back_of_a_burst_leaves_its_caller_too() -> None:
    rng = random.Random(3)
    fresh = [
        reward(at, "web", artwork=rng.choice(ARTWORKS), value=float(rng.random() < 0.2))
        for at in range(1, 400)
    ]
    sums = learned(fresh)
    before = counts(sums.artworks)["a0"]
    flood = [reward(at, "partner") for at in range(400, 800)]
    sums = learned([structs.replace(each, fresh=True) for each in flood], sums)
    assert sums.fresh is not None and sums.fresh.held.rewards > 300
    held = counts(sums.fresh.held.callers["partner"])["a0"]
    assert held == sums.fresh.held.rewards
    assert counts(sums.callers["partner"])["a0"] == counts(sums.artworks)["a0"] - before
    assert counts(sums.callers["partner"])["a0"] + held >= 380


def test_a_key_that_says_what_others_do_not_is_bounded_to_its_usual_share() -> None:
    site = {
        "web": told([25, 12, 12], [250, 250, 250]),
        "tv": told([25, 12, 12], [250, 250, 250]),
        "partner": told([0, 300, 12], [2700, 300, 250]),
    }
    elsewhere = dict.fromkeys(site, 1e6)
    found = weights(site, elsewhere)
    assert found.keys() == {"partner"}
    assert found["partner"][0] * 2700 == pytest.approx(SLACK * 250, rel=1e-3)
    assert found["partner"][2] == 1.0


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6])
def test_no_key_that_contradicts_holds_more_than_its_share(share: float) -> None:
    site = {
        "web": told([40, 20], [400, 400]),
        "partner": told([0, 900], [5000, 5000]),
    }
    found = weights(site, {"web": (1 - share) * 1e9, "partner": share * 1e9})
    counted = found["partner"] * site["partner"][1]
    usual = max(share, LEAST_SHARE)
    assert counted / 400 == pytest.approx(SLACK * usual / (1 - usual), rel=1e-3)


def test_who_says_the_same_is_never_bounded() -> None:
    site = {"web": told([40, 20], [400, 400]), "partner": told([400, 200], [4000, 4000])}
    assert weights(site, {"web": 1e6, "partner": 1e3}) == {}


def test_a_dominant_key_keeps_its_share_whatever_a_small_one_says() -> None:
    site = {"web": told([800, 400], [8000, 8000]), "partner": told([0, 900], [3000, 3000])}
    assert weights(site, {"web": 8e5, "partner": 1e5}).keys() == {"partner"}


def test_a_flood_of_one_key_silences_nobody_else() -> None:
    rng = np.random.default_rng(1)
    rates = np.array([0.1, 0.05, 0.05, 0.05])
    for flood in (300, 3000, 300_000):
        site = {}
        for name in ("web", "tv", "app"):
            shown = rng.poisson(2000, 4).astype(float)
            site[name] = np.array([rng.poisson(rates * shown), shown])
        site["app"] = site["app"] + told([0, flood / 10, 0, 0], [flood * 0.9, flood / 10, 0, 0])
        found = weights(site, dict.fromkeys(site, 1e6))
        assert all(each.min() > 0.9 for name, each in found.items() if name != "app")
        if flood >= 3000:
            counted = found["app"] * site["app"][1]
            share = counted / sum(site[name][1] for name in ("web", "tv"))
            assert share.max() <= SLACK / 2 + 1e-3


def test_one_key_alone_is_everybody() -> None:
    one = told([0, 300], [1000, 1000])
    assert weights({"web": one}, {"web": 1e5}) == {}
    before = {NOBODY: told([80, 20], [400, 400]), "web": one}
    assert weights(before, {NOBODY: 1e6, "web": 1.0}) == {}


def test_shares_are_equal_until_other_titles_tell() -> None:
    assert usual_share({"a": 0.0, "b": 0.0}, "a") == pytest.approx(0.5)
    assert usual_share({"a": 9e6, "b": 1e6, NOBODY: 1e9}, "a") == pytest.approx(0.9, rel=1e-3)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_luck_is_rare_where_nothing_differs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rates = np.array([0.1, 0.05, 0.05])
    shown, more = np.array([800.0, 900.0, 700.0]), np.array([3000.0, 500.0, 800.0])
    settled = np.array([rng.poisson(rates * shown), shown])
    said = np.array([rng.poisson(rates * more), more])
    assert luck(settled, said) > 1e-6


def test_luck_is_that_of_an_independent_test() -> None:
    settled, said = told([30], [300]), told([5], [200])
    # two Poisson rates, conditioned on their sum: a binomial's G test
    total, part = 35.0, 300 / 500
    ratio = 30 * np.log(30 / (total * part)) + 5 * np.log(5 / (total * (1 - part)))
    assert luck(settled, said) == pytest.approx(chi2.sf(2 * ratio, 1))
