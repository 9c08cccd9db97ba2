"""The example site in a real browser: keyart.js decides, sees, tells, and does without keyart."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from keyart.schemas import codec
from keyart.schemas.topics import DECISIONS, EVENTS
from tests.integration.live import answering, free_port, stored
from tests.opened import Opened

SITE = Path(__file__).parents[2] / "examples/site/serve.py"
Look = Callable[..., Page]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with stored(tmp_path_factory.mktemp("example")) as made:
        yield made


@contextmanager
def running(url: str) -> Iterator[str]:
    """Run the example site over a keyart that answers; give its address."""
    process = subprocess.Popen(
        [sys.executable, str(SITE), "--keyart", url, "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def events(parts: Opened) -> list[dict[str, Any]]:
    return [json.loads(each.value) for each in parts.log.read(EVENTS, 0, after=None, count=1000)]


def artwork_of(figure: Locator) -> str | None:
    return figure.get_attribute("data-artwork")


def until(page: Page, condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not come about")


def test_the_site_shows_what_keyart_chose_and_tells_what_was_seen_and_done(
    look: Look, parts: Opened
) -> None:
    with ExitStack() as site:
        with answering(parts, free_port()) as url:
            address = site.enter_context(running(url))
            page = look(address)
            expect(page.locator("#said")).to_have_text("Chosen by keyart.")
            expect(page.locator("figure")).to_have_count(3)
            first = page.locator("figure").first
            until(page, lambda: any(each["type"] == "impression" for each in events(parts)))
            seen = [each for each in events(parts) if each["type"] == "impression"]
            figures = page.locator("figure").all()
            shown = {each.get_attribute("data-title"): artwork_of(each) for each in figures}
            assert all(shown[each["title"]] == each["artwork"] for each in seen)
            # the third is below the fold, until somebody looks
            assert "low-tide" not in {each["title"] for each in seen}
            page.locator("figure").last.scroll_into_view_if_needed()
            until(page, lambda: "low-tide" in {each["title"] for each in events(parts)})
            first.get_by_role("button").click()
            until(page, lambda: {"click", "play"} <= {each["type"] for each in events(parts)})
            taken = events(parts)
            played = next(each for each in taken if each["type"] == "play")
            logged = [
                decision.id
                for record in parts.log.read(DECISIONS, 0, after=None, count=100)
                for decision in codec.decisions.decode(record.value).whole().decisions
            ]
            assert played["minutes"] == 3 and played["decision"] in logged
            assert len({each["viewer"] for each in taken}) == 1
            assert len({each["id"] for each in taken}) == len(taken)
        # keyart is gone: the page has its defaults, and says so
        page = look(address)
        expect(page.locator("#said")).to_have_text("keyart is away; these are the defaults")
        shown_now = list(map(artwork_of, page.locator("figure").all()))
    assert shown_now == ["stars", "city", "boat"]


AWAY = """async () => {
  const { Keyart } = await import("/page/keyart.js");
  const away = new Keyart({ base: "/nothing", defaults: { t: "a" }, most: 3, everyMs: 1e6 });
  const page = await away.decide("v", ["t", "u"]);
  for (let at = 0; at < 5; at += 1)
    away.track("impression", { title: `t${at}`, artwork: "a" });
  const waiting = away.waiting.map((each) => each.title);
  return { page, waiting, dropped: away.dropped };
}"""
WRONG = """async () => {
  const { Keyart } = await import("/page/keyart.js");
  return new Keyart().decide("v", ["t", "t"]).catch((error) => error.message);
}"""


def test_the_script_alone_falls_back_and_bounds_its_queue(look: Look, parts: Opened) -> None:
    with answering(parts, free_port()) as url:
        page = look(f"{url}/page/keyart.js", expected="Failed to load resource")
        found, refused = page.evaluate(AWAY), page.evaluate(WRONG)
    assert found["page"]["away"] and found["page"]["unknown"] == ["u"]
    assert found["page"]["decisions"][0]["artwork"] == "a"
    assert (found["waiting"], found["dropped"]) == (["t2", "t3", "t4"], 2)
    assert "a title stands twice" in refused
