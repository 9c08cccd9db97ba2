"""The deployment of `infra/compose.yaml`, up for a test, and how it stands."""

import json
import os
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.containers.fixtures import need_engine
from tests.containers.process import figures_at
from tests.containers.servers import free_port

INFRA: Final = Path(__file__).resolve().parents[2] / "infra"
KEY: Final = "a-key-of-this-test-only"
PATIENCE_S: Final = 300.0
"""Given to what takes seconds here: a busy machine is many times slower."""
PORTS: Final = ("API_PORT", "KAFKA_PORT", "REDIS_PORT", "PROMETHEUS_PORT")
COUNTED: Final = (
    "keyart_decisions_total",
    "keyart_lag_records",
    "keyart_housekeeping_done_timestamp_seconds",
    "keyart_housekeeping_failures",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compose:
    """One project of docker compose, apart from any other on this machine."""

    project: str
    environ: dict[str, str]
    files: tuple[str, ...] = ("compose.yaml",)

    def run(self, *arguments: str, timeout_s: float = 300) -> str:
        """Run a command of docker compose and return what it printed; fail with its complaint."""
        files = [word for name in self.files for word in ("-f", str(INFRA / name))]
        done = subprocess.run(
            [
                *("docker", "compose", "-p", self.project),
                *("--env-file", str(INFRA / "demo.env"), *files, *arguments),
            ],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done.stdout

    def url(self, port: str = "API_PORT") -> str:
        """Return where a published port is."""
        return f"http://127.0.0.1:{self.environ[port]}"

    def containers(self) -> list[dict[str, Any]]:
        """Return what the engine says of each container."""
        lines = self.run("ps", "--all", "--format", "json").splitlines()
        return [json.loads(line) for line in lines]

    def figures(self) -> dict[str, float]:
        """Return the api's figures, summed over labels."""
        return figures_at(self.url(), KEY)

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return what the api answers, with the key; with a body it is posted."""
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url()}{path}", data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def standing(self) -> str:
        """Return what the steps have counted, how far behind they are, and what fails."""
        counted = {
            name: value
            for name, value in sorted(self.figures().items())
            if name in COUNTED or not name.startswith(("keyart_", "python_", "process_"))
        }
        return f"{counted} {self.ask('/health/ready')}"

    def rounds_go_well(self) -> bool:
        """Whether housekeeping has done a round in which nothing failed, and none has since."""
        figures = self.figures()
        whole = figures["keyart_housekeeping_done_timestamp_seconds"] > 0
        return whole and figures["keyart_housekeeping_failures"] == 0

    def prometheus(self, path: str, **query: str) -> Any:
        """Return the data of an answer of Prometheus."""
        url = f"{self.url('PROMETHEUS_PORT')}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            body = json.load(answer)
        assert body["status"] == "success"
        return body["data"]


@contextmanager
def composed(*more: str, **environ: str) -> Iterator[Compose]:
    """Build and start everything but Prometheus and Grafana; down with its volumes at the end.

    Parameters
    ----------
    more
        Files of `infra` over `compose.yaml`.
    environ
        Variables that they read.
    """
    need_engine()
    given = {k: v for k, v in os.environ.items() if not k.startswith("KEYART_")}
    given |= {name: str(free_port()) for name in PORTS}
    given |= {"KEYART_API_KEYS": KEY} | environ
    name = "-".join(["keyart-test", *(each.split(".")[1] for each in more), str(os.getpid())])
    up = Compose(project=name, environ=given, files=("compose.yaml", *more))
    try:
        up.run("up", "--build", "--wait", "--wait-timeout", "500", timeout_s=800)
        yield up
    except AssertionError:
        said = subprocess.run(
            ["docker", "compose", "-p", up.project, "logs", "--tail", "30"],
            capture_output=True,
            text=True,
        )
        print(said.stdout)
        raise
    finally:
        up.run("--profile", "observe", "down", "--volumes", "--timeout", "5")
