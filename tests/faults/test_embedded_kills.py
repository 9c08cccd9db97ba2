"""kill -9 of api, steps and Valkey at random moments, under load over HTTP.

What must hold: every event that was answered with 202 is in the log; every decision that was seen
has exactly one reward, of the value that a plain join of the log gives it; every reward is learned
once; and the state equals the one replayed from the log.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from keyart.schemas import codec
from keyart.schemas.rewards import Reward
from keyart.schemas.topics import EVENTS, REWARDS
from keyart.services.wiring.settings import Settings, read_settings
from keyart.streams.ports import TITLES, Lane
from tests.faults.serving import PATIENCE_S
from tests.faults.truth import WINDOW_S, acts, plain_join, settle
from tests.opened import Opened

ROUNDS = int(os.environ.get("KEYART_ROUNDS", "10"))
TITLE_COUNT = 12


class Family:
    """`keyart serve` as a user starts it, and the client that keeps using it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.environment = {
            **os.environ,
            "KEYART_DATA_DIR": str(folder),
            "KEYART_API_PORT": str(port),
            "KEYART_REWARD_WINDOW_S": str(WINDOW_S),
            "KEYART_LATENESS_S": "8",
            "KEYART_ARCHIVE_S": "0.7",
            "KEYART_VIEWER_HOURLY_REWARDS": "1000000",
            "KEYART_LOG_LEVEL": "WARNING",
        }
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5.0)
        self.accepted: set[str] = set()
        self.process = self.start()

    @property
    def settings(self) -> Settings:
        environment = {k: v for k, v in self.environment.items() if k.startswith("KEYART_")}
        return read_settings(environment).settings

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "keyart.services.cli.main", "serve"]
        return subprocess.Popen(command, env=self.environment)

    def wait_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                if self.client.get("/health/ready").status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        pytest.fail(f"keyart did not become ready within {PATIENCE_S:.0f} s")

    def wait_known(self) -> None:
        """Wait until the api decides about every title; nobody sees those decisions."""
        body = {"viewer": "nobody", "titles": [f"t{at}" for at in range(TITLE_COUNT)]}
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            answer = self.client.post("/v1/decisions", json=body, timeout=60.0)
            if len(answer.json().get("decisions", ())) == TITLE_COUNT:
                return
            time.sleep(0.1)
        pytest.fail("keyart did not learn of its titles")

    def member(self, name: str) -> psutil.Process | None:
        """Return the api's, the steps' or Valkey's process."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                words = child.cmdline()
            except psutil.Error:
                continue
            if words and (name == words[-1] or name in Path(words[0]).name):
                return child
        return None

    def visit(self, number: int, rng: random.Random) -> None:
        """One viewer: a page of decisions, then their events; what is refused is let go."""
        viewer = f"viewer-{number}"
        titles = [f"t{at}" for at in rng.sample(range(TITLE_COUNT), 4)]
        try:
            answer = self.client.post(
                "/v1/decisions", json={"viewer": viewer, "surface": "home", "titles": titles}
            )
            if answer.status_code != 200:
                return
            events = [event for each in answer.json()["decisions"] for event in acts(each, rng)]
            events = [event | {"viewer": viewer} for event in events]
            rng.shuffle(events)
            sent = self.client.post("/v1/events", json={"events": events})
            if sent.status_code == 202:
                self.accepted.update(event["id"] for event in events)
        except httpx.HTTPError:
            return

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)

    def left_behind(self) -> list[psutil.Process]:
        """Return what still runs on this family's folder and on no other."""
        folder = self.environment["KEYART_DATA_DIR"]
        found = []
        for each in psutil.process_iter():
            try:
                if each.environ().get("KEYART_DATA_DIR") == folder:
                    found.append(each)
            except psutil.Error:
                continue
        return found


@pytest.fixture
def family(data_dir: Path, free_port: int) -> Iterator[Family]:
    made = Family(data_dir, free_port)
    made.wait_ready()
    for at in range(TITLE_COUNT):
        artworks = [{"id": k, "description": f"{k} {at}"} for k in ("rockets", "pasta", "football")]
        answer = made.client.put(f"/v1/titles/t{at}", json={"name": f"T{at}", "artworks": artworks})
        assert answer.status_code in (200, 201), answer.text
    made.wait_known()
    yield made
    made.client.close()
    made.stop()
    for left in made.left_behind():
        left.kill()


@pytest.mark.timeout(900)
def test_kills_at_random_moments_lose_nothing_and_double_nothing(family: Family) -> None:
    rng = random.Random(20260101)
    number = 0
    for _ in range(ROUNDS):
        until = time.monotonic() + rng.uniform(0.3, 2.5)
        while time.monotonic() < until:
            family.visit(number, rng)
            number += 1
        victim = family.member(rng.choice(("steps", "api", "valkey-server")))
        if victim is not None:
            victim.kill()
        if rng.random() < 0.5:
            family.visit(number, rng)
            number += 1
        family.wait_ready()
    for _ in range(20):
        family.visit(number, rng)
        number += 1
    settle(Opened(family.settings))
    family.stop()
    judge(family)


@pytest.mark.timeout(600)
def test_the_whole_family_killed_starts_again_where_it_was(family: Family) -> None:
    rng = random.Random(7)
    for number in range(60):
        family.visit(number, rng)
    for child in psutil.Process(family.process.pid).children(recursive=True):
        child.kill()
    family.process.kill()
    family.process.wait()
    family.process = family.start()
    family.wait_ready()
    for number in range(60, 90):
        family.visit(number, rng)
    settle(Opened(family.settings))
    family.stop()
    judge(family)


def judge(family: Family) -> None:
    parts = Opened(family.settings)
    parts.server.start()
    try:
        events = [codec.events.decode(record.value) for record in parts.history(EVENTS, 0)]
        logged = {event.id for event in events}
        assert family.accepted <= logged, f"{len(family.accepted - logged)} accepted events lost"
        assert len(family.accepted) > 200
        rewards = [codec.rewards.decode(record.value) for record in parts.history(REWARDS, 0)]
        assert plain_join(parts) == {reward.id: reward.value for reward in rewards}
        assert len({reward.id for reward in rewards}) == len(rewards)
        assert parts.store.counts(Lane(TITLES, 0))["learned"] == len(rewards)
        assert one_by_one(rewards) == [reward.sequence for reward in rewards]
        assert parts.rebuilding.check().differences == []
    finally:
        parts.server.stop()


def one_by_one(rewards: list[Reward]) -> list[int]:
    return list(range(1, len(rewards) + 1))
