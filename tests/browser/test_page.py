"""The page as a person meets it, over a small live world."""

import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

Look = Callable[..., Page]
WIDTHS = (390, 820, 1600)
CONTRAST = Path(__file__).with_name("contrast.js").read_text()


def settle(page: Page) -> None:
    expect(page.locator("#live")).to_have_text("live", timeout=20_000)
    expect(page.locator("#title-detail .artwork").first).to_be_visible()
    expect(page.locator("#decision-detail .sentence")).to_be_visible()


def asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def plain(place: Locator) -> str:
    return place.inner_text().replace("\u00a0", " ")


def signed(percent: float) -> str:
    text = f"{percent:+.1f} %".replace("-", "−")
    return "0.0 %" if text[1:] == "0.0 %" else text


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_everything_is_there_and_readable_at_every_width(
    look: Look, live_world: str, width: int, theme: str
) -> None:
    page = look(live_world, width=width, theme=theme)
    settle(page)
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("#lift")).to_have_text(re.compile(r"^[+−]?\d+\.\d\s%$"))
    expect(page.locator("#note")).to_contain_text("simulated")
    expect(page.locator("#vitals .vital")).to_have_count(5)
    for words in page.locator("#vitals .words").all_inner_texts():
        assert words.strip().endswith("."), f"a tile needs a plain sentence: {words!r}"
    assert page.locator("#fractions polyline").count() == 2
    assert page.evaluate(CONTRAST) == []


def test_it_updates_by_itself(look: Look, live_world: str) -> None:
    page = look(live_world)
    settle(page)
    figures = page.locator("#policies .n").first
    before = figures.inner_text()
    expect(figures).not_to_have_text(before, timeout=15_000)


