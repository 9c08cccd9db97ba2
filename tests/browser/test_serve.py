"""The whole way, as a site and its operator meet it: `keyart serve`, HTTP, and the page."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, Response, expect

Look = Callable[..., Page]
SETTINGS = {
    "REWARD_WINDOW_S": "0.3",
    "LATENESS_S": "0.1",
    "SNAPSHOT_S": "0.2",
    "BUCKET_S": "1",
    "DWELL_S": "1",
    "EXPLORE_SHARE": "0.3",
    "ARCHIVE_S": "2",
    "PAGE_NOTE": "These viewers are made up.",
}
COMMAND = (sys.executable, "-c", "from keyart.services.cli.main import main; main()", "serve")
TITLES = {
    "bakers": ("The Night Bakers", ["Flour in the dark", "Two bakers laughing"]),
    "harbour": ("Harbour Lights", ["A boat at dawn", "A woman on the quay", "Red cranes"]),
    "<i>odd": ('"Odd" & <i>Sons</i>', ["<script>alert(1)</script>", "Three brothers"]),
}


def call(url: str, body: Any = None, method: str = "GET") -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(url, data=data, headers=headers, method=method)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, free_port: int) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("serve")
    environ = {name: text for name, text in os.environ.items() if not name.startswith("KEYART_")}
    environ |= {f"KEYART_{name}": text for name, text in SETTINGS.items()}
    environ |= {"KEYART_DATA_DIR": str(folder), "KEYART_API_PORT": str(free_port)}
    said = Path(folder) / "said.log"
    with said.open("wb") as output:
        process = subprocess.Popen(COMMAND, env=environ, stdout=output, stderr=output)
    url = f"http://127.0.0.1:{free_port}"
    try:
        for _ in range(600):
            if process.poll() is not None:
                break
            try:
                call(f"{url}/v1/insight/overview")
                break
            except OSError:
                time.sleep(0.1)
        else:
            pytest.fail(f"keyart serve did not answer:\n{said.read_text()}")
        assert process.poll() is None, said.read_text()
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def play(url: str, draw: random.Random, visits: int) -> None:
    """Let viewers come, look, and play what they like: the first artwork more than the others."""
    for visit in range(visits):
        viewer = f"viewer {draw.randrange(40)}"
        asked = {"viewer": viewer, "surface": "home", "titles": list(TITLES)}
        answer = call(f"{url}/v1/decisions", asked, "POST")
        now_ms = time.time_ns() // 1_000_000
        events = []
        for made in answer["decisions"]:
            common = {
                "viewer": viewer,
                "occurred_at_ms": now_ms,
                "title": made["title"],
                "artwork": made["artwork"],
                "decision": made["id"],
            }
            name = f"{made['id']}-{visit}"
            events.append({"type": "impression", "id": f"{name}-i", **common})
            if draw.random() < (0.7 if made["artwork"].endswith("-0") else 0.2):
                events.append({"type": "play", "id": f"{name}-p", "minutes": 12, **common})
        call(f"{url}/v1/events", {"events": events}, "POST")


def test_a_site_is_played_and_watched(look: Look, service: str) -> None:
    page = look(service, width=1280)
    expect(page.locator("#lift-words")).to_contain_text("keyart catalogue load", timeout=20_000)

    for title, (name, words) in TITLES.items():
        artworks = [{"id": f"{title}-{at}", "description": each} for at, each in enumerate(words)]
        body = {"id": title, "name": name, "artworks": artworks}
        call(f"{service}/v1/titles/{quote(title, safe='')}", body, "PUT")
    expect(page.locator("#title-list .row")).to_have_count(3, timeout=20_000)

    answers: list[Response] = []
    page.on(
        "response",
        lambda each: answers.append(each) if "/v1/insight/decisions" in each.url else None,
    )
    draw = random.Random(3)
    for _ in range(6):
        play(service, draw, 40)
        time.sleep(1.0)
    expect(page.locator("#lift")).to_have_text(re.compile(r"^[+−]\d+\.\d\s%$"), timeout=30_000)
    expect(page.locator("#note")).to_have_text("These viewers are made up.")
    expect(page.locator("#fractions polyline").first).to_be_visible()
    expect(page.locator("#vitals")).to_contain_text("match their propensities")

    # what was sent is learned beside the answers
    deadline = time.monotonic() + 120
    while True:
        overview = call(f"{service}/v1/insight/overview")
        if sum(policy["impressions"] for policy in overview["policies"]) > 200:
            break
        assert time.monotonic() < deadline, overview
        time.sleep(0.2)
    # a page of which every decision is kept for its dwell period is not logged again
    assert 100 < overview["decisions"] <= 240

    page.locator("#search").fill("odd")
    page.locator("#title-list .row").first.click()
    expect(page.locator("#title-detail h3")).to_have_text('"Odd" & <i>Sons</i>')
    expect(page.locator("#title-detail .artwork")).to_have_count(2)
    expect(page.locator("#title-detail")).to_contain_text("<script>alert(1)</script>")

    expect(page.locator("#decision-detail .sentence")).to_be_visible()
    # the list stands still under the pointer, so what is clicked may be from an earlier answer
    page.locator("#decision-list .row").first.click()
    shown = page.locator("#decision-detail .sentence").inner_text()
    said = {each["sentence"] for answer in answers for each in answer.json()["decisions"]}
    assert shown in said
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
