"""An experiment, a hole in time, what was lost, filters, files: over a world that stands still."""

import csv
import json
import re
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

Look = Callable[..., Page]
CONTRAST = Path(__file__).with_name("contrast.js").read_text()
RULED, MISJUDGED, UNSAID, PRIOR = "t04", "t03", "t05", "ridge-1f2e3d4c"
"""Titles of the lab: with rules, misjudged by the prior, without an opinion of it; the prior."""


def settle(page: Page) -> None:
    expect(page.locator("#live")).to_have_text("live", timeout=30_000)
    expect(page.locator("#title-detail .artwork").first).to_be_visible()


def asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.load(answer)


def plain(place: Locator) -> str:
    return place.inner_text().replace("\u00a0", " ")


def telling(overview: Any) -> Callable[[Page], None]:
    """Return what lets a page be told this overview."""

    def tell(page: Page) -> None:
        page.route("**/v1/insight/overview*", lambda route: route.fulfill(json=overview))

    return tell


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_it_fits_and_is_readable(look: Look, lab_world: str, width: int, theme: str) -> None:
    page = look(lab_world, width=width, theme=theme)
    settle(page)
    page.get_by_role("radio", name="difference").click()
    expect(page.locator("#chart-title")).to_contain_text("Difference")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_what_is_watched_stands_by_policy_with_its_interval(
    look: Look, lab_world: str, width: int, theme: str
) -> None:
    page = look(lab_world, width=width, theme=theme)
    settle(page)
    told = asked(f"{lab_world}/v1/insight/overview")["watched"]
    assert [each["reward"] for each in told] == ["any_click", "left_soon"]
    rows = page.locator("#watched-rows tr")
    expect(rows).to_have_count(sum(len(each["policies"]) for each in told))
    expect(page.locator("#watched")).to_be_visible()
    cells = [[plain(cell) for cell in row.locator("th, td").all()] for row in rows.all()]

    def figure(value: float) -> str:
        return f"{value:.3f}".replace("-", "−")

    assert cells == [
        [
            each["reward"].replace("_", " "),
            its["name"],
            f"{figure(its['mean'])} ({figure(its['low'])} to {figure(its['high'])})",
            f"{its['impressions']:,}",
        ]
        for each in told
        for its in each["policies"]
    ]
    # a guardrail below 0 says so with a sign, and is not cut off where the page is narrow
    assert any(row[2].startswith("−") for row in cells)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_label("Surface").select_option("search")
    fewer = asked(f"{lab_world}/v1/insight/overview?surface=search")["watched"]
    expect(rows.first.locator("td").last).to_have_text(
        f"{fewer[0]['policies'][0]['impressions']:,}"
    )


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (1280, "dark")])
def test_what_keeping_pictures_costs_is_said_in_words_with_a_number(
    look: Look, lab_world: str, width: int, theme: str
) -> None:
    page = look(lab_world, width=width, theme=theme)
    settle(page)
    dwell, swaps = asked(f"{lab_world}/v1/insight/overview")["keeping"]
    assert (dwell["reason"], swaps["reason"]) == ("dwell", "swaps")
    assert 0.0 < dwell["low"] < dwell["cost"] < dwell["high"]
    assert swaps["cost"] is None and swaps["pictures"] == 7
    lines = page.locator("#keeping-list li")
    expect(lines).to_have_count(2)
    low, high = (f"−{100 * dwell[end]:.1f} %" for end in ("high", "low"))
    assert plain(lines.first) == (
        f"Pictures that stay for their dwell period are expected to be taken "
        f"{100 * dwell['cost']:.1f} % less than choices made anew ({low} to {high}), "
        f"{dwell['takes_per_1000']:.1f} takes in 1,000 pictures."
    )
    expect(lines.last).to_contain_text("not known yet")
    expect(page.locator("#keeping-how")).to_contain_text("1,207 pictures")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []


