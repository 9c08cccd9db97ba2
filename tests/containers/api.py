"""A `keyart api` process of a house, asked over HTTP as a site would ask it."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.containers.process import ANSWER_S, Process, figures_at
from tests.containers.servers import free_port, until


class Api(Process):
    """One process, ready once it is made.

    Parameters
    ----------
    environment
        Its settings.
    log
        File for what it says.
    """

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._url = f"http://127.0.0.1:{(port := free_port())}"
        super().__init__("api", {**environment, "KEYART_API_PORT": str(port)}, log)
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
        """Return its metrics; see `figures_at`."""
        return figures_at(self._url)
