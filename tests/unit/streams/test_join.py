"""The reward join, case by case: each row of the table in its module."""

import inspect
import re
from typing import Any

import pytest
from msgspec import structs

from keyart.models.sums.rewards import RewardRules
from keyart.schemas.decisions import Versions
from keyart.schemas.events import Click, Erasure, Event
from keyart.streams.steps.join import JoinRules, batch
from keyart.streams.steps.reasons import REASONS, TAUGHT, WAITED
from tests.unit.streams.join_bench import (
    HOUR,
    MINUTE,
    RULES,
    T0,
    VIEWER,
    Bench,
    about,
    named,
    page,
    played,
    seen,
)


def erasure(at: int, viewer: str = VIEWER) -> Erasure:
    return Erasure(id="x", viewer=viewer, occurred_at_ms=T0 + at)


def test_a_quality_play_within_the_window_is_worth_one() -> None:
    bench = Bench().give(page()).give(seen()).give(played()).end()
    (reward,) = bench.rewards
    assert (reward.value, reward.minutes, reward.engaged) == (1.0, 5.0, ("play",))
    assert (reward.id, reward.artwork, reward.propensity) == (named("d"), "a", 0.25)
    assert (reward.shown_at_ms, reward.source, reward.sequence) == (T0 + 1, 3, 1)
    assert reward.candidates == ("a", "b") and reward.features == (0.1234, -0.5)
    assert reward.versions == Versions(policy="p", prior="n", posterior="1", space="s")
    assert bench.left == []


@pytest.mark.parametrize(
    ("events", "value"),
    [
        ([], 0.0),
        ([played(minutes=1.9)], 0.0),
        ([played(minutes=1.0), played(minutes=1.0, id="q")], 1.0),
        ([Click(id="c", **about(5))], 0.0),
    ],
)
def test_less_than_a_quality_play_is_worth_nothing(events: list[Event], value: float) -> None:
    assert Bench().give(page(), seen(), *events).end().values == [value]


def test_the_window_stays_open_until_it_is_due() -> None:
    bench = Bench().give(page(), seen(0))
    due = T0 + 32 * MINUTE
    assert bench.give(now_ms=due - 1).rewards == []
    assert len(bench.give(now_ms=due).rewards) == 1


def test_events_may_come_before_their_decision() -> None:
    bench = Bench().give(played()).give(seen()).give(page()).end()
    assert bench.values == [1.0]
    assert bench.counts["early_plays"] == bench.counts["early_impressions"] == 1


def test_an_event_without_a_decision_is_dropped() -> None:
    bench = Bench().give(seen(), played()).end()
    assert bench.rewards == []
    assert bench.counts == {
        **{"early_impressions": 1, "orphaned_impressions": 1},
        **{"early_plays": 1, "orphaned_plays": 1},
    }
    assert bench.left == []


def test_one_id_of_events_of_two_decisions_waits_for_both() -> None:
    bench = Bench().give(played(id="p", name="d2"), played(id="p"), played(id="p"))
    assert bench.counts == {"early_plays": 2, "repeat_plays": 1}
    assert bench.give(page(), seen()).end().values == [1.0]


def test_events_that_wait_for_decisions_are_bounded() -> None:
    bench = Bench().give(*(played(id=f"p{at}", name=f"d{at}") for at in range(700)))
    assert bench.counts["crowded_plays"] == 700 - 576
    assert bench.end().left == []


def test_past_plays_take_no_room_from_a_page_that_is_seen_before_its_decision() -> None:
    """A history is being loaded while its viewer sees a whole page, and the log has that first."""
    past = [played(name=None, id=f"past-{at}", title=f"old-{at}") for at in range(300)]
    bench = Bench().give(*past[:100])
    assert bench.counts["unasked_plays"] == 36
    whole = page(more=199)
    cited: list[dict[str, Any]] = [
        {"title": each.title, "decision": each.id} for each in whole.decisions
    ]
    bench.give(*(seen(id=f"i{at}", **one) for at, one in enumerate(cited)))
    bench.give(*past[100:], *(played(id=f"p{at}", **one) for at, one in enumerate(cited)))
    assert bench.counts["unasked_plays"] == 236
    assert not {"crowded_impressions", "crowded_plays"} & bench.counts.keys()
    bench.give(whole).end()
    assert bench.values == [1.0] * 200
    assert bench.left == []


def test_an_event_that_names_no_id_of_a_decision_waits_for_nothing() -> None:
    for text in ("v:" + VIEWER, "x", "0" * 32, "meta/erased"):
        bench = Bench().give(page(), seen(decision=text), played(decision=text))
        assert bench.counts == {"orphaned_impressions": 1, "orphaned_plays": 1}
        assert bench.end().rewards == []


def test_a_decision_without_an_impression_teaches_nothing_and_leaves_nothing() -> None:
    bench = Bench().give(page(more=4), played()).end()
    assert bench.rewards == []
    assert bench.counts == {"unseen": 5, "unseen_plays": 1}
    assert bench.left == []


