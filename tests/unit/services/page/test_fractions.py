import hashlib
from math import exp, log

import pytest

from keyart.models.statistics.timeline import EXPLORE, Key, observe_batch
from keyart.schemas.decisions import Versions
from keyart.schemas.posterior import PolicyBucket
from keyart.schemas.rewards import Reward
from keyart.services.page.fractions import (
    CONTROL,
    POINTS,
    effective_trail,
    figures,
    in_order,
    leading,
    over_time,
    spoken,
    tracks,
)

START_MS = 1_700_000_040_000
MINUTE = 60_000
VERSIONS = Versions(policy="p", prior="n", posterior="0", space="s")


def rewards(policy: str, minutes: int, *, takes: int, of: int) -> list[Reward]:
    """`takes` of `of` choices a minute end in a play; every fourth choice is explored."""
    return [
        Reward(
            id=f"{policy}{minute}-{at}",
            viewer=hashlib.blake2b(f"{minute}-{at}".encode(), digest_size=16).hexdigest(),
            title="t",
            artwork="a",
            surface="home",
            value=float(at < takes),
            shown_at_ms=START_MS + minute * MINUTE + at,
            closed_at_ms=START_MS + minute * MINUTE + at + 1000,
            candidates=("a", "b"),
            propensities=(0.75, 0.25),
            explored=at % 4 == 3,
            policy=policy,
            versions=VERSIONS,
        )
        for minute in range(minutes)
        for at in range(of)
    ]


def buckets(*every: list[Reward]) -> dict[Key, PolicyBucket]:
    together = [reward for some in every for reward in some]
    return observe_batch(together, bucket_ms=MINUTE)


def test_exploration_and_the_uniform_policy_are_one_control() -> None:
    held = tracks(
        buckets(rewards("thompson", 3, takes=2, of=8), rewards("uniform", 3, takes=1, of=8))
    )
    assert held.keys() == {"thompson", CONTROL}
    assert held["thompson"].whole.count == 3 * 6
    assert held[CONTROL].whole.count == 3 * 8 + 3 * 2


def test_the_policy_that_serves_comes_first_and_the_control_last() -> None:
    held = tracks(
        buckets(
            rewards("zeta", 2, takes=2, of=4),
            rewards("alpha", 2, takes=2, of=8),
            rewards("keyart", 2, takes=2, of=4),
        )
    )
    assert [track.policy for track in in_order(held, "zeta")] == [
        "zeta",
        "alpha",
        "keyart",
        CONTROL,
    ]
    assert leading(held, "keyart") == "keyart"
    assert leading(held, "gone") == "alpha"
    assert leading({}, "keyart") == "keyart"
    found = figures(in_order(held, "keyart"))
    assert [each.role for each in found] == ["policy", "policy", "policy", "control"]
    assert found[0].mean == pytest.approx(4 / 6)
    assert found[0].low < found[0].mean < found[0].high


def test_each_moving_point_covers_its_window_and_no_more() -> None:
    quiet = rewards("keyart", 60, takes=0, of=8)
    lively = [
        each
        for each in rewards("keyart", 120, takes=8, of=8)
        if each.shown_at_ms >= START_MS + 60 * MINUTE
    ]
    timeline = over_time(in_order(tracks(buckets(quiet, lively)), "keyart"), view="moving")
    assert timeline.window_impressions == 120 * 8 // 6
    (keyart, control) = timeline.series
    assert (keyart.policy, control.policy) == ("keyart", CONTROL)
    assert len(keyart.points) <= POINTS
    for point in keyart.points:
        last = (point.at - START_MS) // MINUTE
        covered = range(max(0, last - 19), last + 1)
        assert point.n == 6 * len(covered)
        assert point.mean == pytest.approx(sum(minute >= 60 for minute in covered) / len(covered))
    assert keyart.points[0].at - START_MS >= 9 * MINUTE


def test_a_quiet_hour_reaches_further_back() -> None:
    busy = rewards("keyart", 30, takes=10, of=80)
    calm = [
        each
        for each in rewards("keyart", 90, takes=1, of=4)
        if each.shown_at_ms >= START_MS + 30 * MINUTE
    ]
    timeline = over_time(in_order(tracks(buckets(busy, calm)), "keyart"), view="moving")
    last = timeline.series[0].points[-1]
    together = [point.n for each in timeline.series for point in each.points if point.at == last.at]
    assert timeline.window_impressions <= sum(together) <= timeline.window_impressions + 80


def test_each_total_point_covers_everything_up_to_it() -> None:
    timeline = over_time(
        in_order(tracks(buckets(rewards("keyart", 10, takes=2, of=8))), "keyart"), view="total"
    )
    counts = [point.n for point in timeline.series[0].points]
    assert counts == [6 * minutes for minutes in range(1, 11)]


def test_one_bucket_and_none_are_no_failure() -> None:
    assert over_time([], view="moving").series == ()
    one = over_time(in_order(tracks(buckets(rewards("k", 1, takes=1, of=8))), "k"), view="moving")
    assert len(one.series[0].points) == 1


def test_the_trail_is_the_effective_number_of_artworks() -> None:
    held = tracks(buckets(rewards("keyart", 5, takes=1, of=8)))
    nats = -(0.75 * log(0.75) + 0.25 * log(0.25))
    assert effective_trail(held["keyart"]) == pytest.approx([exp(nats)] * 5)


def test_policies_have_names_for_people() -> None:
    assert spoken(CONTROL) == "uniform choice"
    assert spoken("epsilon_greedy") == "epsilon greedy"
    assert spoken("optimistic") == "keyart (optimistic)"
    assert EXPLORE not in tracks(buckets(rewards("keyart", 1, takes=1, of=4)))
