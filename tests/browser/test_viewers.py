"""Proposals on the page: one viewer and "not this", and what came of all pages."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect
from typer.testing import CliRunner

from keyart.services.cli.serendipity import app
from keyart.services.processes.retrainer import REPORT
from tests.faults.serving import COMMAND, Serving
from tests.unit.services.test_evaluate_serendipity import folder

Look = Callable[..., Page]
CONTRAST = Path(__file__).with_name("contrast.js").read_text()
VIEWER = 'ann "the first"'
OTHERS, COUNT = 12, 4
DOSE = "home=0.5,*=0.3"


def act(kind: str, viewer: str, title: str) -> dict[str, Any]:
    return {"type": kind, "id": f"{kind} {viewer} {title}", "viewer": viewer, "title": title}


def is_known(serving: Serving, viewer: str) -> bool:
    """Whether both titles were read, and the table has titles for a whole page."""
    status, kept = serving.call(f"/v1/viewers/{quote(viewer)}")
    return status == 200 and len(kept["explored"]) == 2 and len(kept["proposed"]) == 5


def told(serving: Serving, events: list[dict[str, Any]]) -> None:
    assert serving.call("/v1/events", {"events": events})[0] == 202


def serve_pages(serving: Serving) -> int:
    """Let others finish two titles, see a page each and take the first of it; return places."""
    others = [f"other {at}" for at in range(OTHERS)]
    told(serving, [act("finish", each, name) for each in others for name in ("t0-1", "t3-2")])
    serving.until(lambda: all(is_known(serving, each) for each in others))
    events, places = [], 0
    for each in others:
        status, page = serving.call("/v1/serendipity", {"viewer": each, "count": COUNT})
        assert status == 200
        places += len(page["titles"])
        events += [act("impression", each, place["title"]) for place in page["titles"]]
        events.append(act("finish", each, page["titles"][0]["title"]))
    told(serving, events)
    return places


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory, free_port: int) -> Iterator[Serving]:
    data = tmp_path_factory.mktemp("viewers")
    train = str(folder(data / "train", range(80)))
    made = CliRunner().invoke(
        app, ["build", str(data / "serendipity"), "--train", train, "--clusters", "12"]
    )
    assert made.exit_code == 0, made.output
    serving = Serving(data, free_port, serendipity_dose=DOSE)
    try:
        serving.ready()
        for name in [f"t{group}-{at}" for group in range(12) for at in range(6)]:
            artworks = [{"id": "a", "description": f"a picture of {name}"}]
            told = serving.call(f"/v1/titles/{name}", {"id": name, "artworks": artworks}, "PUT")
            assert told[0] == 200
        events = [
            {"type": "finish", "id": name, "viewer": VIEWER, "title": name}
            for name in ("t0-1", "t3-2")
        ]
        assert serving.call("/v1/events", {"events": events})[0] == 202

        def is_known() -> bool:
            # both titles are read, and the table has those of group 9, which come late
            status, kept = serving.call(f"/v1/viewers/{quote(VIEWER)}")
            if status != 200 or len(kept["explored"]) < 2 or not kept["proposed"]:
                return False
            return "tag9" in kept["proposed"][0]["cluster"]

        serving.until(is_known)
        yield serving
    finally:
        serving.stop()


@pytest.fixture(scope="module")
def site(serving: Serving) -> str:
    return f"http://127.0.0.1:{serving.port}"


@pytest.fixture(scope="module")
def places(serving: Serving) -> int:
    """Let pages be seen, and count what came of them as housekeeping does; return their places."""
    served = serve_pages(serving)
    command = [*COMMAND, *REPORT]

    def counted() -> bool:
        # pages are logged beside their answers: the last may not be there yet
        subprocess.run(command, env=serving.environ, capture_output=True, timeout=120, check=True)
        status, its = serving.call("/v1/insight/serendipity")
        return status == 200 and bool(its["came"]["seen"] == served)

    serving.until(counted)
    return served


def next_second() -> None:
    """Wait until a decline and what takes it back are of two seconds: within one it stands."""
    began = int(time.time())
    while int(time.time()) == began:
        time.sleep(0.01)


def clusters(page: Page, name: str) -> list[str]:
    return page.locator(f"[data-list={name}] li b").all_inner_texts()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_not_this_is_said_and_taken_back_on_the_page(
    look: Look, site: str, width: int, theme: str
) -> None:
    page = look(site, width=width, theme=theme)
    page.get_by_label("The viewer, as your site calls them").fill(VIEWER)
    page.get_by_role("button", name="Look").click()
    expect(page.locator("[data-list=explored] li")).to_have_count(2, timeout=20_000)
    expect(page.locator("[data-list=proposed] li")).to_have_count(5)
    first = clusters(page, "proposed")[0]
    assert "tag9" in first
    expect(page.locator("[data-list=proposed] li").first).to_contain_text(
        f"people who do often come to {first}."
    )
    page.get_by_role("button", name=f"not this: {first}").click()
    expect(page.locator("[data-list=declined] li b")).to_have_text([first], timeout=20_000)
    expect(page.locator("#viewer-words")).to_have_text(f"{first} is not proposed any more.")
    assert first not in clusters(page, "proposed")
    if shots := os.environ.get("KEYART_SHOTS"):
        page.locator(".viewers").screenshot(path=f"{shots}/viewers-{width}-{theme}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    next_second()
    page.get_by_role("button", name=f"allow again: {first}").click()
    expect(page.locator("[data-list=declined] li")).to_have_count(0, timeout=20_000)
    assert clusters(page, "proposed")[0] == first
    next_second()


def test_nobody_is_told_as_nobody(look: Look, site: str) -> None:
    page = look(site, expected="404")
    page.get_by_label("The viewer, as your site calls them").fill("nobody")
    page.get_by_role("button", name="Look").click()
    expect(page.locator("#viewer-detail")).to_contain_text(
        "Nothing is kept of this viewer", timeout=20_000
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_what_came_of_proposals_is_shown(
    look: Look, site: str, places: int, width: int, theme: str
) -> None:
    page = look(site, width=width, theme=theme)
    section = page.locator("#serendipity")
    expect(section).to_be_visible(timeout=30_000)
    expect(page.locator("#serendipity-words")).to_contain_text(
        "12 interest clusters of 72 titles, planned by blend"
    )
    expect(page.locator("#serendipity-words")).to_contain_text(f"Of {places} places seen")
    rows = page.locator("#serendipity-rows tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("proposed by the table")
    expect(rows.first).to_contain_text("% finished or liked")
    expect(page.locator("#serendipity-more")).to_contain_text("unique engaged pairs per 1,000")
    guards = page.locator("#serendipity-guards li")
    expect(guards).to_have_count(2)
    expect(guards.first).to_contain_text("their dose means 50.0")
    expect(guards.nth(1)).to_contain_text("Satisfaction")
    doses = page.locator("#serendipity-doses li")
    expect(doses).to_have_count(2)
    expect(doses.first).to_contain_text("home 50 % of places are to be proposals")
    expect(doses.nth(1)).to_have_text(
        "every other surface 30 % of places are to be proposals; none was seen yet."
    )
    if shots := os.environ.get("KEYART_SHOTS"):
        section.screenshot(path=f"{shots}/serendipity-{width}-{theme}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []
