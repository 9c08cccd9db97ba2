"""A process that starts while the store restarts waits for it, and not for ever."""

import logging

import pytest

from keyart.schemas.errors import StoreAway, StoreError
from keyart.services.processes.start import PATIENCE_S, PAUSE_S, once_there


class Store:
    """Away for the first so many reads; and a clock that only sleeping moves."""

    def __init__(self, away: int) -> None:
        self.away, self.reads, self.now_s = away, 0, 0.0

    def read(self) -> str:
        self.reads += 1
        if self.reads <= self.away:
            raise StoreAway("the state store cannot be reached")
        return "titles"

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def test_a_store_that_comes_back_is_waited_for_and_that_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Store(away=5)
    with caplog.at_level(logging.WARNING):
        found = once_there(store.read, clock=lambda: store.now_s, sleep=store.sleep)
    assert (found, store.reads, store.now_s) == ("titles", 6, 5 * PAUSE_S)
    assert [each.getMessage() for each in caplog.records] == [
        f"waiting up to {PATIENCE_S:.0f} s: the state store cannot be reached"
    ]


def test_a_store_that_stays_away_ends_it() -> None:
    store = Store(away=10**6)
    with pytest.raises(StoreAway):
        once_there(store.read, clock=lambda: store.now_s, sleep=store.sleep)
    assert store.now_s == pytest.approx(PATIENCE_S, abs=PAUSE_S)


def test_what_no_waiting_mends_ends_it_at_once() -> None:
    slept: list[float] = []

    def refused() -> None:
        raise StoreError("the state store refused: wrong password")

    with pytest.raises(StoreError):
        once_there(refused, sleep=slept.append)
    assert not slept
