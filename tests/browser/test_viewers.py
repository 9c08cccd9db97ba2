"""One viewer on the page: what they explored, what is proposed, and "not this"."""

import os
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect
from typer.testing import CliRunner

from keyart.services.cli.serendipity import app
from tests.faults.serving import Serving
from tests.unit.services.test_evaluate_serendipity import folder

Look = Callable[..., Page]
VIEWER = 'ann "the first"'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, free_port: int) -> Iterator[str]:
    data = tmp_path_factory.mktemp("viewers")
    train = str(folder(data / "train", range(80)))
    made = CliRunner().invoke(
        app, ["build", str(data / "serendipity"), "--train", train, "--clusters", "12"]
    )
    assert made.exit_code == 0, made.output
    serving = Serving(data, free_port)
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
        yield f"http://127.0.0.1:{free_port}"
    finally:
        serving.stop()


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