@pytest.mark.parametrize("after", [33 * MINUTE, 3 * HOUR, 6 * HOUR - 1])
def test_what_is_seen_late_in_the_dwell_period_is_a_reward(after: int) -> None:
    bench = Bench().give(page()).until(after)
    bench.give(seen(after)).give(played(after + MINUTE)).end()
    assert bench.values == [1.0]
    assert bench.rewards[0].shown_at_ms == T0 + after
    assert bench.left == []


def test_a_play_long_before_the_impression_leaves_the_decision_open() -> None:
    bench = Bench().give(page(), played(MINUTE)).until(2 * HOUR)
    assert bench.counts == {"unseen_plays": 1}
    bench.give(seen(3 * HOUR), played(3 * HOUR + 1, id="q")).end()
    assert bench.values == [1.0]


def test_a_decision_logged_again_counts_once() -> None:
    bench = Bench().give(page(), page()).give(page()).give(seen()).until(40 * MINUTE)
    bench.give(page(), received=41 * MINUTE).give(seen(42 * MINUTE, id="i2")).end()
    bench.give(page(), received=7 * HOUR).give(seen(7 * HOUR, id="i3")).end()
    assert len(bench.rewards) == 1
    assert bench.counts["repeat_decisions"] == 4
    assert bench.counts["repeat_impressions"] == 1
    assert bench.left == []


def test_another_choice_is_another_decision_with_a_reward_of_its_own() -> None:
    """What was shown and what came of it stay together, whichever of the two is played."""
    bench = Bench().give(page(), seen(artwork="a"))
    bench.give(page(MINUTE, "b", name="e"), seen(2 * MINUTE, "e", id="j", artwork="b"))
    bench.give(played(3 * MINUTE, "e", artwork="b")).end()
    assert {reward.artwork: reward.value for reward in bench.rewards} == {"a": 0.0, "b": 1.0}
    assert {reward.id for reward in bench.rewards} == {named("d"), named("e")}


@pytest.mark.parametrize("count", [800, 2200])
def test_a_viewer_with_many_decisions_is_rewarded_once_for_each(count: int) -> None:
    rules = JoinRules(rewards=RULES.rewards, hourly=10**6)
    bench = Bench(rules)
    for first in range(0, count, 200):
        size = min(200, count - first)
        some = page(title=f"t{first}-", name=f"d{first}-", more=size - 1)
        for _ in range(2):
            bench.give(some)
            bench.give(*(seen(id=f"i{e.id}", decision=e.id, title=e.title) for e in some.decisions))
        bench.until(32 * MINUTE + 1)
    bench.end()
    taught = [reward.id for reward in bench.rewards]
    assert len(set(taught)) == len(taught) == min(count, 2048)
    assert bench.counts["beyond_bound"] == 2 * max(0, count - 2048)


def test_a_second_impression_and_a_repeated_event_count_once() -> None:
    bench = Bench().give(page(), seen(1))
    bench.give(seen(2, id="i2"), played(minutes=1.5), played(minutes=1.5)).end()
    assert [(reward.shown_at_ms, reward.value) for reward in bench.rewards] == [(T0 + 1, 0.0)]
    assert bench.counts["repeat_impressions"] == 1
    assert bench.counts["repeat_plays"] == 1


def test_a_play_outside_the_window_does_not_count() -> None:
    bench = Bench().give(page(), seen(0)).give(played(30 * MINUTE + 1)).end()
    assert bench.values == [0.0]
    assert bench.counts["outside_window_plays"] == 1


def test_a_play_after_the_window_closed_is_late() -> None:
    bench = Bench().give(page(), seen(0)).until(33 * MINUTE).give(played(34 * MINUTE))
    assert bench.values == [0.0]
    assert bench.counts["late_plays"] == 1


def test_an_engagement_with_another_artwork_does_not_count() -> None:
    bench = Bench().give(page(artwork="a"), seen(artwork="a"), played(artwork="b")).end()
    assert bench.values == [0.0]
    assert bench.counts["other_artwork_plays"] == 1


def test_another_viewers_and_another_titles_decision_is_foreign_and_moves_nothing() -> None:
    """Those of the older ids, which do not tell, never meet another viewer's decision either."""
    other = "f" * 32
    bench = Bench().give(page(), page(title="u", name="e"), seen(), seen(1, "e", "i2", title="u"))
    bench.give(played(title="u", decision=named("d")), played(viewer=other, decision=named("d")))
    bench.give(seen(viewer=other, decision="0123456789abcdef"))
    bench.end()
    assert bench.values == [0.0, 0.0]
    assert bench.counts["orphaned_impressions"] == 1
    assert bench.left == []


