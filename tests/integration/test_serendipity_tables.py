"""Tables as versions on a real site: made, promoted by alias, taken in while the api answers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from keyart.services.cli.main import app
from keyart.services.wiring.clock import now_ms
from tests.integration.test_api import Client, opened, site, title, within
from tests.integration.test_serendipity import (
    ask,
    proposed_to,
    run_lanes,
    titles_known,
    watch,
)
from tests.opened import Opened
from tests.unit.services.test_evaluate_serendipity import folder

TITLES = [f"t{group}-{at}" for group in range(12) for at in range(6)]


@pytest.fixture
def parts(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    monkeypatch.setenv("KEYART_DATA_DIR", str(data_dir))
    made = site(data_dir, serendipity_explore=0.0)
    made.server.start()
    yield made
    made.server.stop()


def run(*words: str) -> Any:
    result = CliRunner().invoke(app, [*words, "--json", "-"])
    assert result.exit_code == 0, (result.output, result.exception)
    return msgspec.json.decode(result.stdout)


def described(name: str) -> dict[str, Any]:
    """Return a title whose artworks say which group it is of."""
    group = name.split("-")[0]
    body = title("a", "b")
    for artwork in body["artworks"]:
        artwork["attributes"] = {"mood": f"mood {group}", "look": f"look {group}"}
    return body


def begin(client: Client, parts: Opened) -> None:
    """Put the titles there, and let one viewer take two of them."""
    for name in TITLES:
        assert client.put(f"/v1/titles/{name}", json=described(name)).status_code == 200
    within(30, lambda: titles_known(client) == len(TITLES))
    watch(client, parts, "ann", "t0-1", "t3-2")


def test_a_champion_is_taken_in_by_its_alias_and_refreshed_by_the_site_itself(
    parts: Opened, tmp_path: Path
) -> None:
    train = str(folder(tmp_path / "train", range(160)))
    first = run("serendipity", "build", "--train", train, "--clusters", "12", "--promote")
    assert first["passed"] and first["serves"] == first["version"]["name"]
    with opened(parts) as client:
        begin(client, parts)
        answer = ask(client, "ann", count=1)
        assert answer["table"] == first["version"]["name"]
        assert answer["titles"][0]["title"].startswith("t9-")
        teach(client, parts)
        second = run("serendipity", "refresh")
        assert second["passed"], second
        name = second["version"]["name"]
        assert second["version"]["parent"] == first["version"]["name"] != name
        assert ask(client, "ann", count=1)["table"] == first["version"]["name"]
        run("models", "promote", "candidate", "--of", "serendipity")
        client.app.state.advisor.refresh()
        answer = ask(client, "ann", count=1)
        assert answer["table"] == name
        # on this site whoever goes from group 0 to group 3 comes to group 7
        assert answer["titles"][0]["title"].startswith("t7-")
        listed = run("models", "list", "--of", "serendipity")
        assert listed["serves"] == name and len(listed["versions"]) == 2
        assert run("models", "list")["versions"] == []
        run("models", "rollback", "--of", "serendipity")
        client.app.state.advisor.refresh()
        assert ask(client, "ann", count=1)["table"] == first["version"]["name"]
        assert run("serendipity", "refresh", "--when-due") == {"outcome": "not due"}


def test_what_came_of_pages_is_told_of_the_log(parts: Opened, tmp_path: Path) -> None:
    train = str(folder(tmp_path / "train", range(160)))
    run("serendipity", "build", "--train", train, "--clusters", "12", "--promote")
    with opened(parts) as client:
        begin(client, parts)
        answer = ask(client, "ann", count=2)
        within(30, lambda: len(proposed_to(parts, "ann")) == 1)
        events = []
        for number, each in enumerate(answer["titles"]):
            about = {"viewer": "ann", "title": each["title"], "decision": each["picture"]["id"]}
            events.append({"type": "impression", "id": f"i{number}", **about})
            if not number:
                events.append({"type": "finish", "id": "f", **about})
        assert client.post("/v1/events", json={"events": events}).status_code == 202
        found = run("serendipity", "report")
        assert (found["seen"], found["new"]) == (2, 2)
        table = found["kinds"]["proposed by the table"]
        assert table["ueuc"]["estimate"] == 500.0 and table["satisfied"] == 1.0
        assert found["kinds"]["not proposed"]["places"] == 0
        assert {each["says"] for each in found["guards"]} == {"cannot be told yet"}
        assert client.get("/v1/insight/serendipity").json()["came"] is None
        run("serendipity", "report", "--keep")
        view = client.get("/v1/insight/serendipity").json()
        assert view["table"]["version"] == answer["table"]
        assert (view["table"]["clusters"], view["table"]["planner"]) == (12, "blend")
        assert view["came"]["kinds"] == found["kinds"]
        (home,) = (each for each in view["doses"] if each["surface"] == "home")
        assert (home["meant"], home["places"], home["proposed"]) == (1.0, 2, 1.0)


def teach(client: Client, parts: Opened) -> None:
    """Let sixty viewers of the site go from group 0 to 3 to 7."""
    events = []
    for at in range(60):
        for step, group in enumerate((0, 3, 7)):
            events.append(
                {
                    "type": "finish",
                    "id": f"{at}-{step}",
                    "viewer": f"viewer {at}",
                    "title": f"t{group}-{at % 6}",
                    "occurred_at_ms": now_ms() - 600_000 + 60_000 * step,
                }
            )
    for first in range(0, len(events), 60):
        sent = client.post("/v1/events", json={"events": events[first : first + 60]})
        assert sent.status_code == 202
    run_lanes(parts)
