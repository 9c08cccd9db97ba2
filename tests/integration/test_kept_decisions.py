"""A decision is what the viewer saw: api, log, steps and store together, on default settings."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keyart.schemas import codec
from keyart.schemas.assigned import MAX_BYTES, unpack_assigned
from keyart.schemas.ids import pseudonym
from keyart.schemas.posterior import BAND_STARTS, TitleSums
from keyart.schemas.rewards import Reward
from keyart.schemas.topics import DECISIONS, EVENTS, REWARDS
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.lanes import titles_lane, viewers_lane
from keyart.services.wiring.settings import Settings
from keyart.streams.archive.flatten import training_columns
from keyart.streams.embedded.driver import EmbeddedDriver
from keyart.streams.families import TITLE
from keyart.streams.ports import TITLES as TITLES_OF
from keyart.streams.ports import VIEWERS, Lane, Output
from tests.integration.test_api import Client, decide, opened, problem, within
from tests.opened import Opened

TITLES = [f"t{at}" for at in range(7)]
WORDS = ("rockets and planets", "cooking with friends", "rain", "a wedding", "a dog", "war")
HOUR = 3_600_000


class Site:
    """An api and the steps over one server, the steps at a time of their own."""

    def __init__(self, parts: Opened, client: Client) -> None:
        self.parts = parts
        self.client = client
        self.ahead_ms = 0
        self.driver = EmbeddedDriver(
            parts.log,
            viewers=[viewers_lane(parts.settings, parts.store, 0, catalogue=parts.titles.view)],
            titles=[titles_lane(parts.settings, parts.store, 0)],
            refresh=parts.titles.refresh,
            clock=lambda: now_ms() + self.ahead_ms,
            batch=2000,
        )
        self.driver.open()

    def decide(self, viewer: str, *titles: str) -> dict[str, dict[str, Any]]:
        answer = decide(self.client, viewer, *(titles or TITLES)).json()
        return {each["title"]: each for each in answer["decisions"]}

    def send(self, kind: str, viewer: str, made: dict[str, Any], **more: Any) -> None:
        event = {
            "type": kind,
            "id": f"{kind}-{viewer}-{made['id']}",
            "viewer": viewer,
            "title": made["title"],
            "artwork": made["artwork"],
            "decision": made["id"],
            **more,
        }
        answer = self.client.post("/v1/events", json={"events": [event]})
        assert answer.status_code == 202, answer.text

    def read(self, viewer: str, decisions: int) -> None:
        """Let the steps read until they know so many decisions of a viewer."""
        within(10, lambda: self.driver.drain() < 0 or len(self.assigned(viewer)) >= decisions)

    def assigned(self, viewer: str) -> Any:
        key = pseudonym(viewer, self.parts.viewer_key)
        return unpack_assigned(self.parts.store.read(Lane(VIEWERS, 0), "assigned", [key])[0])

    def rewards(self, *, after_ms: int = 7 * HOUR) -> dict[str, Reward]:
        self.driver.drain()
        self.ahead_ms = after_ms
        for _ in range(4):
            self.driver.turn()
        read = self.parts.log.read(REWARDS, 0, after=None, count=10_000)
        found = [codec.rewards.decode(record.value) for record in read]
        assert len({each.id for each in found}) == len(found)
        return {each.id: each for each in found}

    def counts(self) -> dict[str, int]:
        return self.parts.store.counts(Lane(VIEWERS, 0))


@contextmanager
def site_of(settings: Settings) -> Iterator[Site]:
    parts = Opened(settings)
    parts.server.start()
    with opened(parts) as client:
        for title in TITLES:
            artworks = [{"id": word[:4], "description": word} for word in WORDS]
            assert client.put(f"/v1/titles/{title}", json={"artworks": artworks}).is_success
        yield Site(parts, client)
    parts.close()
    parts.server.stop()


@pytest.fixture
def site(data_dir: Path) -> Iterator[Site]:
    with site_of(Settings(data_dir=str(data_dir), viewer_key="0123456789abcdef")) as found:
        yield found


def test_surfaces_keep_their_pictures_each_for_its_time_and_replay_agrees(data_dir: Path) -> None:
    settings = Settings(
        data_dir=str(data_dir),
        viewer_key="0123456789abcdef",
        dwell_by_surface="home=86400,search=1",
    )
    with site_of(settings) as site:

        def decided(surface: str) -> dict[str, Any]:
            answer = decide(site.client, "ann", "t0", surface=surface).json()
            found: dict[str, Any] = answer["decisions"][0]
            return found

        home, search = decided("home"), decided("search")
        within(30, lambda: decided("search")["id"] != search["id"])
        after = decided("home")
        assert after["kept"] and after["id"] == home["id"]
        # its time is over; what is on screen is seen all the same
        site.read("ann", 3)
        for surface, made in (("home", home), ("search", search)):
            site.send("impression", "ann", made, surface=surface)
            site.send("play", "ann", made, surface=surface, minutes=30)
        rewards = site.rewards(after_ms=32 * HOUR)
        assert {rewards[each["id"]].surface for each in (home, search)} == {"home", "search"}
        assert [rewards[each["id"]].value for each in (home, search)] == [1.0, 1.0]
        check = site.parts.rebuilding.check()
        assert check.differences == [] and check.titles == 1


def test_a_viewer_without_swaps_keeps_pictures_and_replay_agrees(data_dir: Path) -> None:
    settings = Settings(
        data_dir=str(data_dir), viewer_key="0123456789abcdef", dwell_s=1, swaps_a_day=0
    )
    with site_of(settings) as site:
        made = site.decide("ann", "t0", "t1")
        site.send("impression", "ann", made["t0"])
        site.read("ann", 2)
        decided = site.assigned("ann").decided_at(0)
        within(30, lambda: now_ms() > decided + 1500)
        again = site.decide("ann", "t0", "t1")
        assert {each["id"] for each in again.values()} == {each["id"] for each in made.values()}
        assert all(each["kept"] for each in again.values())
        site.send("play", "ann", again["t0"], minutes=30)
        rewards = site.rewards(after_ms=HOUR)
        assert rewards.keys() == {made["t0"]["id"]} and rewards[made["t0"]["id"]].value == 1.0
        check = site.parts.rebuilding.check()
        assert check.differences == [] and check.titles == 1
        # they are remembered for days, and go with the viewer
        assert len(site.assigned("ann")) == 2
        assert site.client.delete("/v1/viewers/ann").is_success
        within(30, lambda: site.driver.drain() < 0 or len(site.assigned("ann")) == 0)
        anew = site.decide("ann", "t0")["t0"]
        assert not anew["kept"]


def test_what_is_shown_and_what_comes_of_it_belong_together(site: Site) -> None:
    """One play, reload, another play: every play is counted, for the picture that was played."""
    played = {}
    for number in range(20):
        viewer = f"dw{number}"
        first = site.decide(viewer)
        for made in first.values():
            site.send("impression", viewer, made)
        site.send("play", viewer, first["t0"], minutes=90)
        if number % 2:
            site.read(viewer, len(TITLES))
        again = site.decide(viewer)
        assert {name: (each["id"], each["artwork"]) for name, each in again.items()} == {
            name: (each["id"], each["artwork"]) for name, each in first.items()
        }
        assert all(each["kept"] for each in again.values())
        for made in again.values():
            site.send("impression", viewer, made, id=f"again-{viewer}-{made['id']}")
        site.send("play", viewer, again["t3"], minutes=100)
        for made in (first["t0"], again["t3"]):
            played[made["id"]] = made["artwork"]
    taught = site.rewards()
    assert len(taught) == 20 * len(TITLES)
    assert {name: each.artwork for name, each in taught.items() if each.value == 1.0} == played
    assert not site.counts().get("late_plays") and not site.counts().get("other_artwork_plays")
    assert site.parts.rebuilding.check().differences == []


def test_a_withdrawn_picture_is_replaced_by_a_decision_of_its_own(site: Site) -> None:
    first = site.decide("ann", "t0")["t0"]
    site.send("impression", "ann", first)
    site.read("ann", 1)
    left = [{"id": w[:4], "description": w} for w in WORDS if w[:4] != first["artwork"]]
    assert site.client.put("/v1/titles/t0", json={"artworks": left}).is_success
    second = site.decide("ann", "t0")["t0"]
    assert second["id"] != first["id"] and second["artwork"] != first["artwork"]
    assert not second["kept"] and site.decide("ann", "t0")["t0"]["id"] == second["id"]
    site.send("impression", "ann", second)
    site.send("play", "ann", second, minutes=20)
    site.read("ann", 2)
    taught = site.rewards()
    assert (taught[first["id"]].value, taught[second["id"]].value) == (0.0, 1.0)
    assert taught[second["id"]].candidates == tuple(each["id"] for each in left)


def test_another_process_keeps_what_the_lane_has_read(site: Site) -> None:
    first = site.decide("ann")
    site.read("ann", len(TITLES))
    with opened(Opened(site.parts.settings)) as other:
        again = decide(other, "ann", *TITLES).json()["decisions"]
    assert {each["title"]: (each["id"], each["artwork"], each["propensity"]) for each in again} == {
        name: (each["id"], each["artwork"], each["propensity"]) for name, each in first.items()
    }


def test_an_erased_viewer_is_decided_anew(site: Site) -> None:
    first = site.decide("ann")
    site.read("ann", len(TITLES))
    assert site.client.delete("/v1/viewers/ann").status_code == 202
    again = site.decide("ann")
    assert not {each["id"] for each in first.values()} & {each["id"] for each in again.values()}


def test_where_a_title_stood_goes_with_what_came_of_it(site: Site) -> None:
    """In the order of the request, or as it says; what is kept stays where it was decided."""
    made = site.decide("ann", "t2", "t0")
    again = decide(site.client, "ann", "t0", "gone", "t1", positions=[9, 8, 7]).json()
    named = decide(site.client, "bob", "gone", "t1", "t2").json()
    for viewer, each in (
        *(("ann", each) for each in made.values()),
        *(("ann", each) for each in again["decisions"] if not each["kept"]),
        *(("bob", each) for each in named["decisions"]),
    ):
        site.send("impression", viewer, each)
    site.read("ann", 3)
    site.read("bob", 2)
    found = site.rewards().values()
    bob = pseudonym("bob", site.parts.viewer_key)
    assert {(each.viewer == bob, each.title): each.position for each in found} == {
        **{(False, "t2"): 1, (False, "t0"): 2, (False, "t1"): 7},
        **{(True, "t1"): 2, (True, "t2"): 3},
    }
    records = [each.value for each in site.parts.log.read(REWARDS, 0, after=None, count=100)]
    assert sorted(training_columns(records)["position"]) == [1, 2, 2, 3, 7]
    check = site.parts.rebuilding.check()
    assert check.differences == [] and check.titles == 3
    (data,) = site.parts.store.read(Lane(TITLES_OF, 0), TITLE, ["t2"])
    assert data is not None
    shown = np.zeros(2 * len(BAND_STARTS))
    for its in codec.unpack(data, TitleSums).artworks.values():
        for cell in its.values():
            shown[: len(cell.bands)] += cell.bands
    assert np.flatnonzero(shown).tolist() == [2 * 0 + 1, 2 * 2 + 1]
    problem(decide(site.client, "ann", "t0", positions=[1, 2]), 400)
    problem(decide(site.client, "ann", "t0", positions=[0]), 400)


def test_foreign_events_move_nothing_and_are_counted(site: Site) -> None:
    made = site.decide("ann")
    for each in made.values():
        site.send("impression", "ann", each)
    site.read("ann", len(TITLES))
    site.send("play", "eve", made["t0"], minutes=50)
    site.send("play", "ann", {**made["t1"], "id": made["t2"]["id"]}, minutes=50)
    site.driver.drain()
    assert site.counts()["foreign_plays"] == 2
    assert site.client.get("/v1/viewers/eve").status_code == 404
    assert {each.value for each in site.rewards().values()} == {0.0}


def test_poison_is_refused_at_the_edge_and_harmless_behind_it(site: Site) -> None:
    made = site.decide("ann", "t0")["t0"]
    key = pseudonym("ann", site.parts.viewer_key)
    event = {"type": "click", "id": "x", "viewer": "bob", "title": "t0", "decision": f"v:{key}"}
    found = problem(site.client.post("/v1/events", json={"events": [event]}), 400)
    assert "24 hex digits" in json.dumps(found) and "$.events[0].decision" in json.dumps(found)
    bob = pseudonym("bob", site.parts.viewer_key)
    direct = {**event, "viewer": bob, "occurred_at_ms": now_ms()}
    site.parts.log.append([Output(EVENTS, bob, json.dumps(direct).encode())])
    site.send("impression", "ann", made)
    site.read("ann", 1)
    assert site.rewards().keys() == {made["id"]}
    assert site.counts()["orphaned_plays"] == 1


def test_a_viewers_record_is_small_and_goes_with_the_dwell_period(site: Site) -> None:
    site.decide("ann")
    site.read("ann", len(TITLES))
    key = site.parts.keys.item(Lane(VIEWERS, 0), "assigned", pseudonym("ann", b"0123456789abcdef"))
    assert 0 < site.parts.client.strlen(key) <= 5 + 14 + 30 * len(TITLES) <= MAX_BYTES
    site.rewards(after_ms=6 * HOUR + 33 * 60_000)
    assert not site.parts.client.exists(key)
    for family in ("visits", "windows", "pages"):
        assert not site.parts.client.exists(site.parts.keys.lane(Lane(VIEWERS, 0), family))


def test_a_page_too_large_for_one_record_is_logged_in_parts(site: Site) -> None:
    names = [f"{at:03d}" + "\U0001f3ac" * 120 for at in range(40)]
    for at in range(60):
        body = {"artworks": [{"id": name, "description": "x"} for name in names]}
        assert site.client.put(f"/v1/titles/big{at}", json=body).is_success
    made = site.decide("ann", *(f"big{at}" for at in range(60)))
    for each in made.values():
        site.send("impression", "ann", each)
    site.read("ann", 60)
    pages = site.parts.log.read(DECISIONS, 0, after=None, count=10)
    assert len(pages) == 2 and all(len(page.value) <= codec.MAX_RECORD_BYTES for page in pages)
    assert len(site.rewards()) == 60