def test_an_older_id_of_another_title_moves_nothing() -> None:
    older = page()
    decision = structs.replace(older.decisions[0], id="0123456789abcdef")
    bench = Bench().give(structs.replace(older, decisions=(decision,)))
    bench.give(seen(decision=decision.id), played(decision=decision.id, title="u")).end()
    assert [(each.id, each.value) for each in bench.rewards] == [(decision.id, 0.0)]
    assert bench.counts["foreign_plays"] == 1


def test_an_event_without_an_id_finds_the_latest_decision_of_its_title_and_surface() -> None:
    bench = Bench().give(page(), page(MINUTE, "b", name="e"))
    bench.give(seen(2 * MINUTE, None), played(3 * MINUTE, None, surface="search")).end()
    assert [(each.artwork, each.value) for each in bench.rewards] == [("b", 0.0)]
    assert bench.counts["unasked_plays"] == 1


def test_an_event_without_an_id_finds_the_decision_of_its_artwork() -> None:
    bench = Bench().give(page(), page(MINUTE, "b", name="e"))
    bench.give(seen(2 * MINUTE, None, artwork="a"), played(3 * MINUTE, None, artwork="a")).end()
    assert [(each.artwork, each.value) for each in bench.rewards] == [("a", 1.0)]


def test_an_event_that_was_received_before_a_decision_is_not_about_it() -> None:
    bench = Bench().give(seen(0, None)).give(page(MINUTE)).end()
    assert bench.rewards == []
    assert bench.counts["orphaned_impressions"] == 1


def test_an_hour_of_one_viewer_teaches_a_bounded_number_of_times() -> None:
    """By the log's time: what the events claim, an hour apart each, does not help."""
    bench = Bench(JoinRules(rewards=RULES.rewards, hourly=3))
    for at in range(6):
        bench.give(page(name=f"d{at}"), received=at)
        bench.give(seen(-at * HOUR, f"d{at}", f"i{at}"), received=MINUTE + at)
    bench.end()
    assert len(bench.rewards) == 3
    assert bench.counts["limited"] == 3
    assert bench.left == []


def test_the_bound_holds_when_a_viewer_is_erased_in_between() -> None:
    bench = Bench(JoinRules(rewards=RewardRules(window_ms=MINUTE), lateness_ms=0, hourly=3))
    hour = HOUR - T0 % HOUR  # the first whole hour after T0
    for at in range(6):
        when = hour + at * 2 * MINUTE
        bench.give(page(when, name=f"d{at}"), seen(when + 1, f"d{at}", f"i{at}"))
        bench.until(when + MINUTE + 1)
        bench.give(erasure(when + MINUTE + 2))
        assert bench.left == []
    assert len(bench.rewards) == 3
    later = hour + HOUR
    bench.give(page(later, name="e"), seen(later + 1, "e", "j")).end()
    assert len(bench.rewards) == 4


def test_an_erased_viewer_leaves_no_reward_and_no_trace_behind() -> None:
    bench = Bench().give(page(more=3), seen(), played(title="u", name=None))
    bench.give(erasure(MINUTE))
    assert bench.left == []
    assert not any(VIEWER.encode() in value for value in bench.state.values() if value)
    bench.give(page(0)).give(seen()).end()  # decided before, read after
    assert bench.rewards == []
    assert bench.counts["erased"] == 1 + 1
    assert bench.counts["erased_plays"] == 1
    assert bench.left == []


def test_a_viewer_who_comes_back_after_an_erasure_is_anybody() -> None:
    bench = Bench().give(page(), seen(), erasure(MINUTE))
    bench.give(page(2 * MINUTE, name="e"), seen(3 * MINUTE, "e"), played(4 * MINUTE, "e")).end()
    assert bench.values == [1.0]


def test_too_many_events_of_one_decision_are_bounded() -> None:
    bench = Bench().give(page(), seen())
    bench.give(*(played(minutes=0.01, id=f"p{at}") for at in range(100))).end()
    assert bench.counts["crowded_plays"] == 100 - 32
    assert len(bench.rewards) == 1


def test_every_counter_is_explained() -> None:
    """The page and the alerts find a sentence for whatever the join counts."""
    source = inspect.getsource(batch)
    of_events = set(re.findall(r'(?:_count|_given_up)\(\s*"(\w+)"', source))
    of_events |= {"repeat", "late", "foreign", "unasked"}
    names = {f"{each}_{kind}" for each in of_events for kind in ("impressions", "plays")}
    names |= set(re.findall(r'counts\["(\w+)"\]', source))
    never = {"late_impressions", "unseen_impressions", "outside_window_impressions"}
    never |= {"unasked_impressions"}
    # what is held back is counted by the bandit, once it is found to be a burst
    assert names - never == (REASONS.keys() - {"held_back"}) | {TAUGHT} | set(WAITED)


def test_a_reward_is_of_the_key_that_told_of_its_impression() -> None:
    bench = Bench().give(page()).give(played(caller="player"))
    bench.give(seen(caller="web")).give(seen(id="again", caller="partner")).end()
    (reward,) = bench.rewards
    assert (reward.caller, reward.value) == ("web", 1.0)
