"""`POST /v1/serendipity` on a real api and real lanes: what viewers watch decides what they get."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from keyart.schemas import codec
from keyart.schemas.decisions import Decision
from keyart.schemas.events import Correction, Proposed
from keyart.schemas.ids import pseudonym
from keyart.schemas.topics import DECISIONS, EVENTS
from keyart.services.cli.serendipity import app
from keyart.services.client import Proposals
from keyart.streams.families import EXPLORED
from keyart.streams.ports import VIEWERS, Lane
from tests.integration.test_api import Client, logged, opened, problem, site, title, within
from tests.opened import Opened
from tests.unit.services.test_evaluate_serendipity import folder

CLUSTERS = 12


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    data_dir = tmp_path_factory.mktemp("serendipity")
    made = site(data_dir, serendipity_explore=0.0)
    made.server.start()
    yield made
    made.server.stop()


@pytest.fixture(scope="module")
def placed(parts: Opened, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Make the table by the command, and return its titles by the name of their cluster."""
    from keyart.models.serendipity.table import read_table

    train = folder(tmp_path_factory.mktemp("of") / "train", range(80))
    table = parts.data_dir / "serendipity"
    result = CliRunner().invoke(
        app, ["build", str(table), "--train", str(train), "--clusters", str(CLUSTERS)]
    )
    assert result.exit_code == 0, result.output
    held = read_table(table)
    found: dict[str, list[str]] = {}
    for name, cluster in sorted(held.titles.items()):
        found.setdefault(held.words.names[cluster], []).append(name)
    return found


@pytest.fixture(scope="module")
def client(parts: Opened, placed: dict[str, list[str]]) -> Iterator[Client]:
    with opened(parts) as found:
        for name in sorted(each for titles in placed.values() for each in titles):
            assert found.put(f"/v1/titles/{name}", json=title("a", "b")).status_code == 200
        count = sum(map(len, placed.values()))
        within(30, lambda: titles_known(found) == count)
        yield found


def titles_known(client: Client) -> int:
    """Return of how many titles the advisor knows, as its thread has made it."""
    atlas = client.app.state.advisor.atlas
    return 0 if atlas is None else len(atlas.places)


