"""How much an event says: in order, bounded, and never less for watching on."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from keyart.models.taste.strength import LONG_PLAY_MINUTES, strength_of
from keyart.schemas.events import Click, Finish, Hide, Like, Play

OF = {"id": "e1", "viewer": "0" * 32, "title": "t", "artwork": "a", "occurred_at_ms": 1_000}


def play(minutes: float) -> float:
    return strength_of(Play(**OF, minutes=minutes))  # type: ignore[arg-type]


@given(st.lists(st.floats(0.0, 600.0), min_size=2))
def test_watching_on_never_says_less(minutes: list[float]) -> None:
    said = [play(each) for each in sorted(minutes)]
    assert all(one <= other for one, other in pairwise(said))
    assert all(0.0 < each <= 1.0 for each in said)


def test_events_in_order() -> None:
    click, finish = strength_of(Click(**OF)), strength_of(Finish(**OF))  # type: ignore[arg-type]
    like, hide = strength_of(Like(**OF)), strength_of(Hide(**OF))  # type: ignore[arg-type]
    assert play(1.9) < click < play(2.0) < play(10.0) < play(LONG_PLAY_MINUTES) == finish == like
    assert hide == -finish
