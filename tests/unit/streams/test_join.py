"""The reward join, case by case: each row of the table in its module."""

from typing import Any

import pytest

from keyart.models.rewards import RewardRules
from keyart.schemas import codec
from keyart.schemas.decisions import Decision, DecisionPage, Terms, Versions
from keyart.schemas.events import Click, Erasure, Event, Impression, Play
from keyart.schemas.ids import ViewerKey, decision_id
from keyart.schemas.rewards import Reward
from keyart.streams.steps.due import DueIndex
from keyart.streams.steps.join import JoinBatch, JoinRules, wanted

VIEWER = ViewerKey("0" * 31 + "1")
T0 = 1_700_000_000_000
MINUTE = 60_000
RULES = JoinRules(rewards=RewardRules(window_ms=30 * MINUTE, minutes=2.0), lateness_ms=2 * MINUTE)
ID = decision_id(VIEWER, "t", "home", 7)


class Bench:
    """Drives the join by hand, keeping its state as bytes as a store would."""

    def __init__(self, rules: JoinRules = RULES) -> None:
        self.rules = rules
        self.state: dict[tuple[str, str], bytes | None] = {}
        self.due = DueIndex()
        self.sequence = 0
        self.rewards: list[Reward] = []
        self.counts: dict[str, int] = {}

    def give(self, *records: DecisionPage | Event, now_ms: int = 0) -> "Bench":
        pages = [record for record in records if isinstance(record, DecisionPage)]
        events = [record for record in records if not isinstance(record, DecisionPage)]
        due = self.due.until(now_ms, 100)
        held = {key: self.state.get(key) for key in wanted(pages, events, due, self.rules)}
        batch = JoinBatch(held, self.rules, source=3, sequence=self.sequence)
        for page in pages:
            batch.decide(page)
        for event in events:
            batch.observe(event)
        batch.close(due)
        effects = batch.finish()
        self.state.update(effects.puts)
        self.due.add(batch.due)
        self.sequence = batch.sequence
        self.rewards += [codec.rewards.decode(output.value) for output in effects.outputs]
        for name, count in effects.counts.items():
            if count:
                self.counts[name] = self.counts.get(name, 0) + count
        return self

    def end(self) -> "Bench":
        for _ in range(3):
            self.give(now_ms=T0 + 10**9)
        return self

    @property
    def left(self) -> list[str]:
        return [key for (_, key), value in self.state.items() if value is not None]


def page(at: int = 0, artwork: str = "a", *, title: str = "t", name: str = ID) -> DecisionPage:
    decision = Decision(
        id=name,
        title=title,
        artwork=artwork,
        candidates=("a", "b"),
        propensities=(0.25, 0.75),
        explored=False,
        terms=Terms(level=0.02),
    )
    return DecisionPage(
        viewer=VIEWER,
        surface="home",
        decided_at_ms=T0 + at,
        policy="keyart",
        versions=Versions(policy="p", prior="n", posterior="1", space="s"),
        decisions=(decision,),
    )


def about(at: int, **more: Any) -> dict[str, Any]:
    return {"viewer": VIEWER, "title": "t", "decision": ID, "occurred_at_ms": T0 + at, **more}


def seen(at: int = 1, name: str = "i", **more: Any) -> Impression:
    return Impression(id=name, **about(at, **more))


def played(at: int = 2, minutes: float = 5.0, name: str = "p", **more: Any) -> Play:
    return Play(id=name, minutes=minutes, **about(at, **more))


def test_a_quality_play_within_the_window_is_worth_one() -> None:
    bench = Bench().give(page()).give(seen()).give(played()).end()
    (reward,) = bench.rewards
    assert (reward.value, reward.minutes, reward.engaged) == (1.0, 5.0, ("play",))
    assert (reward.id, reward.artwork, reward.propensity) == (ID, "a", 0.25)
    assert (reward.shown_at_ms, reward.source, reward.sequence) == (T0 + 1, 3, 1)
    assert bench.left == []


@pytest.mark.parametrize(
    ("events", "value"),
    [
        ([], 0.0),
        ([played(minutes=1.9)], 0.0),
        ([played(minutes=1.0), played(minutes=1.0, name="q")], 1.0),
        ([Click(id="c", **about(5))], 0.0),
    ],
)
def test_less_than_a_quality_play_is_worth_nothing(events: list[Event], value: float) -> None:
    bench = Bench().give(page(), seen(), *events).end()
    assert [reward.value for reward in bench.rewards] == [value]


