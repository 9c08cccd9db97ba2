"""The page of models, over a real service: who serves and why, and one click to change it."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import models_site
from tests.faults.serving import Serving

Look = Callable[..., Page]
CONTRAST = Path(__file__).with_name("contrast.js").read_text()
ADMIN, VIEW = "an-admin-key-of-this-test", "a-key-that-may-only-look"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, free_port: int) -> Iterator[tuple[str, str]]:
    """Give the address of a service, and the version that serves at first."""
    folder = tmp_path_factory.mktemp("models")
    serves = models_site.make(folder)
    serving = Serving(folder, free_port, archive_s="3600", api_keys=f"{ADMIN},watcher:page={VIEW}")
    try:
        serving.ready()
        yield f"http://127.0.0.1:{free_port}", serves
    finally:
        serving.stop()


def asked(url: str) -> Any:
    request = urllib.request.Request(
        f"{url}/v1/insight/models", headers={"Authorization": f"Bearer {VIEW}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def with_key(key: str) -> Callable[[Page], None]:
    """Return what gives a page its key before it is opened."""

    def give(page: Page) -> None:
        page.add_init_script(f"sessionStorage.setItem('keyart-key', '{key}')")

    return give


def settle(page: Page) -> None:
    expect(page.locator("#live")).to_have_text("live", timeout=30_000)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_all_there_and_readable(
    look: Look, service: tuple[str, str], width: int, theme: str
) -> None:
    url, serves = service
    page = look(f"{url}/models", width=width, theme=theme, before=with_key(VIEW))
    settle(page)
    expect(page.locator("#serves")).to_have_text(serves)
    expect(page.locator("#retraining-words")).to_contain_text("drift: how takes follow the prior")
    assert page.locator("#stages [data-state=done]").all_inner_texts() == ["asked for", "fitted"]
    expect(page.locator("#stages [data-state=now]")).to_have_text("proposed")
    (fitted,) = (each for each in asked(url)["versions"] if each["name"] == serves)
    assert fitted["says"][0].startswith("it: worth")
    worths = page.locator("#versions > li[data-serves=yes] .worths li")
    assert worths.all_inner_texts() == fitted["says"]
    expect(page.locator("#rollouts .rollout")).to_have_count(2)
    expect(page.locator("#rollouts polyline")).to_have_count(2)
    expect(page.locator("#true-words")).to_contain_text("The prior helps")
    expect(page.locator("#calibration polyline")).to_have_count(2)
    expect(page.locator("#calibration circle")).to_have_count(18)
    others = page.locator("#others tbody tr")
    assert others.locator("th").all_inner_texts() == ["lola", "thompson", "uniform"]
    expect(others.nth(0)).to_contain_text("about 12,000 rewards")
    expect(others.nth(1)).to_contain_text("less")
    rules = {each["rule"]: each for each in asked(url)["jobs"][-1]["verdicts"]}
    rows = page.locator("#reports tr")
    expect(rows).to_have_count(len(rules))
    for at in range(len(rules)):
        rule, outcome, says = rows.nth(at).locator("th, td").all_inner_texts()
        assert (outcome, says) == (rules[rule]["outcome"], rules[rule]["says"])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []


def test_who_may_only_look_is_told_so_and_nothing_moves(
    look: Look, service: tuple[str, str]
) -> None:
    url, serves = service
    page = look(f"{url}/models", before=with_key(VIEW), expected="403")
    settle(page)
    page.get_by_role("button", name="Let by-hand serve").click()
    expect(page.locator("#sure")).to_be_visible()
    page.locator("#do").click()
    expect(page.locator("#sure-failed")).to_contain_text("takes the scope admin")
    page.get_by_role("button", name="Leave it").click()
    expect(page.locator("#sure")).to_be_hidden()
    assert asked(url)["serves"] == serves


def test_a_version_is_let_serve_and_rolled_back_in_one_click_each(
    look: Look, service: tuple[str, str]
) -> None:
    url, serves = service
    page = look(f"{url}/models", before=with_key(ADMIN))
    settle(page)
    page.get_by_role("button", name="Let before serve").click()
    page.locator("#why").fill("it was better")
    page.locator("#do").click()
    expect(page.locator("#sure")).to_be_hidden(timeout=60_000)
    expect(page.locator("#serves")).to_have_text("before")
    held = asked(url)
    assert (held["serves"], held["previous"]) == ("before", serves)
    assert held["moves"][0]["why"] == "it was better"
    assert held["moves"][0]["by"].startswith("the page")
    page.locator("#rollback").click()
    expect(page.locator("#sure-title")).to_have_text(f"Roll back to {serves}?")
    page.locator("#do").click()
    expect(page.locator("#sure")).to_be_hidden(timeout=60_000)
    expect(page.locator("#serves")).to_have_text(serves)
    assert asked(url)["serves"] == serves


def test_without_a_key_it_asks_for_one(look: Look, service: tuple[str, str]) -> None:
    url, serves = service
    page = look(f"{url}/models", expected="401")
    expect(page.locator("#key")).to_be_visible(timeout=20_000)
    page.locator("#key-text").fill(VIEW)
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("#serves")).to_have_text(serves, timeout=20_000)
