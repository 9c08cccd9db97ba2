"""The pace: players rest while keyart is behind, and only then."""

import threading
import time

from keyart.services.demo.pace import ASK_S, BEHIND_MS, Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_holds_while_behind_and_counts_the_rest() -> None:
    clock, behind, asked = Clock(), [0], [0]

    def behind_ms() -> int:
        asked[0] += 1
        return behind[0]

    pace = Pace(behind_ms, clock=clock)
    pace.look()
    pace.look()
    assert asked[0] == 1 and not pace.held
    clock.now += ASK_S
    behind[0] = BEHIND_MS + 1
    pace.look()
    assert asked[0] == 2 and pace.held
    clock.now += 3
    behind[0] = BEHIND_MS
    pace.look()
    assert not pace.held
    assert pace.rested_s == 3


def test_players_wait_while_held_and_leave_when_it_ends() -> None:
    pace = Pace(lambda: 0)
    pace.wait(lambda: False)
    pace.held = True
    pace.wait(lambda: True)
    waiter = threading.Thread(target=pace.wait, args=(lambda: False,))
    waiter.start()
    time.sleep(0.05)
    assert waiter.is_alive()
    pace.held = False
    waiter.join(5)
    assert not waiter.is_alive()


def test_catching_up_ends_with_nothing_left_or_with_the_time() -> None:
    left = iter([900, 400, 0])
    assert Pace(lambda: next(left)).caught_up(60)
    clock = Clock()

    def never() -> int:
        clock.now += 1
        return 5_000

    assert not Pace(never, clock=clock).caught_up(10)