def ask(client: Client, viewer: str, **more: Any) -> Any:
    answer = client.post("/v1/serendipity", json={"viewer": viewer, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def watch(client: Client, parts: Opened, viewer: str, *titles: str) -> None:
    for at, name in enumerate(titles):
        event = {
            "type": "finish",
            "id": f"{viewer}-{name}",
            "viewer": viewer,
            "title": name,
            "occurred_at_ms": int(time.time() * 1000) - 60_000 + 1000 * at,
        }
        assert client.post("/v1/events", json={"events": [event]}).status_code == 202
    run_lanes(parts)


def run_lanes(parts: Opened) -> None:
    parts.driver.open()
    parts.driver.drain()


def test_without_a_table_it_says_what_to_run(tmp_path: Path) -> None:
    with site(tmp_path) as bare, opened(bare) as client:
        said = problem(client.post("/v1/serendipity", json={"viewer": "ann"}), 409)
        assert "keyart serendipity build" in said["detail"] and "\n" not in said["detail"]


def cluster(placed: dict[str, list[str]], group: int) -> str:
    """Return the name of the cluster of a group: its viewers and titles are of `folder`."""
    return next(name for name, titles in placed.items() if f"t{group}-0" in titles)


def proposed_to(parts: Opened, viewer: str) -> list[Proposed]:
    who = pseudonym(viewer, parts.viewer_key)
    events = [codec.events.decode(value) for value in logged(parts, EVENTS)]
    return [each for each in events if isinstance(each, Proposed) and each.viewer == who]


def decided_in(parts: Opened) -> dict[str, Decision]:
    return {
        decision.id: decision
        for value in logged(parts, DECISIONS)
        for decision in codec.decisions.decode(value).decisions
    }


def test_a_viewer_gets_what_people_like_them_come_to(
    client: Client, parts: Opened, placed: dict[str, list[str]]
) -> None:
    # in the tables, whoever goes from group 0 to group 3 comes to group 9
    watch(client, parts, "ann", "t0-1", "t3-2")
    answer = ask(client, "ann", count=3)
    assert answer["note"] == "" and answer["dose"] == 1.0
    first = answer["titles"][0]
    assert first["cluster"] == cluster(placed, 9) and first["title"] in placed[first["cluster"]]
    assert first["proposed"] and not first["explored"] and first["propensity"] == 1.0
    assert first["why"] == (
        f"You watch {cluster(placed, 0)} and {cluster(placed, 3)}; "
        f"people who do often come to {cluster(placed, 9)}."
    )
    read = msgspec.convert(answer, Proposals)
    assert read.titles[0].picture.id == first["picture"]["id"], "as keyart.client has it"
    told = [each.cluster for each in read]
    assert len(set(told)) == 3 and not {cluster(placed, 0), cluster(placed, 3)} & set(told)


def test_the_page_and_its_pictures_are_logged_as_they_are_answered(
    client: Client, parts: Opened
) -> None:
    watch(client, parts, "bob", "t0-0", "t4-0")
    answer = ask(client, "bob", surface="detail", count=2)
    pictures = {each["picture"]["id"] for each in answer["titles"]}
    within(5, lambda: proposed_to(parts, "bob") and pictures <= decided_in(parts).keys())
    (page,) = proposed_to(parts, "bob")
    assert (page.id, page.surface, page.table) == (answer["id"], "detail", answer["table"])
    assert [(each.title, each.cluster, each.propensity) for each in page.titles] == [
        (each["title"], each["cluster"], each["propensity"]) for each in answer["titles"]
    ]
    decided = decided_in(parts)
    for each in answer["titles"]:
        decision = decided[each["picture"]["id"]]
        assert decision.title == each["title"] == each["picture"]["title"]
        assert decision.artwork == each["picture"]["artwork"]
        assert decision.propensity == each["picture"]["propensity"]
        assert sum(decision.propensities) == pytest.approx(1, abs=1e-6)
    before = parts.store.counts(Lane(VIEWERS, 0)).get("dead_letters", 0)
    run_lanes(parts)
    counts = parts.store.counts(Lane(VIEWERS, 0))
    assert counts["proposed"] >= 1 and counts.get("dead_letters", 0) == before


def test_not_this_holds_at_once_and_after_the_lanes_and_can_be_taken_back(
    client: Client, parts: Opened
) -> None:
    watch(client, parts, "cat", "t0-2", "t5-1")

    def first() -> str:
        return str(ask(client, "cat", count=1)["titles"][0]["cluster"])

    name = first()
    assert client.patch("/v1/viewers/cat", json={"declined": [name]}).status_code == 202
    assert first() != name
    kept = client.get("/v1/viewers/cat").json()
    assert kept["declined"] == [name]
    assert [each["titles"] for each in kept["explored"]] == [1, 1]
    run_lanes(parts)
    client.app.state.advisor.forget(pseudonym("cat", parts.viewer_key))
    assert first() != name
    time_of_decline = [
        each.occurred_at_ms // 1000
        for each in map(codec.events.decode, logged(parts, EVENTS))
        if isinstance(each, Correction)
    ][-1]
    within(2, lambda: int(time.time()) > time_of_decline)
    assert client.patch("/v1/viewers/cat", json={"allowed": [name]}).status_code == 202
    assert first() == name


def test_what_was_watched_hidden_or_not_asked_for_is_left_out(
    client: Client, parts: Opened, placed: dict[str, list[str]]
) -> None:
    watch(client, parts, "dan", "t0-3", "t2-0")
    hidden = placed[cluster(placed, 8)][0]
    event = {"type": "hide", "id": "dan-hides", "viewer": "dan", "title": hidden}
    assert client.post("/v1/events", json={"events": [event]}).status_code == 202
    run_lanes(parts)
    shown = {each["title"] for each in ask(client, "dan", count=50)["titles"]}
    assert not shown & {"t0-3", "t2-0", hidden} and len(shown) > 10
    some = ["t8-1", "t8-2", "t0-3", "no such title"]
    answer = ask(client, "dan", count=50, titles=some)
    assert {each["title"] for each in answer["titles"]} == {"t8-1", "t8-2"}
    # of one cluster, which is proposed once; the other title is what is left
    assert [each["proposed"] for each in answer["titles"]] == [True, False]
    assert answer["unknown"] == ["no such title"]
    assert ask(client, "dan", titles=["t0-3"])["note"].startswith("nothing is left to propose")


def test_of_whom_nothing_is_known_nothing_is_proposed(client: Client, parts: Opened) -> None:
    answer = ask(client, "nobody")
    assert answer["titles"] == [] and answer["note"].startswith("nothing can be proposed yet")
    watch(client, parts, "eve", "t0-0", "t3-0")
    assert ask(client, "eve")["titles"]
    assert client.delete("/v1/viewers/eve").status_code == 202
    assert ask(client, "eve")["titles"] == []
    run_lanes(parts)
    assert ask(client, "eve")["titles"] == []
    who = pseudonym("eve", parts.viewer_key)
    assert parts.store.read(Lane(VIEWERS, 0), EXPLORED, [who]) == [None]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "$"),
        ({"viewer": ""}, "$.viewer"),
        ({"viewer": "a", "count": 0}, "$.count"),
        ({"viewer": "a", "count": 51}, "$.count"),
        ({"viewer": "a", "titles": []}, "$.titles"),
        ({"viewer": "a", "titles": ["x", "x"]}, "$.titles"),
        ({"viewer": "a", "titles": [f"t{at}" for at in range(1001)]}, "$.titles"),
        ({"viewer": "a", "surface": "a\nb"}, "$.surface"),
        ({"viewer": "a", "many": 3}, "$.many"),
    ],
)
def test_wrong_requests_are_named(client: Client, body: dict[str, Any], where: str) -> None:
    found = problem(client.post("/v1/serendipity", json=body), 400)
    assert [fault["where"] for fault in found["faults"]] == [where]