def test_the_window_stays_open_until_it_is_due() -> None:
    bench = Bench().give(page(), seen(0))
    due = T0 + 32 * MINUTE
    assert bench.give(now_ms=due - 1).rewards == []
    assert len(bench.give(now_ms=due).rewards) == 1


def test_events_may_come_before_their_decision() -> None:
    bench = Bench().give(played()).give(seen()).give(page()).end()
    assert [reward.value for reward in bench.rewards] == [1.0]
    assert bench.counts["early_events"] == 2


def test_an_impression_without_a_decision_is_dropped() -> None:
    bench = Bench().give(seen()).end()
    assert bench.rewards == []
    assert bench.counts == {"early_events": 1, "orphaned": 1}
    assert bench.left == []


def test_a_decision_without_an_impression_teaches_nothing() -> None:
    bench = Bench().give(page(), played()).end()
    assert bench.rewards == []
    assert bench.counts["unseen"] == 1


def test_a_repeated_decision_is_one_assignment() -> None:
    bench = Bench().give(page(), page(5, "b")).give(page(9)).give(seen(artwork="a")).end()
    assert [reward.artwork for reward in bench.rewards] == ["a"]
    assert bench.counts["repeat_decisions"] == 2


def test_a_decision_repeated_after_its_window_closed_is_still_one_assignment() -> None:
    bench = Bench().give(page(), seen()).give(now_ms=T0 + 40 * MINUTE)
    bench.give(page(41 * MINUTE)).give(seen(42 * MINUTE, "i2"))
    bench.end()
    assert len(bench.rewards) == 1
    assert bench.counts["repeat_decisions"] == 1
    assert bench.counts["late_events"] == 1
    assert bench.left == []


def test_a_second_impression_and_a_repeated_event_count_once() -> None:
    bench = (
        Bench().give(page(), seen(1)).give(seen(2, "i2"), played(minutes=1.5), played(minutes=1.5))
    )
    bench.end()
    assert [(reward.shown_at_ms, reward.value) for reward in bench.rewards] == [(T0 + 1, 0.0)]
    assert bench.counts["repeat_impressions"] == 1
    assert bench.counts["repeat_events"] == 1


def test_a_play_outside_the_window_does_not_count() -> None:
    bench = Bench().give(page(), seen(0)).give(played(30 * MINUTE + 1)).end()
    assert [reward.value for reward in bench.rewards] == [0.0]
    assert bench.counts["outside_window"] == 1


def test_a_play_after_the_window_closed_is_late() -> None:
    bench = Bench().give(page(), seen(0)).give(now_ms=T0 + 33 * MINUTE).give(played(20 * MINUTE))
    assert [reward.value for reward in bench.rewards] == [0.0]
    assert bench.counts["late_events"] == 1


def test_an_engagement_with_another_artwork_does_not_count() -> None:
    bench = Bench().give(page(artwork="a"), seen(artwork="a"), played(artwork="b")).end()
    assert [reward.value for reward in bench.rewards] == [0.0]
    assert bench.counts["other_artwork"] == 1


def test_an_event_finds_its_decision_by_viewer_and_title() -> None:
    from keyart.models.bandits.uniforms import dwell_period

    name = decision_id(VIEWER, "t", "home", dwell_period(VIEWER, T0, RULES.dwell_ms))
    bench = (
        Bench().give(page(name=name)).give(seen(decision=None)).give(played(decision=None)).end()
    )
    assert [reward.value for reward in bench.rewards] == [1.0]


def test_an_hour_of_one_viewer_teaches_a_bounded_number_of_times() -> None:
    bench = Bench(JoinRules(rewards=RULES.rewards, hourly=3))
    for at in range(6):
        name = f"d{at}"
        bench.give(page(name=name), seen(1, f"i{at}", decision=name))
    bench.end()
    assert len(bench.rewards) == 3
    assert bench.counts["limited"] == 3


def test_an_erased_viewer_leaves_no_reward_behind() -> None:
    bench = Bench().give(page(), seen())
    bench.give(Erasure(id="x", viewer=VIEWER, occurred_at_ms=T0 + MINUTE)).end()
    assert bench.rewards == []
    assert bench.counts["erased"] == 1
    assert bench.left == []


def test_too_many_events_of_one_decision_are_bounded() -> None:
    bench = Bench().give(page(), seen())
    bench.give(*(played(minutes=0.01, name=f"p{at}") for at in range(100))).end()
    assert bench.counts["too_many_events"] == 100 - 32
    assert len(bench.rewards) == 1
