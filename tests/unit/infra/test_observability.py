"""Alerts and boards ask only for figures that exist, and every alert is explained."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from keyart.services.processes.worker_pages import WorkerMetrics
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.step_counts import Counts
from keyart.services.wiring.telemetry import ApiMetrics
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.kafka.driver import LaneDriver
from keyart.streams.kafka.runner import RunnerRules

ROOT = Path(__file__).resolve().parents[3]
INFRA = ROOT / "infra"
BOARDS = {
    path.stem: json.loads(path.read_text())
    for path in sorted((INFRA / "grafana" / "boards").glob("*.json"))
}
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((INFRA / "prometheus" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
NEVER: Any = None
OF_THE_SCRAPE = {"job", "instance"}


def exposed() -> dict[str, set[str]]:
    """Return the labels of every series that an api or worker process exposes."""
    found = {}
    lanes = LaneDriver(
        KafkaAccess(bootstrap=""), make=NEVER, relay=NEVER, refresh=NEVER, rules=RunnerRules()
    )
    for metrics in (ApiMetrics(), WorkerMetrics(lanes)):
        for metric in vars(metrics).values():
            if not isinstance(metric, MetricWrapperBase | Counts):
                continue
            names = metric.labels if isinstance(metric, Counts) else metric._labelnames
            for family in metric.describe():
                for suffix in SUFFIXES[family.type]:
                    labels = {*names, *(["le"] if suffix == "_bucket" else [])}
                    found[family.name + suffix] = labels
    return found


def counted() -> set[str]:
    """Return the names that the steps count under, read from their source."""
    source = "".join(path.read_text() for path in (ROOT / "streams").rglob("*.py"))
    return set(re.findall(r'counts\[\s*(?:"(\w+)")', source)) | {
        name
        for line in re.findall(r"counts\[([^\]]+)\]", source)
        for name in re.findall(r'"(\w+)"', line)
    }


def queries() -> Iterator[tuple[str, str]]:
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for board in BOARDS.values():
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield f"{board['uid']}: {panel['title']}", target["expr"]


@pytest.mark.parametrize(("where", "query"), list(queries()))
def test_every_query_asks_for_what_is_exposed(where: str, query: str) -> None:
    series = exposed()
    bare = re.sub(r'"[^"]*"', "", query)
    names = set(re.findall(r"\bkeyart_\w+", bare))
    assert names <= series.keys()
    labels = {*OF_THE_SCRAPE}.union(*(series[name] for name in names))
    for selector in re.findall(r"{([^}]*)}", bare):
        assert set(re.findall(r"(\w+)\s*[=!]", selector)) <= labels
    for grouping in re.findall(r"\bby\s*\(([^)]*)\)", bare):
        assert {each.strip() for each in grouping.split(",")} <= labels


@pytest.mark.parametrize(("where", "query"), list(queries()))
def test_what_is_counted_by_name_is_counted_somewhere(where: str, query: str) -> None:
    for pattern in re.findall(r'name=~?"([^"]+)"', query):
        for alternative in pattern.split("|"):
            assert any(re.fullmatch(alternative, name) for name in counted()), alternative


def test_a_name_that_nobody_exposes_would_be_caught() -> None:
    assert "keyart_log_dropped_total" in exposed()
    assert "keyart_log_dropped" not in exposed()
    assert "dead_letters" in counted()
    with pytest.raises(AssertionError):
        test_every_query_asks_for_what_is_exposed("", "rate(keyart_misspelt_total[1m])")
    with pytest.raises(AssertionError):
        test_every_query_asks_for_what_is_exposed("", 'keyart_titles{policy="x"}')


def test_the_boards_show_what_an_operator_must_see() -> None:
    shown = " ".join(query for _, query in queries())
    for name in ("lag_records", "join_delay", "dropped", "propensity_p", "posterior_updates"):
        assert name in shown
    assert "keyart_decisions_total" in shown and "keyart_events_accepted_total" in shown


def test_boards_lie_on_the_grid_and_ask_the_provisioned_source() -> None:
    provisioning = INFRA / "grafana" / "provisioning"
    sources = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())
    (source,) = sources["datasources"]
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS) == 2
    for board in BOARDS.values():
        cells: set[tuple[int, int]] = set()
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
        for panel in board["panels"]:
            at = panel["gridPos"]
            assert at["x"] + at["w"] <= 24
            mine = {
                (x, y)
                for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])
            }
            assert not mine & cells, panel["title"]
            cells |= mine
            assert panel["description"]
            assert panel["datasource"]["uid"] == source["uid"]


def test_every_alert_has_a_section_that_says_what_to_do() -> None:
    text = (INFRA / "README.md").read_text()
    sections = set(re.findall(r"^#+ (Keyart\w+)", text, flags=re.MULTILINE))
    assert sections == {rule["alert"] for rule in RULES}
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]


def test_every_alert_is_tried_both_ways() -> None:
    """The cases themselves are run by promtool."""
    tried = yaml.safe_load((INFRA / "prometheus" / "alerts_test.yml").read_text())["tests"]
    rings: set[str] = set()
    quiet: set[str] = set()
    for case in tried:
        for test in case["alert_rule_test"]:
            (rings if test["exp_alerts"] else quiet).add(test["alertname"])
    assert rings == quiet == {rule["alert"] for rule in RULES}


def test_prometheus_scrapes_the_service_that_compose_runs() -> None:
    config = yaml.safe_load((INFRA / "prometheus" / "prometheus.yml").read_text())
    services = yaml.safe_load((INFRA / "compose.yaml").read_text())["services"]
    # the api's figures need no key on this port alone
    ports = {"api": int(services["api"]["environment"]["KEYART_METRICS_PORT"]), "worker": 6066}
    for scrape in config["scrape_configs"]:
        (discovery,) = scrape["dns_sd_configs"]
        (name,) = discovery["names"]
        assert scrape["job_name"] == f"keyart-{name}"
        assert discovery["port"] == ports[name]
    assert Settings().worker_web_port == ports["worker"]
    for name in config["rule_files"]:
        assert (INFRA / "prometheus" / name).is_file()


def test_an_alert_says_which_part_of_a_rate_or_count_it_means() -> None:
    """A page holds many decisions, and a gauge of the oldest unread is not one of the unjoined."""
    summaries = {rule["alert"]: rule["annotations"]["summary"] for rule in RULES}
    assert "pages of decisions" in summaries["KeyartDropped"]
    assert "pages of decisions" in summaries["KeyartBuffering"]
    assert "not read" in summaries["KeyartLag"]
    of_propensities = [rule for rule in RULES if "propensity_p" in rule["expr"]]
    of_rates = [
        rule
        for rule in RULES
        if "rate(" in rule["expr"] and "$value" in rule["annotations"]["summary"]
    ]
    assert of_propensities and of_rates
    for rule in of_propensities:
        assert "propensities" in rule["annotations"]["summary"]
    for rule in of_rates:
        assert "a second" in rule["annotations"]["summary"] or "quantile" in rule["expr"]


def test_a_board_says_pages_where_pages_are_counted() -> None:
    asked = [
        (" ".join(target["expr"] for target in panel["targets"]), panel)
        for board in BOARDS.values()
        for panel in board["panels"]
    ]
    counted = [panel for text, panel in asked if "log_dropped" in text or "log_buffered" in text]
    judged = [panel for text, panel in asked if "propensity_p" in text]
    assert counted and judged
    for panel in counted:
        assert "ages of decisions" in panel["description"], panel["title"]
    for panel in judged:
        assert "propensities" in panel["description"], panel["title"]
