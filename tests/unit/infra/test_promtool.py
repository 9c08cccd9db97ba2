"""Prometheus' own judge, promtool, of the rules and of what api and worker expose."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from keyart.services.processes.worker_pages import WorkerMetrics
from keyart.services.wiring.telemetry import ApiMetrics
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.kafka.driver import LaneDriver
from keyart.streams.kafka.runner import RunnerRules

IMAGE = "prom/prometheus:v2.42.0"
PROMETHEUS = Path(__file__).resolve().parents[3] / "infra" / "prometheus"
NEVER: Any = None


def promtool(*arguments: str, given: bytes = b"") -> tuple[int, str]:
    """Return the exit status and what was said; `promtool` of the path, else of its image."""
    command = ["promtool"]
    if shutil.which("promtool") is None:
        known = (
            shutil.which("docker") is not None
            and not subprocess.run(
                ["docker", "image", "inspect", IMAGE], capture_output=True, timeout=60
            ).returncode
        )
        if not known:
            pytest.skip(f"needs promtool (Debian: apt-get install prometheus) or the image {IMAGE}")
        command = ["docker", "run", "--rm", "-i", "-v", f"{PROMETHEUS}:/rules:ro", "-w", "/rules"]
        command += ["--entrypoint", "promtool", IMAGE]
    done = subprocess.run(
        [*command, *arguments], input=given, capture_output=True, timeout=120, cwd=PROMETHEUS
    )
    return done.returncode, (done.stdout + done.stderr).decode()


def api_metrics() -> bytes:
    """Return what an api process exposes once each of its metrics has a value."""
    metrics = ApiMetrics()
    for metric in vars(metrics).values():
        if labels := getattr(metric, "_labelnames", ()):
            metric.labels(*labels)
    metrics.steps.replace({("viewers", "events", "0"): 12})
    metrics.untaught.replace({("plays", "they came late", "yes"): 3})
    return metrics.text()


def test_metrics_of_the_api_are_clean() -> None:
    text = api_metrics()
    assert b'keyart_steps_total{kind="viewers",name="events",partition="0"} 12.0' in text
    assert promtool("check", "metrics", given=text) == (0, "")


def test_metrics_of_a_worker_are_clean() -> None:
    lanes = LaneDriver(
        KafkaAccess(bootstrap=""), make=NEVER, relay=NEVER, refresh=NEVER, rules=RunnerRules()
    )
    metrics = WorkerMetrics(lanes)
    text = metrics.read()
    assert b"# TYPE keyart_worker_steps_total counter" in text
    metrics.steps.replace({("viewers", "events"): 3})
    assert promtool("check", "metrics", given=text) == (0, "")


def test_a_badly_named_metric_would_be_caught() -> None:
    badly = b"# HELP keyart_lane_count What\n# TYPE keyart_lane_count gauge\nkeyart_lane_count 1\n"
    status, said = promtool("check", "metrics", given=badly)
    assert status and "_count" in said


@pytest.mark.parametrize(
    "arguments",
    [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")],
)
def test_every_alert_rings_and_says_what_its_query_computes(arguments: tuple[str, ...]) -> None:
    status, said = promtool(*arguments)
    assert status == 0, said