def test_who_only_declined_sees_that_it_is_kept(
    client: Client, placed: dict[str, list[str]]
) -> None:
    name = cluster(placed, 7)
    assert client.get("/v1/viewers/gil").status_code == 404
    assert client.patch("/v1/viewers/gil", json={"declined": [name]}).status_code == 202
    kept = client.get("/v1/viewers/gil").json()
    assert kept["declined"] == [name] and kept["events"] == 0 and kept["explored"] == []


def test_a_cluster_that_is_not_there_cannot_be_declined(client: Client) -> None:
    found = problem(client.patch("/v1/viewers/a", json={"declined": ["no such"]}), 400)
    assert found["faults"][0]["where"] == "$.declined[0]"


def test_state_is_what_the_log_gives(client: Client, parts: Opened) -> None:
    for viewer in ("fay", "gus", "hal"):
        watch(client, parts, viewer, "t0-0", "t1-0", "t3-0")
    lane = Lane(VIEWERS, 0)
    live = dict(parts.store.scan(lane, EXPLORED))
    assert len(live) >= 3
    parts.store.clear(lane)
    assert not dict(parts.store.scan(lane, EXPLORED))
    run_lanes(parts)
    assert dict(parts.store.scan(lane, EXPLORED)) == live


def test_a_new_table_is_taken_in_and_a_broken_one_is_not(client: Client, parts: Opened) -> None:
    from keyart.models.serendipity.table import MANIFEST, TITLES

    advisor, folder_of = client.app.state.advisor, parts.data_dir / "serendipity"
    served, titles = advisor.atlas, (folder_of / TITLES).read_bytes()
    manifest = (folder_of / MANIFEST).read_bytes()
    (folder_of / TITLES).write_bytes(titles.replace(b"t0-0", b"t9-9"))
    (folder_of / MANIFEST).write_bytes(manifest + b"\n")
    advisor.refresh()
    assert advisor.atlas is served, "a file is not the one that was written"
    (folder_of / TITLES).write_bytes(titles)
    (folder_of / MANIFEST).write_bytes(manifest)
    advisor.refresh()
    assert advisor.atlas is not served and advisor.atlas.names == served.names
