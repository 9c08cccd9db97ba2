"""The loop in containers: what viewers do retrains a prior, the gate lets it out, the api serves.

Real Kafka and Redis, and the registry in a bucket of a real store that speaks S3; the api has a
disk of its own. Nobody types a command until the version is to serve everybody.
"""

import json
import random
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from keyart.services.client import Choice, Client, ErrorAnswer, Event
from keyart.services.wiring.clock import now_ms
from tests.containers.compose import KEY, PATIENCE_S, Compose, composed
from tests.containers.servers import until
from tests.integration.prior_site import titles

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]
VIEWERS = 60
"""Each sees the page of forty titles once: 2,400 rewards, of which 1,800 ask for a retraining."""
MOST_LATER = 25
"""Viewers after it: with what the retraining had not read, too few for another one."""
SETTINGS = {
    "WORKERS": "1",
    "KEYART_PARTITIONS": "2",
    "KEYART_ARCHIVE_S": "2",
    # who comes late on a busy machine is learned from all the same
    "KEYART_DWELL_S": "120",
    "KEYART_REWARD_WINDOW_S": "3",
    "KEYART_LATENESS_S": "5",
    "KEYART_RETRAIN_HOURS": "0",
    "KEYART_RETRAIN_DRIFT": "false",
    "KEYART_RETRAIN_REWARDS": "1800",
    "KEYART_RETRAIN_LEAST_REWARDS": "1800",
    "KEYART_RETRAIN_THEN": "canary",
    # half of all viewers at once, and then it stays there until somebody moves it
    "KEYART_CANARY_SHARES": "0.5",
    "KEYART_CANARY_STEP_S": "86400",
}
TAKES = {"a": 0.5, "b": 0.05}
SECRET = secrets.token_hex(16)
IN_BUCKET = """
import boto3
client = boto3.client("s3", "us-east-1", endpoint_url="http://bucket:8333")
for each in client.list_objects_v2(Bucket="keyart")["Contents"]:
    print(each["Key"])
"""


@pytest.fixture(scope="module")
def loop() -> Iterator[Compose]:
    files = ("compose.loop.yaml", "compose.bucket.yaml")
    with composed(*files, BUCKET_SECRET_KEY=SECRET, **SETTINGS) as up:
        with client(up) as one:
            for title in titles():
                one.put_title(title)
        until("all titles may be chosen", lambda: knows(up), PATIENCE_S, tell=up.standing)
        yield up


def client(up: Compose) -> Client:
    return Client(up.url(), key=KEY, timeout_s=60.0, decide_within_s=60.0, attempts=5)


def knows(up: Compose) -> bool:
    with client(up) as one:
        try:
            return not one.decide("somebody who looks", [each.id for each in titles()]).unknown
        except ErrorAnswer:  # none of them is known yet
            return False


def visits(up: Compose, viewers: Iterable[str]) -> None:
    """Let viewers see the whole page, and take what they like."""
    with client(up) as one:
        for viewer in viewers:
            rng = random.Random(viewer)
            page = one.decide(viewer, [each.id for each in titles()])
            assert not page.away and len(page) == len(titles())
            one.send([event for each in page for event in done_with(viewer, each, rng)])


def done_with(viewer: str, choice: Choice, rng: random.Random) -> list[Event]:
    about: Event = {
        "viewer": viewer,
        "title": choice.title,
        "artwork": choice.artwork,
        "decision": choice.id,
        "surface": "home",
        "occurred_at_ms": now_ms(),
    }
    events: list[Event] = [{"type": "impression", "id": f"i{choice.id}", **about}]
    if rng.random() < TAKES[choice.artwork]:
        events.append({"type": "play", "id": f"p{choice.id}", "minutes": 30.0, **about})
    return events


def models(up: Compose) -> dict[str, Any]:
    found: dict[str, Any] = up.ask("/v1/insight/models")
    return found


def keyart(up: Compose, *words: str, where: str = "housekeeping") -> Any:
    """Run a command where the site keeps house, or elsewhere, and return its figures."""
    return json.loads(up.run("exec", "-T", where, "keyart", *words, "--json", "-"))


def in_bucket(up: Compose) -> set[str]:
    """Return the kinds of objects that are in the bucket."""
    keys = up.run("exec", "-T", "api", "python", "-c", IN_BUCKET).split()
    assert all(key.startswith("models/") for key in keys)
    return {key.split("/")[1] for key in keys}


