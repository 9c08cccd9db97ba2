"""Arms against each other and the policy against uniform choice, from real rewards."""

import hashlib
from collections.abc import Mapping

import numpy as np
import pytest
from msgspec import structs

from keyart.models.statistics.splits import split_text
from keyart.models.statistics.timeline import Key, observe_batch
from keyart.schemas.decisions import Versions
from keyart.schemas.posterior import PolicyBucket
from keyart.schemas.rewards import Reward
from keyart.services.page.comparison import (
    experiment_of,
    lift_of,
    lifts_over_time,
    until_takes,
    worth_of,
)
from keyart.services.page.strata import Filter, chosen, strata, surfaces

DAY_MS = 86_400_000
START_MS = 1_700_006_400_000
VERSIONS = Versions(policy="p", prior="n", posterior="0", space="s")
HALF = split_text(0.2, {"optimistic": 0.5, "lola": 0.5})


def traffic(
    fractions: Mapping[str, float],
    *,
    split: str = HALF,
    days: tuple[int, int] = (0, 4),
    a_day: int = 2000,
    seed: int = 1,
    surface: str = "home",
    uniform: float = 0.1,
    viewers: int = 4000,
) -> list[Reward]:
    """Impressions of viewers who are in one arm each; every fifth choice is explored."""
    draw = np.random.default_rng(seed)
    arms = list(fractions)
    found = []
    for day in range(*days):
        for at in range(a_day):
            number = int(draw.integers(viewers))
            arm = arms[number % len(arms)]
            explored = bool(draw.random() < 0.2)
            shown = START_MS + day * DAY_MS + at * DAY_MS // a_day
            found.append(
                Reward(
                    id=f"{seed}-{day}-{at}",
                    viewer=hashlib.blake2b(f"{number}".encode(), digest_size=16).hexdigest(),
                    title="t",
                    artwork="a",
                    surface=surface,
                    value=float(draw.random() < (uniform if explored else fractions[arm])),
                    shown_at_ms=shown,
                    closed_at_ms=shown + 1000,
                    candidates=("a", "b"),
                    propensities=(0.75, 0.25),
                    explored=explored,
                    policy=arm,
                    versions=VERSIONS,
                    split=split,
                )
            )
    return found


