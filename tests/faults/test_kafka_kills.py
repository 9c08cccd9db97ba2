"""Workers die, leave, join and freeze under load; nothing is lost and nothing counts twice.

KEYART_SOAK sets the number of events of the first test (`make soak`: a million).
"""

import os
import random
import signal
import threading
import time
from functools import partial

import pytest

from tests.containers.crowd import Crowd
from tests.containers.fixtures import MakeHouse
from tests.containers.house import House, Worker, settle
from tests.containers.servers import until

EVENTS = int(os.environ.get("KEYART_SOAK", "100000"))
STEP = 2000
TELL_S = 15.0
START_S = 60.0

pytestmark = [pytest.mark.containers, pytest.mark.timeout(max(3000, EVENTS // 100))]


class Killer(threading.Thread):
    """Kills a random worker every few seconds and starts another, until it is told to stop."""

    def __init__(self, house: House, rng: random.Random) -> None:
        super().__init__(daemon=True)
        self.kills = 0
        self.failed: BaseException | None = None
        self._house, self._rng = house, rng
        self._ending = threading.Event()

    def run(self) -> None:
        try:
            seen = self._house.counts()
            while not self._ending.wait(self._rng.uniform(5.0, 9.0)):
                # workers that are killed before they are up would only show how busy a machine is
                patience = time.monotonic() + START_S
                while self._house.counts() == seen and time.monotonic() < patience:
                    if self._ending.wait(0.5):
                        return
                seen = self._house.counts()
                running = [each for each in self._house.workers if each.process.poll() is None]
                self._rng.choice(running).kill()
                self.kills += 1
                self._house.work(1)
        except BaseException as failed:
            self.failed = failed
            raise

    def finish(self) -> None:
        """Stop killing."""
        self._ending.set()
        self.join(30)
        assert self.failed is None


def test_kill_nine_of_workers_under_load(make_house: MakeHouse) -> None:
    house = make_house(KEYART_LATENESS_S="30")
    crowd = Crowd(seed=11, viewers=20_000, title_count=100)
    house.create(title_count=100)
    house.work(2)
    killer = Killer(house, random.Random(11))
    killer.start()
    sent, began = 0, time.monotonic()
    told = began
    while sent < EVENTS:
        step = min(STEP, EVENTS - sent)
        house.visit(crowd, step)
        sent += step
        # stay within sight of the workers, so that kills fall on busy ones
        house.until_counted("events", sent - 40_000, timeout_s=300)
        if (now := time.monotonic()) - told > TELL_S:
            told = now
            print(f"{now - began:5.0f} s: {sent:,} of {EVENTS:,} events, {killer.kills} kills")
    while killer.kills < 3:
        time.sleep(0.5)
    killer.finish()
    print(f"all sent, {killer.kills} kills; until all is learned and held against the account...")
    settle(house, [crowd], timeout_s=600)
    took = time.monotonic() - began
    print(f"{EVENTS:,} events, {killer.kills} kills, {took:.0f} s: nothing lost, nothing twice")


def _is_open(worker: Worker) -> bool:
    return "is open at" in worker.said


def test_workers_join_and_leave_under_load(make_house: MakeHouse) -> None:
    house, crowd = make_house(), Crowd(seed=12)
    house.create()
    house.work(1)
    for turn in range(4):
        house.visit(crowd, 1500)
        if turn % 2 == 0:
            house.work(1)
        else:
            oldest = next(each for each in house.workers if each.process.poll() is None)
            until("it is at work", partial(_is_open, oldest))
            oldest.terminate()
            assert oldest.process.returncode == 0, oldest.said[-2000:]
    house.visit(crowd, 1500)
    settle(house, [crowd], timeout_s=300)


def test_a_frozen_worker_cannot_write_when_it_thaws(make_house: MakeHouse) -> None:
    house = make_house(KEYART_BATCH="50", KEYART_LATENESS_S="45")
    crowd = Crowd(seed=13, repeats=0.0)
    house.create()
    house.visit(crowd, 8000)
    house.flush()
    frozen = house.work(1)[0]
    until("it is at work", lambda: house.counts()["events"] > 0)
    frozen.send(signal.SIGSTOP)
    assert house.counts()["events"] < 7000
    house.work(1)
    # past the session time-out its lanes are the other's
    house.until_counted("events", 8000)
    frozen.send(signal.SIGCONT)
    until("it notices", lambda: "has another owner now" in frozen.said, timeout_s=90)
    house.visit(crowd, 500)
    settle(house, [crowd], timeout_s=300)
    assert frozen.process.poll() is None, frozen.said[-3000:]