def test_where_nothing_is_kept_no_cost_is_told(look: Look, lab_world: str) -> None:
    told = asked(f"{lab_world}/v1/insight/overview")
    even = {**told["keeping"][0], "cost": -0.001, "low": -0.01, "high": 0.008}
    page = look(lab_world, before=telling({**told, "keeping": [even]}))
    settle(page)
    expect(page.locator("#keeping-list li")).to_contain_text("0.10\u00a0% more than")
    expect(page.locator("#keeping-list li")).to_contain_text("cannot be told from nothing")
    page = look(lab_world, before=telling({**told, "keeping": []}))
    settle(page)
    expect(page.locator("#keeping")).to_be_hidden()


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_what_places_do_is_said_with_intervals(
    look: Look, lab_world: str, width: int, theme: str
) -> None:
    page = look(lab_world, width=width, theme=theme)
    settle(page)
    told = asked(f"{lab_world}/v1/insight/overview")["positions"]
    assert [each["surface"] for each in told] == ["home", "search"]
    rows = page.locator("#positions-rows tr")
    expect(rows).to_have_count(sum(len(each["places"]) for each in told))
    first = told[0]["places"][0]
    assert (first["first"], first["last"]) == (1, 1) and first["low"] > 1.0
    assert first["factor"] > 1.5 * told[0]["places"][-1]["factor"]
    expect(page.locator("#positions-words")).to_contain_text(
        f"On home a picture is taken {first['factor']:.2f} times as often at place 1"
    )
    expect(rows.first).to_contain_text(
        f"× {first['factor']:.2f} ({first['low']:.2f} to {first['high']:.2f})"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []


def test_arms_are_set_against_the_default_with_their_shares(look: Look, lab_world: str) -> None:
    page = look(lab_world)
    settle(page)
    experiment = asked(f"{lab_world}/v1/insight/overview")["experiment"]
    rows = page.locator("#arms tr")
    expect(rows).to_have_count(2)
    lola = experiment["arms"][1]
    assert f"{lola['share_seen'] * 100:.1f} % of 50.0 % meant" in plain(rows.nth(1))
    assert f"+{lola['lift']['percent']:.1f} %" in plain(rows.nth(1))
    assert "the default" in plain(rows.nth(0))
    assert "over the same time" in plain(page.locator("#experiment-words"))
    assert "Each arm gets the share" in plain(page.locator("#arms-check"))


def test_a_lost_arm_is_said_to_make_figures_worthless(look: Look, lab_world: str) -> None:
    overview = asked(f"{lab_world}/v1/insight/overview")
    overview["experiment"] |= {"passed": False, "p_value": 0.00002}
    page = look(lab_world, before=telling(overview))
    expect(page.locator("#arms-check")).to_contain_text("Do not compare them")
    expect(page.locator("#arms-check")).to_contain_text("p < 0.001")


def test_the_headline_states_its_control_its_time_and_the_extra_takes(
    look: Look, lab_world: str
) -> None:
    page = look(lab_world)
    settle(page)
    lift = asked(f"{lab_world}/v1/insight/overview")["lift"]
    expect(page.locator("#hero-title")).to_have_text("More takes than uniform choice?")
    control = plain(page.locator("#lift-control"))
    assert "20 % of choices drawn evenly" in control
    assert f"{lift['impressions']:,} impressions since" in control
    more = "more" if lift["extra"] >= 0 else "fewer"
    said = f"about {abs(round(lift['extra'])):,} takes {more}"
    assert said in plain(page.locator("#lift-extra"))


def test_it_says_how_long_until_it_can_be_told(look: Look, lab_world: str) -> None:
    overview = asked(f"{lab_world}/v1/insight/overview")
    words = "If the difference stays as it is: about 12,000 more impressions, 3 days."
    overview["lift"] |= {"low": -3.0, "until": words}
    page = look(lab_world, before=telling(overview))
    expect(page.locator("#lift-until")).to_have_text(words)
    expect(page.locator("#lift-words")).to_contain_text("Too early to tell")
    expect(page.locator("#lift-extra")).to_contain_text("it may be chance")


def test_a_hole_in_time_is_a_hole_in_the_line(look: Look, lab_world: str) -> None:
    page = look(lab_world)
    settle(page)
    timeline = asked(f"{lab_world}/v1/insight/timeline?view=total")
    ((after, until),) = timeline["holes"]
    assert until - after >= 15 * 60_000
    page.get_by_role("radio", name="so far").click()
    expect(page.locator("#fractions-words")).to_contain_text("Where the line is cut")
    expect(page.locator("#fractions .hole")).to_have_count(1)
    assert page.locator('#fractions polyline[data-series="keyart"]').count() == 2


def test_the_difference_is_drawn_with_its_interval(look: Look, lab_world: str) -> None:
    page = look(lab_world)
    settle(page)
    page.get_by_role("radio", name="difference").click()
    expect(page.locator("#fractions .zero")).to_have_count(1)
    names = set(page.locator("#fractions .name").all_text_contents())
    assert names == {"keyart over uniform choice", "lola over keyart"}
    expect(page.locator("#fractions-words")).to_contain_text("hold at every look")
    chart = page.locator("#fractions svg")
    chart.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#fractions .tip")).to_contain_text(re.compile(r"\+\d+\.\d\s%"))


def test_what_did_not_teach_is_told_in_words_and_numbers(look: Look, lab_world: str) -> None:
    page = look(lab_world)
    settle(page)
    lost = page.locator("#lost")
    expect(lost).to_contain_text("2,614 plays and other engagements could not be joined")
    first = plain(page.locator("#lost-list li").first)
    assert first.startswith("2,573 plays and other engagements, because they came after")
    expect(lost).to_contain_text("3 records could not be read or applied")
    page.locator("#right summary").click()
    expect(page.locator("#right-list")).to_contain_text("800 impressions, because the picture")


def test_what_waits_for_its_window_is_told(look: Look, lab_world: str) -> None:
    page = look(lab_world)
    settle(page)
    waiting = page.locator("#vitals .vital", has_text="Waiting for their window")
    expect(waiting).to_contain_text("1,240")
    expect(waiting).to_contain_text("each is counted 32 min after it was seen")


def test_figures_of_one_surface_and_of_some_days(look: Look, lab_world: str) -> None:
    page = look(lab_world)
    settle(page)
    whole = asked(f"{lab_world}/v1/insight/overview")["policies"][0]["impressions"]
    some = asked(f"{lab_world}/v1/insight/overview?surface=search")["policies"][0]["impressions"]
    assert 0 < some < whole
    figures = page.locator("#policies .n").first
    expect(figures).to_contain_text(f"{whole:,} impressions")
    page.locator("#surface").select_option("search")
    expect(figures).to_contain_text(f"{some:,} impressions")
    expect(page.locator("#title-detail .detail-head")).to_contain_text("on search")
    later = (datetime.now() + timedelta(days=2)).strftime("%Y-%m-%d")
    page.locator("#from").fill(later)
    expect(page.locator("#policies li")).to_have_count(0)
    page.locator("#to").fill("2020-01-01")
    expect(page.locator("#filter-words")).to_contain_text("after the last")
    page.get_by_role("button", name="Show all").click()
    expect(figures).to_contain_text(f"{whole:,} impressions")


def test_figures_are_saved_as_csv(look: Look, lab_world: str) -> None:
    page = look(lab_world)
    settle(page)
    with page.expect_download() as saving:
        page.get_by_role("button", name="Figures as CSV").click()
    assert saving.value.suggested_filename == "keyart-figures.csv"
    rows = list(csv.DictReader(Path(saving.value.path()).read_text().splitlines()))
    overview = asked(f"{lab_world}/v1/insight/overview")
    own = sum(int(row["impressions"]) for row in rows if row["policy"] == "keyart")
    assert own == overview["policies"][0]["impressions"]
    assert {row["policy"] for row in rows} == {"keyart", "lola", "explore"}
    with page.expect_download() as saving:
        page.get_by_role("button", name="Titles as CSV").click()
    rows = list(csv.DictReader(Path(saving.value.path()).read_text().splitlines()))
    shown = sum(each["impressions"] for each in overview["policies"])
    assert sum(int(row["impressions"]) for row in rows) == shown
    assert {row["surface"] for row in rows} == {"home", "search"}


def test_titles_stand_in_the_order_that_is_said(look: Look, lab_world: str) -> None:
    page = look(lab_world)
    settle(page)
    shown = [
        int(re.findall(r"([\d,]+) impressions", text)[0].replace(",", ""))
        for text in page.locator("#title-list .row").all_inner_texts()
    ]
    assert shown == sorted(shown, reverse=True) and len(set(shown)) > 1


def test_pictures_from_elsewhere_are_explained_and_none_is_cropped(
    look: Look, lab_world: str
) -> None:
    page = look(lab_world)
    settle(page)
    drawn = page.locator("#title-detail .drawn")
    expect(drawn).to_contain_text("https://images.example.org")
    expect(drawn).to_contain_text("KEYART_PAGE_IMAGES=https://images.example.org")
    square = page.locator('#title-detail .artwork img[src="/page/mark.svg"]')
    expect(square).to_have_js_property("complete", True)
    box = square.bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(1.0, abs=0.02)
    assert square.evaluate("image => getComputedStyle(image).objectFit") == "contain"


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_the_rules_of_a_title_are_told_with_what_they_did(
    look: Look, lab_world: str, width: int, theme: str
) -> None:
    page = look(f"{lab_world}/#title={RULED}", width=width, theme=theme)
    settle(page)
    title = asked(f"{lab_world}/v1/insight/titles/{RULED}")
    rules = page.locator(".ruled")
    expect(rules).to_be_visible()
    expect(rules.locator(".rules li p")).to_have_count(len(title["rules"]))
    expect(rules.locator(".rules li")).to_have_count(3)
    first = plain(rules.locator(".rules li").first)
    assert title["artworks"][0]["description"] in first
    assert "pinned to 60 % of choices" in first and "holds now" in first
    assert "until it has 1,000 impressions" in plain(rules) and "not yet" in plain(rules)
    did = title["ruled"]
    part = f"changed about {round(did['changed'] / did['impressions'] * 100)} %"
    assert part in plain(page.locator("#rules-did"))
    assert f"{did['pinned']} were pinned" in plain(page.locator("#rules-did"))
    assert "takes" in plain(page.locator("#rules-cost"))
    assert "Reckoned, not measured" in plain(page.locator("#rules-how"))
    expect(page.locator("#title-list .row").filter(has_text="rules on 3")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize(
    ("ruled", "did", "cost"),
    [
        (None, "touched none of the", ""),
        ({"cost": 14.2, "low": 6.0, "high": 22.4, "told": True}, "", "cost about 14 takes"),
        ({"cost": -3.0, "low": -5.0, "high": -1.0, "told": True}, "", "gained about 3.0 takes"),
        ({"cost": 1.0, "low": -4.0, "high": 6.0, "told": False}, "", "cannot be told yet"),
    ],
)
def test_a_cost_is_told_only_where_it_is_known(
    look: Look, lab_world: str, ruled: dict[str, Any] | None, did: str, cost: str
) -> None:
    title = asked(f"{lab_world}/v1/insight/titles/{RULED}")
    title["ruled"] = None if ruled is None else title["ruled"] | ruled
    page = look(
        f"{lab_world}/#title={RULED}",
        before=lambda page: page.route(
            f"**/v1/insight/titles/{RULED}*", lambda route: route.fulfill(json=title)
        ),
    )
    settle(page)
    assert did in plain(page.locator("#rules-did"))
    assert cost in plain(page.locator("#rules-cost"))
    expect(page.locator("#rules-how")).to_be_visible(visible=ruled is not None)


def test_a_title_without_rules_says_nothing_of_any(look: Look, lab_world: str) -> None:
    page = look(f"{lab_world}/#title=t00")
    settle(page)
    expect(page.locator(".ruled")).to_be_hidden()


@pytest.mark.parametrize(
    ("status", "words"), [(401, "This key is wrong."), (403, "it may not see the page")]
)
def test_a_wrong_key_says_so(look: Look, lab_world: str, status: int, words: str) -> None:
    denied: list[str] = []

    def answer(route: Route) -> None:
        given = route.request.headers.get("authorization", "")
        if given == "Bearer right":
            route.continue_()
            return
        denied.append(given)
        route.fulfill(status=status if given else 401, json={})

    page = look(
        lab_world,
        before=lambda page: page.route("**/v1/insight/**", answer),
        expected="status of 40",
    )
    expect(page.locator("#key")).to_be_visible()
    expect(page.locator("#key-words")).to_have_text("")
    page.locator("#key-text").fill("wrong")
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("#key-words")).to_contain_text(words)
    page.locator("#key-text").fill("right")
    page.get_by_role("button", name="Use it").click()
    settle(page)
    expect(page.locator("#key")).to_be_hidden()
    assert "Bearer wrong" in denied


def test_the_prior_stands_beside_what_is_believed_and_is_judged(look: Look, lab_world: str) -> None:
    page = look(lab_world)
    settle(page)
    for title in (RULED, MISJUDGED, UNSAID):
        told = asked(f"{lab_world}/v1/insight/titles/{title}")
        page.goto(f"{lab_world}/#title={title}")
        page.reload()
        settle(page)
        expect(page.locator("#title-detail h3")).to_have_text(told["name"])
        opinion = page.locator("#title-detail .opinion")
        expected = page.locator("#title-detail .expected:visible")
        if title == UNSAID:
            assert told["opinion"] is None
            expect(opinion).to_be_hidden()
            expect(expected).to_have_count(0)
            continue
        expect(opinion).to_contain_text(told["opinion"]["says"])
        expect(opinion).to_contain_text(PRIOR)
        live = [each for each in told["artworks"] if not each["removed"]]
        expect(expected).to_have_count(len(live))
        first = f"prior {live[0]['prior']['mean'] * 100:.1f} %"
        assert plain(expected.first).startswith(first)
    assert asked(f"{lab_world}/v1/insight/titles/{MISJUDGED}")["opinion"]["helps"] != "yes"


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_a_title_with_an_opinion_fits_and_is_readable(
    look: Look, lab_world: str, width: int, theme: str
) -> None:
    page = look(lab_world, width=width, theme=theme)
    page.goto(f"{lab_world}/#title={MISJUDGED}")
    page.reload()
    settle(page)
    expect(page.locator("#title-detail .opinion")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []
