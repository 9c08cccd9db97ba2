"""The deployment itself: compose up, the demo against it, the alerts, and down again."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.containers.compose import INFRA, KEY, PATIENCE_S, Compose, composed
from tests.containers.fixtures import need_engine
from tests.containers.servers import until

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]
MOST_BYTES = 500_000_000
PROMETHEUS = yaml.safe_load((INFRA / "compose.yaml").read_text())["services"]["prometheus"]["image"]


@pytest.fixture(scope="module")
def compose() -> Iterator[Compose]:
    """Everything but Grafana, built and up; down with its volumes at the end."""
    with composed() as up:
        up.run("up", "--wait", "prometheus")
        yield up


@pytest.fixture(scope="module")
def demo(compose: Compose, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The figures of a short demo played against the containers."""
    figures = tmp_path_factory.mktemp("demo") / "figures.json"
    # without the loop and proposals, which play on sites of their own and never come here
    command = [
        sys.executable,
        "-m",
        "keyart.services.cli.main",
        "demo",
        "--no-loop",
        "--no-proposals",
    ]
    done = subprocess.run(
        [
            *(*command, "--decisions", "2000", "--json", str(figures)),
            *("--url", compose.url(), "--key", KEY),
        ],
        env=compose.environ,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    loaded: dict[str, Any] = json.loads(figures.read_text())
    return loaded


def test_all_of_it_is_up(compose: Compose) -> None:
    found = compose.containers()
    states = sorted((each["Service"], each["State"], each["ExitCode"]) for each in found)
    assert states == [
        ("api", "running", 0),
        ("housekeeping", "running", 0),
        ("kafka", "running", 0),
        ("prometheus", "running", 0),
        ("redis", "running", 0),
        ("topics", "exited", 0),
        ("worker", "running", 0),
        ("worker", "running", 0),
    ]
    for each in found:
        for port in each["Publishers"]:
            assert not port["PublishedPort"] or port["URL"] == "127.0.0.1"


def test_the_page_is_there_and_decisions_ask_for_a_key(compose: Compose) -> None:
    with urllib.request.urlopen(f"{compose.url()}/", timeout=10) as answer:
        assert b"keyart" in answer.read()
    request = urllib.request.Request(f"{compose.url()}/v1/decisions", data=b"{}", method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == 401
    refused.value.close()


def test_the_demo_is_learned_from_by_the_workers(compose: Compose, demo: dict[str, Any]) -> None:
    shown = {row["name"]: row["impressions"] for row in demo["policies"]}
    assert min(shown.values()) >= 2000
    decided = compose.figures()["keyart_decisions_total"]
    assert decided >= 2000

    def learned() -> bool:
        figures = compose.figures()
        told = figures.get("learned", 0.0) == decided and figures["keyart_lag_records"] == 0
        # the api looks a moment after the workers have learned
        return told and figures["keyart_posterior_updates_total"] > 0

    until(
        "every decision learned, and the api to believe it",
        learned,
        PATIENCE_S,
        tell=lambda: f"{decided:.0f} decided; {compose.standing()}",
    )
    figures = compose.figures()
    assert figures["decisions"] - figures.get("repeat_decisions", 0.0) == decided
    assert figures["rewards"] == decided
    assert figures["keyart_lag_records"] == 0
    assert figures["keyart_log_dropped_total"] == 0
    assert "dead_letters" not in figures


def test_housekeeping_does_whole_rounds(compose: Compose, demo: dict[str, Any]) -> None:
    """Done is a round in which nothing failed: all that it does can be done in this image."""
    until(
        "a round in which nothing failed", compose.rounds_go_well, PATIENCE_S, tell=compose.standing
    )
    find = ("find", "/data", "-path", "/data/archive/rewards/*.parquet")
    until(
        "rewards in the archive",
        lambda: compose.run("exec", "-T", "housekeeping", *find),
        PATIENCE_S,
        tell=compose.standing,
    )


def test_prometheus_scrapes_everyone_and_answers_the_boards(
    compose: Compose, demo: dict[str, Any]
) -> None:
    def up() -> dict[str, int]:
        found: dict[str, int] = {}
        for target in compose.prometheus("targets")["activeTargets"]:
            job = target["labels"]["job"]
            found[job] = found.get(job, 0) + (target["health"] == "up")
        return found

    wanted = {"keyart-api": 1, "keyart-worker": 2}
    until("all targets scraped", lambda: up() == wanted, PATIENCE_S, tell=up)
    for path in sorted((INFRA / "grafana" / "boards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                compose.prometheus("query", query=target["expr"])
    assert compose.prometheus("query", query="sum(keyart_worker_lane_open)")["result"]
    groups = compose.prometheus("rules")["groups"]
    assert {rule["health"] for group in groups for rule in group["rules"]} <= {"ok", "unknown"}


@pytest.mark.parametrize("service", ["api", "worker"])
def test_a_container_runs_as_nobody_and_writes_only_where_it_may(
    compose: Compose, service: str
) -> None:
    inside = "id -u; touch /tmp/a /data/a && echo may; touch /etc/a /opt/keyart/a 2>&1 || echo not"
    said = compose.run("exec", "-T", service, "sh", "-c", inside).splitlines()
    assert said[:2] == ["10001", "may"]
    assert sum("Read-only file system" in line for line in said) == 2


def test_a_stop_drains_within_ten_seconds(compose: Compose, demo: dict[str, Any]) -> None:
    compose.run("stop", "--timeout", "10", "api", "worker", timeout_s=30)
    stopped = [each for each in compose.containers() if each["Service"] in ("api", "worker")]
    assert [each["ExitCode"] for each in stopped] == [0, 0, 0]


def test_the_image_is_small(compose: Compose) -> None:
    said = subprocess.run(
        ["docker", "image", "inspect", "keyart:base", "--format", "{{.Size}} {{.Config.User}}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    size, user = said.split()
    assert int(size) < MOST_BYTES
    assert user == "10001:10001"


def test_what_a_process_of_the_image_imports_was_compiled_when_it_was_built(
    compose: Compose,
) -> None:
    asked = (
        "import keyart.services.processes.api, keyart.services.processes.worker, os, sys\n"
        "from importlib.util import cache_from_source as cached\n"
        "files = [getattr(each, '__file__', None) or '' for each in list(sys.modules.values())]\n"
        "files = [each for each in files if each.endswith('.py')]\n"
        "assert any('/keyart/services/' in each for each in files)\n"
        "print(*(each for each in files if not os.path.exists(cached(each))))"
    )
    said = subprocess.run(
        ["docker", "run", "--rm", "--entrypoint", "python", "keyart:base", "-c", asked],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert said.split() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "/etc/prometheus/prometheus.yml"),
        ("test", "rules", "/etc/prometheus/alerts_test.yml"),
    ],
)
def test_promtool_accepts_the_configuration_and_every_alert_rings(
    arguments: tuple[str, ...],
) -> None:
    need_engine()
    mounted = f"{INFRA / 'prometheus'}:/etc/prometheus:ro"
    done = subprocess.run(
        [
            "docker",
            "run",
            "--rm",
            "-v",
            mounted,
            "--entrypoint",
            "promtool",
            PROMETHEUS,
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