def waits_for(up: Compose, what: str, holds: Callable[[], object]) -> None:
    until(what, holds, PATIENCE_S, tell=lambda: f"{models(up)} {up.standing()}")


def test_the_loop_turns_once(loop: Compose) -> None:
    assert models(loop)["serves"] in ("", "neutral")
    visits(loop, (f"viewer {number}" for number in range(VIEWERS)))
    waits_for(loop, "a retraining has ended", lambda: ended(loop))
    (job,) = models(loop)["jobs"]
    assert job["outcome"] == "canary", job
    assert "new rewards" in job["reason"]
    assert job["says"].startswith("passed"), "what the gate said"
    version = job["version"]
    held = keyart(loop, "models", "list")
    assert held["aliases"] == {"candidate": version}
    assert [each["name"] for each in held["versions"]] == [version]
    assert held["versions"][0]["rows"] >= 1800
    assert held["rollout"]["version"] == version and held["rollout"]["phase"] == "canary"
    assert held["rollout"]["steps"][0]["share"] == 0.5
    assert held["serves"] == "neutral"
    # the api has another disk: versions come from the bucket, and retrainings by a note
    assert keyart(loop, "models", "list", where="api") == held
    assert in_bucket(loop) == {"blobs", "moves", "probe", "versions"}
    for where in ("api", "housekeeping"):
        there = loop.run("exec", "-T", where, "ls", "/data").split()
        assert "models" not in there, "nothing but copies is on a disk"
        assert ("retrain" in there) == (where == "housekeeping")

    # what it decides comes back as rewards that name it: of half of these viewers
    waits_for(loop, "a look at what it decided", Later(loop).looked)

    # the api, whose image reads no training log, moves the alias; everybody is served by it
    loop.ask("/v1/models/promote", {"version": version, "why": "a test"})
    waits_for(loop, "the api serves it", lambda: served(loop) == version)
    held = keyart(loop, "models", "list")
    assert held["serves"] == held["aliases"]["champion"] == version
    shown = keyart(loop, "models", "show", version)
    assert [move["act"] for move in shown["moves"]] == ["propose", "promote"]
    assert shown["moves"][-1]["why"] == "a test"

    # while the store is away what serves goes on, and the page says what is away
    loop.run("kill", "bucket")
    visits(loop, ["while it is away"])
    assert served(loop) == version
    with pytest.raises(urllib.error.HTTPError) as away:
        models(loop)
    with away.value:
        assert (away.value.code, "away" in json.load(away.value)["detail"]) == (503, True)
    loop.run("up", "--wait", "--no-recreate", "bucket")

    keyart(loop, "models", "rollback", "--why", "and back")
    waits_for(loop, "the api has gone back", lambda: served(loop) == "")
    waits_for(loop, "rounds in which nothing fails", loop.rounds_go_well)
    seen = models(loop)
    assert (seen["serves"], [each["name"] for each in seen["versions"]]) == ("neutral", [version])
    assert [each["act"] for each in seen["moves"]] == ["rollback", "promote", "propose"]
    with urllib.request.urlopen(f"{loop.url()}/models", timeout=30) as page:
        assert b"Models" in page.read()
    assert SECRET not in loop.run("logs", "--no-color")


def ended(up: Compose) -> bool:
    return any(job["outcome"] for job in models(up)["jobs"])


class Later:
    """A viewer comes in each round of housekeeping, until a look has seen what came of it.

    When the api has the version beside the one that serves is its own matter, so they come one
    after the other.
    """

    def __init__(self, up: Compose) -> None:
        self._up = up
        self._round = 0.0
        self._came = 0

    def looked(self) -> bool:
        """Whether one has; lets somebody come if there was another round."""
        done = self._up.figures()["keyart_housekeeping_done_timestamp_seconds"]
        if done > self._round and self._came < MOST_LATER:
            self._round, self._came = done, self._came + 1
            visits(self._up, [f"later {self._came}"])
        return looked(self._up) > 0


def looked(up: Compose) -> int:
    """Return the rewards of decisions that the version made, at the last look."""
    looks = [look for each in models(up)["rollouts"] for look in each["looks"]]
    return max((look["rewards"] for look in looks), default=0)


def served(up: Compose) -> str:
    """Return the prior that the api decides with; "" for none."""
    trust = up.ask("/v1/insight/overview")["trust"]
    return trust["prior"] if trust else ""