def test_it_rests_while_nobody_looks(look: Look, live_world: str) -> None:
    page = look(live_world)
    settle(page)
    page.evaluate(
        "Object.defineProperty(document, 'hidden', { get: () => true, configurable: true });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    page.wait_for_timeout(2500)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.wait_for_timeout(2500)
    assert requests == []
    expect(page.locator("#live")).to_contain_text("paused")
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#live")).to_have_text("live")
    page.wait_for_timeout(2500)
    assert requests


def test_the_figures_are_those_of_the_service(look: Look, live_world: str) -> None:
    page = look(live_world)
    settle(page)
    overview = asked(f"{live_world}/v1/insight/overview")
    page.route("**/v1/insight/overview*", lambda route: route.fulfill(json=overview))
    impressions = f"{overview['policies'][0]['impressions']:,} impressions"
    expect(page.locator("#policies .n").first).to_contain_text(impressions, timeout=15_000)
    shown = plain(page.locator("#policies li").first.locator(".value"))
    assert shown == f"{overview['policies'][0]['mean'] * 100:.1f} %"
    lift = overview["lift"]
    assert plain(page.locator("#lift")) == signed(lift["percent"])
    words = plain(page.locator("#lift-words"))
    assert f"{signed(lift['low'])} to {signed(lift['high'])}" in words


def test_a_title_is_found_and_picked_with_all_its_artworks(look: Look, live_world: str) -> None:
    page = look(live_world)
    settle(page)
    page.locator("#search").fill("glass")
    expect(page.locator("#title-list .row")).to_have_count(1)
    page.locator("#title-list .row").click()
    expect(page.locator("#title-detail h3")).to_have_text("Glass Rivers")
    (row,) = asked(f"{live_world}/v1/insight/titles?search=glass")["titles"]
    expect(page.locator("#title-detail .artwork")).to_have_count(row["artworks"])
    pictures = page.locator("#title-detail .artwork img")
    for at in range(row["artworks"]):
        pictures.nth(at).scroll_into_view_if_needed()
        expect(pictures.nth(at)).to_have_js_property("complete", True)
        assert pictures.nth(at).evaluate("image => image.naturalWidth") > 0
    assert "title=t10" in page.url
    page.reload()
    expect(page.locator("#title-detail h3")).to_have_text("Glass Rivers")


def test_keys_alone_reach_the_neighbours(look: Look, live_world: str) -> None:
    page = look(live_world)
    settle(page)
    first = page.locator("#title-detail h3").inner_text()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#title-detail h3")).not_to_have_text(first)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#title-detail h3")).to_have_text(first)
    page.keyboard.press("/")
    page.keyboard.type("history of")
    expect(page.locator("#title-list .row")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#title-detail h3")).to_have_text("A Short History of Rain")
    focused = page.evaluate("document.activeElement.id")
    assert focused == "title-list"


def test_the_why_of_a_decision(look: Look, live_world: str) -> None:
    page = look(live_world)
    settle(page)
    rows = page.locator("#decision-list .row")
    rows.nth(3).hover()
    page.wait_for_timeout(2500)
    name = rows.nth(3).locator("b").inner_text()
    rows.nth(3).click()
    detail = page.locator("#decision-detail")
    expect(detail.locator(".link")).to_have_text(name)
    expect(detail.locator(".sentence")).to_have_text(re.compile(r"^(Shown|Explored|Drawn).*\.$"))
    shares = [text.strip() for text in detail.locator(".odd em").all_inner_texts()]
    total = sum(0.5 if text.startswith("<") else float(text.split()[0]) for text in shares)
    assert 94 <= total <= 106
    expect(detail.locator(".odd[data-chosen=yes]")).to_have_count(1)
    assert detail.locator(".term").count() >= 5
    sentence = detail.locator(".sentence").inner_text()
    page.mouse.move(5, 5)
    page.wait_for_timeout(2500)
    assert detail.locator(".sentence").inner_text() == sentence
    detail.locator(".link").click()
    expect(page.locator("#title-detail h3")).to_have_text(name)


def test_a_chart_is_read_by_pointer_and_by_keys(look: Look, live_world: str) -> None:
    page = look(live_world)
    settle(page)
    chart = page.locator("#fractions svg")
    chart.hover(position={"x": 200, "y": 120})
    tip = page.locator("#fractions .tip")
    expect(tip).to_contain_text("uniform choice")
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()
    chart.focus()
    page.keyboard.press("ArrowLeft")
    expect(tip).to_be_visible()
    page.get_by_role("radio", name="so far").click()
    expect(page.locator("#fractions-words")).to_contain_text("everything before it")


def test_the_theme_is_switched_and_kept(look: Look, live_world: str) -> None:
    page = look(live_world)
    settle(page)
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_name_from_the_catalogue_is_never_markup(look: Look, live_world: str) -> None:
    page = look(f"{live_world}/#title=t12")
    settle(page)
    expect(page.locator("#title-detail h3")).to_have_text('Tea with <b>Mr. "Okoye"</b>')
    assert page.locator("#title-detail h3 b").count() == 0


def test_a_policy_forbids_what_is_not_ours(look: Look, live_world: str) -> None:
    with urllib.request.urlopen(live_world, timeout=10) as answer:
        policy = answer.headers["Content-Security-Policy"]
        html = answer.read().decode()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not re.search(r"\son\w+=|style=|<script(?![^>]*\ssrc=)", html)


def test_an_empty_service_says_what_to_do(look: Look, empty_world: str) -> None:
    page = look(empty_world)
    expect(page.locator("#live")).to_have_text("live", timeout=20_000)
    expect(page.locator("#lift-words")).to_contain_text("keyart catalogue load")
    expect(page.locator("#title-detail")).to_contain_text("keyart catalogue load FILE")
    expect(page.locator("#decision-detail")).to_contain_text("POST /v1/decisions")
    expect(page.locator("#fractions")).to_contain_text("Nothing to draw yet")
    expect(page.locator("#serendipity")).to_be_hidden()  # nothing is proposed here
    assert page.evaluate(CONTRAST) == []
