"""A `keyart api` process of a house, asked over HTTP as a site would ask it."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.containers.servers import free_port, until

# Prometheus gives up after ten: metrics that come later are none
ANSWER_S = 10.0


class Api:
    """One process, ready once it is made.

    Parameters
    ----------
    environment
        Its settings.
    log
        File for what it says.
    """

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.log = log
        self._url = f"http://127.0.0.1:{(port := free_port())}"
        own = {**os.environ, **environment, "KEYART_API_PORT": str(port)}
        command = [sys.executable, "-m", "keyart.services.cli.main", "api"]
        with log.open("ab") as output:
            self.process = subprocess.Popen(command, env=own, stdout=output, stderr=output)
        until("the api is ready", self._is_ready)

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, self.said[-3000:]
        try:
            return self.call("/health/ready")[0] == 200
        except OSError:
            return False

    def call(self, path: str, body: Any = None, method: str | None = None) -> tuple[int, Any]:
        """Return status and body of a GET, or with JSON of a POST unless told otherwise."""
        request = urllib.request.Request(
            self._url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def decide(self, viewer: str, *titles: str) -> dict[str, Any]:
        """Return the answer to a request for decisions, which must be one."""
        status, answer = self.call("/v1/decisions", {"viewer": viewer, "titles": titles})
        assert status == 200, answer
        found: dict[str, Any] = answer
        return found

    def well(self) -> dict[str, bool]:
        """Return how /health/ready finds each part, and `ready`."""
        status, answer = self.call("/health/ready")
        assert (status == 200) == answer["ready"]
        return {name: part["well"] for name, part in answer["parts"].items()} | {
            "ready": answer["ready"]
        }

    def figures(self) -> dict[str, float]:
        """Return its metrics, summed over labels; a lane's count under its own name."""
        with urllib.request.urlopen(f"{self._url}/metrics", timeout=ANSWER_S) as answer:
            text = answer.read().decode()
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                name = sample.labels.get("name", sample.name)
                found[name] = found.get(name, 0.0) + sample.value
        return found

    def terminate(self) -> float:
        """Ask it to end; return how many seconds it took."""
        started = time.monotonic()
        self.process.terminate()
        self.process.wait(60)
        return time.monotonic() - started

    @property
    def said(self) -> str:
        """All it has logged."""
        return self.log.read_text(errors="replace")