def buckets(*every: list[Reward]) -> dict[Key, PolicyBucket]:
    together = [reward for some in every for reward in some]
    return observe_batch(together, bucket_ms=DAY_MS // 4)


def test_arms_are_compared_over_the_time_in_which_both_ran() -> None:
    """The default did badly before the experiment; that must not be held against it."""
    alone = split_text(0.2, {"optimistic": 1.0})
    before = traffic({"optimistic": 0.02}, split=alone, days=(0, 3), seed=2)
    during = traffic({"optimistic": 0.2, "lola": 0.2}, days=(3, 8))
    found = experiment_of(strata(buckets(before, during), Filter()))
    assert found is not None
    assert found.since_ms == START_MS + 3 * DAY_MS and found.running
    default, lola = found.arms
    assert (default.policy, lola.policy) == ("optimistic", "lola")
    assert default.lift is None and lola.lift is not None
    assert lola.lift.low < 0.0 < lola.lift.high
    assert abs(lola.lift.percent) < 15.0
    assert lola.lift.control == "keyart (optimistic)"
    own = [each for each in during if each.policy == "lola" and not each.explored]
    assert lola.impressions == len(own)
    assert lola.takes == sum(each.value for each in own)


def test_a_better_arm_is_told_and_its_extra_takes_are_counted() -> None:
    found = experiment_of(
        strata(buckets(traffic({"optimistic": 0.1, "lola": 0.2}, days=(0, 6))), Filter())
    )
    assert found is not None and found.passed
    lift = found.arms[1].lift
    assert lift is not None and lift.low > 0.0 and lift.until == ""
    assert lift.extra == pytest.approx(
        found.arms[1].impressions * (found.arms[1].mean - found.arms[0].mean), rel=0.05
    )
    assert lift.extra_low < lift.extra < lift.extra_high


def test_shares_are_those_of_the_time_and_a_lost_arm_is_seen() -> None:
    sound = traffic({"optimistic": 0.1, "lola": 0.1}, days=(0, 6))
    lossy = [each for at, each in enumerate(sound) if each.policy != "lola" or at % 3]
    good = experiment_of(strata(buckets(sound), Filter()))
    bad = experiment_of(strata(buckets(lossy), Filter()))
    assert good is not None and bad is not None
    assert good.passed and [each.share_meant for each in good.arms] == [0.5, 0.5]
    assert not bad.passed
    assert bad.arms[1].share_seen == pytest.approx(0.4, abs=0.02)


def test_an_experiment_that_ended_is_said_to_have() -> None:
    alone = split_text(0.2, {"optimistic": 1.0})
    every = strata(
        buckets(
            traffic({"optimistic": 0.1, "lola": 0.1}, days=(0, 2)),
            traffic({"optimistic": 0.1}, split=alone, days=(2, 4)),
        ),
        Filter(),
    )
    found = experiment_of(every)
    assert found is not None and not found.running
    assert experiment_of(every[-1:]) is None
    assert experiment_of([]) is None


def test_the_headline_states_its_control_and_since_when() -> None:
    lift = lift_of(strata(buckets(traffic({"optimistic": 0.2})), Filter()), "optimistic")
    assert lift is not None
    assert lift.control == "uniform choice"
    assert "20 % of choices drawn evenly" in lift.control_words
    assert lift.since_ms == START_MS
    assert lift.low > 0.0 and lift.until == ""


def test_how_long_until_it_can_be_told() -> None:
    close = traffic({"optimistic": 0.115}, a_day=3000)
    near = lift_of(strata(buckets(close), Filter()), "optimistic")
    assert near is not None and near.low < 0.0 < near.high
    assert "more impressions" in near.until and "at the present rate" in near.until
    equal = [each for each in traffic({"optimistic": 0.1}, seed=5) if not each.explored]
    both = equal + [structs.replace(each, explored=True) for each in equal]
    same = lift_of(strata(buckets(both), Filter()), "optimistic")
    assert same is not None and same.percent == 0.0
    assert same.until.startswith("Cannot be told")


def test_until_there_are_takes_enough() -> None:
    assert "5 days" in until_takes({"a": 40.0, "b": 5.0}, {"a": 10.0, "b": 1.0})
    assert until_takes({"a": 40.0, "b": 5.0}, {"a": 10.0}) == ""


def test_the_lift_is_drawn_so_far_with_an_interval_that_narrows() -> None:
    every = strata(buckets(traffic({"optimistic": 0.1, "lola": 0.2}, days=(0, 6))), Filter())
    headline, lola = lifts_over_time(every, "optimistic")
    assert "over uniform choice" in headline.name
    assert lola.name == "lola over keyart (optimistic)"
    first, last = lola.points[0], lola.points[-1]
    assert last.high - last.low < 0.5 * (first.high - first.low)
    assert last.low > 0.0
    assert [point.at for point in lola.points] == sorted(point.at for point in lola.points)


def test_a_filter_lets_through_one_surface_and_one_span_of_time() -> None:
    held = buckets(
        traffic({"optimistic": 0.2}, days=(0, 2)),
        traffic({"optimistic": 0.4}, days=(0, 2), surface="search", seed=3, a_day=500),
    )
    assert list(surfaces(held)) == ["home", "search"]
    wanted = Filter(surface="search", from_ms=START_MS, to_ms=START_MS + DAY_MS)
    assert sum(bucket.count for bucket in chosen(held, wanted).values()) == 500
    (stratum,) = strata(held, wanted)
    track = stratum.policies["optimistic"].whole
    assert track.value / track.count == pytest.approx(0.4, abs=0.06)
    assert strata(held, Filter(surface="nowhere")) == []


def test_what_was_stored_before_there_were_splits_is_compared_as_one_time() -> None:
    old = {
        key: PolicyBucket(
            count=each.count, value=each.value, counts=each.counts, values=each.values
        )
        for key, each in buckets(traffic({"optimistic": 0.2})).items()
    }
    new = buckets(traffic({"optimistic": 0.2}, days=(4, 8), seed=2))
    every = strata(old | new, Filter())
    assert [each.split.explore for each in every] == [None, 0.2]
    lift = lift_of(every, "optimistic")
    assert lift is not None and lift.low > 0.0
    assert lift.since_ms == START_MS


HELD = split_text(0.2, {"optimistic": 0.9, "holdback": 0.1})


def test_all_that_keyart_does_is_compared_with_who_is_held_back() -> None:
    every = strata(buckets(traffic({"optimistic": 0.2, "holdback": 0.1}, split=HELD)), Filter())
    worth = worth_of(every)
    assert worth.lift is not None and worth.waiting == ""
    # what is explored is keyart's too: 0.8 x 0.2 + 0.2 x 0.1 of viewers who are not held back, and
    # `traffic` explores for those who are as well
    assert worth.lift.low < 100 * (0.18 / 0.1 - 1) < worth.lift.high
    assert worth.lift.low > 0 and worth.share == 0.1
    assert worth.lift.control == "default artworks"
    assert "10 % of viewers" in worth.lift.control_words
    assert experiment_of(every) is None, "a holdback alone is no experiment"


def test_an_experiment_beside_a_holdback_is_checked_without_it() -> None:
    split = split_text(0.2, {"optimistic": 0.45, "lola": 0.45, "holdback": 0.1})
    found = experiment_of(
        strata(buckets(traffic({"optimistic": 0.1, "lola": 0.1}, split=split)), Filter())
    )
    assert found is not None and found.passed
    assert [arm.share_meant for arm in found.arms] == pytest.approx([0.5, 0.5])


def test_what_it_is_worth_is_said_in_words_before_it_can_be_known() -> None:
    few = traffic({"optimistic": 0.2, "holdback": 0.01}, split=HELD, days=(0, 1), a_day=300)
    own = [each for each in few if not each.explored]
    said = worth_of(strata(buckets(own), Filter()))
    assert said.lift is None and said.share == 0.1
    assert said.waiting.startswith("An honest interval needs 10 takes on each side; so far keyart")
    nobody = worth_of(strata(buckets(traffic({"optimistic": 0.2})), Filter()))
    assert "set KEYART_HOLDBACK" in nobody.waiting
    assert "once both sides have 10 takes" in worth_of([]).waiting
