"""A browser that watches itself: any console error or outside request fails the test."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

FIND = Path(__file__).parents[2] / "infra/browser"
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WORLD = Path(__file__).with_name("world.py")
NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"
"""What a request ends with when the machine's networks change, as they do when an engine starts."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = subprocess.run([FIND], capture_output=True, text=True)
    if found.returncode:
        pytest.fail(found.stderr)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=found.stdout.strip(), args=list(ARGUMENTS)
        )
        yield chromium
        chromium.close()


def some_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.fixture(scope="module")
def free_port() -> int:
    return some_port()


def wait_until_up(url: str, process: subprocess.Popen[bytes], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            pytest.fail(f"the server ended with {process.returncode} before it answered")
        try:
            with urllib.request.urlopen(f"{url}/v1/insight/overview", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"{url} did not answer within {seconds:.0f} s")


def world_of(mood: str) -> Iterator[str]:
    port = some_port()
    process = subprocess.Popen(
        [sys.executable, str(WORLD), str(port), mood], stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(url, process)
        yield url
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def live_world() -> Iterator[str]:
    yield from world_of("live")


@pytest.fixture(scope="module")
def empty_world() -> Iterator[str]:
    yield from world_of("empty")


@pytest.fixture(scope="module")
def lab_world() -> Iterator[str]:
    yield from world_of("lab")


@dataclass
class Watched:
    """What a page did that it should not have done."""

    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


Look = Callable[..., Page]


@pytest.fixture
def look(browser: Browser) -> Iterator[Look]:
    """Open a page, `look(url, width=..., theme=...)`; watched until the end of the test.

    `before` is done to it before it is opened; a complaint that holds `expected` is none.
    """
    watched, opened = Watched(), []

    def open_page(
        url: str,
        *,
        width: int = 1280,
        theme: str = "light",
        before: Callable[[Page], object] = lambda _: None,
        expected: str = "nothing",
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if theme == "dark" else "light",
            reduced_motion="reduce",
        )
        page = context.new_page()
        opened.append(context)
        home = urlsplit(url).netloc

        def asked(address: str) -> None:
            parts = urlsplit(address)
            if parts.scheme not in ("data", "blob") and parts.netloc != home:
                watched.outside.append(address)

        page.on("request", lambda request: asked(request.url))
        page.on("pageerror", lambda error: watched.errors.append(str(error)))
        page.on(
            "console",
            lambda said: (
                watched.errors.append(said.text)
                if said.type in ("error", "warning")
                and expected not in said.text
                and NETWORK_CHANGED not in said.text
                else None
            ),
        )
        before(page)
        page.goto(url)
        return page

    yield open_page
    for context in opened:
        context.close()
    assert watched.errors == []
    assert watched.outside == []
