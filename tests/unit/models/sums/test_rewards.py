"""Definitions of reward: what each says of what was done, and what is refused when declared."""

import msgspec
import pytest

from keyart.models.sums.declared import Declared, Played, read_declared
from keyart.models.sums.rewards import RewardRules, noted, taught, worth
from keyart.schemas.errors import SettingsError, UnknownName
from keyart.schemas.events import Click, Engagement, Finish, Hide, Like, Play

ABOUT = {"viewer": "0" * 32, "title": "t", "occurred_at_ms": 1}
CLICK, FINISH = Click(id="c", **ABOUT), Finish(id="f", **ABOUT)  # type: ignore[arg-type]
LIKE, HIDE = Like(id="l", **ABOUT), Hide(id="h", **ABOUT)  # type: ignore[arg-type]


def play(minutes: float, id: str = "p") -> Play:
    return Play(id=id, minutes=minutes, **ABOUT)  # type: ignore[arg-type]


MIXED = Declared(
    events={"finish": 1.0, "like": 0.5, "hide": -0.75},
    played=(Played(least=10.0, weight=0.25), Played(under=2.0, weight=-0.5)),
)


@pytest.mark.parametrize(
    ("engaged", "value"),
    [
        ([], 0.0),
        ([CLICK], 0.0),
        ([FINISH], 1.0),
        ([FINISH, LIKE, LIKE], 1.5),
        ([HIDE, LIKE], -0.25),
        ([play(10.0)], 0.25),
        ([play(6.0), play(4.0, "q")], 0.25),
        ([play(9.99)], 0.0),
        ([play(1.99)], -0.5),
        ([play(2.0)], 0.0),
        ([play(1.0), FINISH], 1.0),
    ],
)
def test_weights_of_what_happened_add_up(engaged: list[Engagement], value: float) -> None:
    rules = RewardRules(declared={"mixed": MIXED})
    said = worth("mixed", engaged, rules)
    assert said is not None and said == pytest.approx(value)
    assert taught(said) == pytest.approx(min(1.0, max(0.0, value)))
    assert noted(said) == pytest.approx(min(1.0, max(-1.0, value)))


def test_what_only_takes_away_does_not_give() -> None:
    assert MIXED.gives
    assert not Declared(events={"hide": -1.0}, played=(Played(under=2.0, weight=-1.0),)).gives


def test_a_name_that_nobody_has_is_refused() -> None:
    with pytest.raises(UnknownName, match="quality_play"):
        worth("nosuch", [], RewardRules())


def test_a_definition_reads_as_it_was_written() -> None:
    text = msgspec.json.encode({"mixed": MIXED}).decode()
    assert read_declared(text, window_s=60.0, name="X") == {"mixed": MIXED}
    assert read_declared(" ", window_s=60.0, name="X") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "X: "),
        ("[]", "Expected `object`"),
        ('{"a": {"events": {"finnish": 1}}}', "finnish"),
        ('{"a": {"events": {"finish": 1.5}}}', "<= 1.0"),
        ('{"a": {"events": {"finish": NaN}}}', "X: "),
        ('{"a": {"eventz": {"finish": 1}}}', "eventz"),
        ('{"a": {}}', "neither events nor played"),
        ('{"A b": {"events": {"like": 1}}}', "a-z"),
        ('{"a": {"events": {"like": 1}, "window_s": 61}}', "KEYART_REWARD_WINDOW_S, 60"),
        ('{"a": {"events": {"like": 1}, "window_s": 0}}', "above 0"),
        ('{"a": {"events": {"like": 1}, "after_s": 60}}', "its window ends at 60"),
        ('{"a": {"events": {"like": 1}, "window_s": 5, "after_s": 9}}', "ends at 5"),
        ('{"a": {"played": [{"weight": 1, "least": 3, "under": 3}]}}', "no minutes from 3"),
        ('{"a": {"played": [{"weight": 1, "least": -1}]}}', ">= 0.0"),
        (
            msgspec.json.encode({f"n{at}": {"events": {"like": 1}} for at in range(9)}).decode(),
            "declares 9 rewards, at most 8",
        ),
    ],
)
def test_what_is_wrong_is_one_line(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_declared(text, window_s=60.0, name="X")
    assert said in str(caught.value) and "X" in str(caught.value)
    assert "\n" not in str(caught.value)
