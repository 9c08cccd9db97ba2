"""Rewards that are watched beside the one that teaches, through the join."""

from dataclasses import replace
from typing import Any

import pytest

from keyart.models.sums import rewards
from keyart.models.sums.declared import Declared, Played
from keyart.models.sums.rewards import RewardRules
from keyart.schemas import codec
from keyart.schemas.events import Finish, Hide, Like
from tests.unit.streams.join_bench import MINUTE, RULES, Bench, about, page, played, seen

LEFT = Declared(played=(Played(under=2.0, weight=-1.0),))
SOON = Declared(events={"like": 0.5}, window_s=60.0)
LATER = Declared(events={"play": 1.0}, after_s=600.0)
EVEN = Declared(events={"like": 0.5, "hide": -0.5})


def bench(*watched: str, definition: str = "quality_play", **declared: Declared) -> Bench:
    its = replace(RULES.rewards, definition=definition, watched=watched, declared=declared)
    return Bench(replace(RULES, rewards=its))


def test_an_early_stop_takes_away_and_teaches_nothing_less() -> None:
    made = bench("left", "any_click", left=LEFT)
    made.give(page(), seen(), played(minutes=1.0)).end()
    (reward,) = made.rewards
    assert reward.value == 0.0 and reward.definition == "quality_play"
    assert reward.watched == {"left": -1.0, "any_click": 1.0}


def test_a_negative_sum_teaches_as_nothing() -> None:
    made = bench(definition="even", even=EVEN)
    made.give(page(), seen(), Hide(id="h", **about(5))).end()
    assert made.values == [0.0]
    assert bench(definition="even", even=EVEN).give(
        page(), seen(), Like(id="l", **about(5))
    ).end().values == [0.5]


@pytest.mark.parametrize(
    ("at", "soon", "later"),
    [(30_000, 0.5, 0.0), (60_001, 0.5, 0.0), (60_002, 0.0, 0.0), (600_002, 0.0, 1.0)],
)
def test_each_has_a_window_of_its_own(at: int, soon: float, later: float) -> None:
    made = bench("soon", "later", soon=SOON, later=LATER)
    made.give(page(), seen(1), Like(id="l", **about(at)), played(at, id="q")).end()
    (reward,) = made.rewards
    assert reward.watched == {"soon": soon, "later": later}
    assert reward.value == 1.0


def test_where_clocks_leave_it_open_one_is_absent_and_the_reward_stands() -> None:
    """The device says five minutes apart, the log twenty seconds: a window of 60 s cannot tell."""
    made = bench("left", "likes", left=LEFT, likes=Declared(events={"like": 1.0}, window_s=60.0))
    made.give(page(), seen(10 * MINUTE), received=10 * MINUTE)
    made.give(Like(id="l", **about(15 * MINUTE)), received=10 * MINUTE + 20_000)
    (reward,) = made.end().rewards
    assert reward.watched == {"left": 0.0} and reward.value == 0.0


def test_weights_that_cancel_out_do_not_hide_a_doubt() -> None:
    """Either may have been outside; together they are worth what none of them is: nothing."""
    made = bench("even", even=Declared(events=EVEN.events, window_s=60.0))
    made.give(page(), seen(10 * MINUTE), received=10 * MINUTE)
    both = Like(id="l", **about(15 * MINUTE)), Hide(id="h", **about(15 * MINUTE))
    made.give(*both, received=10 * MINUTE + 20_000)
    (reward,) = made.end().rewards
    assert reward.watched == {}


def test_a_plug_in_that_fails_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> float:
        raise RuntimeError("no")

    def endless(*_: Any) -> float:
        return float("nan")

    plugins = {"broken": broken, "endless": endless}
    monkeypatch.setattr(rewards, "plugin_names", lambda: tuple(plugins))
    monkeypatch.setattr(rewards, "load_plugin", plugins.__getitem__)
    made = bench("broken", "endless", "any_click")
    made.give(page(), seen(), played()).end()
    (reward,) = made.rewards
    assert reward.value == 1.0 and reward.watched == {"any_click": 1.0}
    failed = bench(definition="broken")
    failed.give(page(), seen(), played()).end()
    assert failed.rewards == [] and failed.counts["reward_failed"] == 1
    assert failed.left == []


def test_without_any_the_record_is_what_it_was() -> None:
    made = bench().give(page(), seen(), Finish(id="f", **about(5))).end()
    (reward,) = made.rewards
    assert reward.watched == {}
    assert b"watched" not in codec.encode(reward)
    assert RULES.rewards == RewardRules(window_ms=30 * MINUTE, minutes=2.0)
