"""`keyart api` as a process: several on one port, a port that is taken, a clean end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keyart.schemas.topics import DECISIONS
from keyart.services.wiring.settings import Settings
from tests.opened import Opened

pytestmark = pytest.mark.timeout(600)
COMMAND = (sys.executable, "-m", "keyart.services.cli.main", "api")


@pytest.fixture
def parts(data_dir: Path) -> Iterator[Opened]:
    made = Opened(Settings(data_dir=str(data_dir)))
    made.server.start()
    made.log  # noqa: B018 - creates the streams
    yield made
    made.close()
    made.server.stop()


def start(parts: Opened, port: int, workers: int = 1) -> "subprocess.Popen[bytes]":
    environ = {name: text for name, text in os.environ.items() if "KEYART_" not in name}
    environ["KEYART_DATA_DIR"] = parts.settings.data_dir
    environ["KEYART_API_PORT"], environ["KEYART_API_WORKERS"] = str(port), str(workers)
    return subprocess.Popen(COMMAND, env=environ, stderr=subprocess.PIPE)


def call(port: int, path: str, body: Any = None, method: str | None = None) -> bytes:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: bytes = answer.read()
    return found


def wait_until_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 120
    while True:
        assert process.poll() is None and time.monotonic() < deadline
        try:
            call(port, "/health/ready")
            return
        except OSError:
            time.sleep(0.1)


def end(process: "subprocess.Popen[bytes]") -> int:
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    assert b"Traceback" not in said, said
    return process.returncode


def decided(port: int, count: int) -> None:
    for at in range(count):
        body = {"viewer": f"v{at}", "titles": ["t"]}
        assert len(json.loads(call(port, "/v1/decisions", body))["decisions"]) == 1


def known_to_all(port: int) -> int:
    """Wait until every process knows the title; return how many decisions were made meanwhile.

    The other process looks once a second; forty answers in a row are not all of one process.
    """
    deadline, asked, made, together = time.monotonic() + 120, 0, 0, 0
    while together < 40:
        assert time.monotonic() < deadline
        body = {"viewer": f"w{asked}", "titles": ["t"]}
        try:
            known = len(json.loads(call(port, "/v1/decisions", body))["decisions"])
        except urllib.error.HTTPError as refused:
            assert refused.code == 404  # none of the titles is known there
            known = 0
        asked, made, together = asked + 1, made + known, together + 1 if known else 0
    return made


def test_what_was_decided_is_logged_before_the_end(parts: Opened, free_port: int) -> None:
    process = start(parts, free_port)
    try:
        wait_until_ready(free_port, process)
        title = {"artworks": [{"id": "a"}, {"id": "b"}]}
        call(free_port, "/v1/titles/t", title, "PUT")
        decided(free_port, 50)
        second = start(parts, free_port)
        _, said = second.communicate(timeout=180)
        assert second.returncode == 1 and b"KEYART_API_PORT" in said
        with socket.create_connection(("127.0.0.1", free_port)) as raw:
            raw.sendall(b"\x16\x03\x01 no HTTP at all\r\n\r\n" * 50)
            raw.recv(1000)
        assert call(free_port, "/health/live")
    finally:
        assert end(process) == 0
    assert parts.log.length(DECISIONS, 0) == 50


def test_several_processes_share_a_port_and_their_counts(parts: Opened, free_port: int) -> None:
    process = start(parts, free_port, workers=2)
    try:
        wait_until_ready(free_port, process)
        call(free_port, "/v1/titles/t", {"artworks": [{"id": "a"}, {"id": "b"}]}, "PUT")
        made = known_to_all(free_port)
        decided(free_port, 60)
        lines = call(free_port, "/metrics").decode().splitlines()
        counts = [line for line in lines if line.startswith("keyart_decisions_total")]
        assert sum(float(line.rpartition(" ")[2]) for line in counts) == made + 60
    finally:
        assert end(process) == 0
    assert parts.log.length(DECISIONS, 0) == made + 60
