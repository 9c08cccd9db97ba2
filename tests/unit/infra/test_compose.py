"""The compose file as written: its settings exist, its ports stay on loopback."""

import re
from dataclasses import fields
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from keyart.schemas.extras import FULL
from keyart.services.demo.server import SETTINGS
from keyart.services.processes.retrainer import wants_retraining
from keyart.services.wiring.settings import Settings, read_settings
from keyart.streams.registry.s3 import place_of

INFRA = Path(__file__).resolve().parents[3] / "infra"
COMPOSE = yaml.safe_load((INFRA / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LOOP: dict[str, dict[str, Any]] = yaml.safe_load((INFRA / "compose.loop.yaml").read_text())[
    "services"
]
OURS = ("topics", "api", "worker")


class _Overriding(yaml.SafeLoader):
    """Reads what says of itself that it is instead of what it stands over."""


def _whole(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> list[Any]:
    return list(loader.construct_sequence(node))


_Overriding.add_constructor("!override", _whole)
BUCKET: dict[str, Any] = yaml.load((INFRA / "compose.bucket.yaml").read_text(), _Overriding)


def test_the_parts_are_there() -> None:
    default = {name for name, service in SERVICES.items() if "profiles" not in service}
    assert default == {"kafka", "redis", "topics", "api", "worker", "housekeeping"}
    observe = {name for name, service in SERVICES.items() if service.get("profiles") == ["observe"]}
    assert observe == {"prometheus", "grafana"}
    assert SERVICES["worker"]["deploy"]["replicas"] == "${WORKERS:-2}"


@pytest.mark.parametrize("name", SERVICES)
def test_every_port_is_on_loopback(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        assert port.startswith("127.0.0.1:")


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"topics"}))
def test_every_lasting_service_says_when_it_is_ready(name: str) -> None:
    health = SERVICES[name]["healthcheck"]
    assert health["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= health.keys()


@pytest.mark.parametrize("name", OURS)
def test_our_containers_write_only_to_data_and_tmp(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["volumes"] == ["data:/data"]


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_holds_more_than_it_needs(name: str) -> None:
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
    needed = {"redis": {"CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"}}
    assert set(SERVICES[name].get("cap_add", ())) == needed.get(name, set())


@pytest.mark.parametrize("name", sorted({*OURS, "housekeeping"} - {"api"}))
def test_only_the_api_has_the_keys_of_viewers_and_callers(name: str) -> None:
    keys = {"KEYART_VIEWER_KEY", "KEYART_API_KEYS"}
    assert not keys & SERVICES[name]["environment"].keys()
    assert keys < SERVICES["api"]["environment"].keys()


@pytest.mark.parametrize("name", OURS)
def test_the_settings_are_settings(name: str) -> None:
    given: dict[str, str] = {}
    for variable, value in SERVICES[name]["environment"].items():
        text = str(value)
        given[variable] = text.partition(":-")[2].rstrip("}") if text.startswith("${") else text
    settings = read_settings(given).settings
    assert settings.log == "kafka"
    secret = {f"KEYART_{f.name.upper()}" for f in fields(Settings) if f.metadata["secret"]}
    for variable in secret & given.keys():
        assert str(SERVICES[name]["environment"][variable]).startswith("${" + variable)


def test_without_variables_the_defaults_are_the_services_own() -> None:
    secret = {f"KEYART_{f.name.upper()}" for f in fields(Settings) if f.metadata["secret"]}
    given = {
        variable: value.partition(":-")[2].rstrip("}")
        for variable, value in SERVICES["api"]["environment"].items()
        if str(value).startswith("${") and variable not in secret | {"KEYART_PARTITIONS"}
    }
    assert "KEYART_REWARD_WINDOW_S" in given
    assert read_settings(given).settings == Settings()


def test_the_demo_file_sets_what_the_demo_sets_for_its_own_server() -> None:
    lines = (INFRA / "demo.env").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert given == {f"KEYART_{name}": value for name, value in SETTINGS.items()}
    for variable in given:
        assert SERVICES["api"]["environment"][variable].startswith("${" + variable)


def test_kafka_stands_alone_and_makes_no_topic_by_itself() -> None:
    lines = (INFRA / "kafka.env").read_text().splitlines()
    environ = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    environ |= SERVICES["kafka"]["environment"]
    assert environ["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    protocols = dict(
        pair.split(":") for pair in environ["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")
    )
    listeners = {each.split("://")[0] for each in environ["KAFKA_LISTENERS"].split(",")}
    assert listeners == protocols.keys()
    assert environ["KAFKA_INTER_BROKER_LISTENER_NAME"] in listeners


def test_redis_keeps_what_it_is_given() -> None:
    command = SERVICES["redis"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_every_file_and_volume_that_is_mounted_exists() -> None:
    for service in SERVICES.values():
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            if source.startswith("."):
                assert (INFRA / source).is_dir(), source
            else:
                assert source in COMPOSE["volumes"]
    assert (INFRA / SERVICES["api"]["build"]["dockerfile"].removeprefix("infra/")).is_file()


def test_the_loop_is_housekeepings_with_an_image_that_reads_the_log() -> None:
    (name,) = LOOP
    its = LOOP[name]
    assert name == "housekeeping"
    assert its["image"] != SERVICES[name]["image"], "one tag would stand for two images"
    extras = its["build"]["args"]["EXTRAS"]
    assert extras == FULL
    assert (INFRA / "locks" / f"{extras}.txt").is_file()
    slim = (INFRA / "slim").read_text()
    kept = re.search(r"case \$\{2:-\} in\n(\S+)\) ;;\n\*\)\n  rm -rf polars ", slim)
    assert kept is not None and fnmatch(extras, kept[1]) and not fnmatch("kafka", kept[1])


def test_the_loop_has_one_place_with_whoever_shows_it() -> None:
    mounted = {tuple(SERVICES[name]["volumes"]) for name in ("api", "worker", "housekeeping")}
    assert mounted == {("data:/data",)}
    assert "volumes" not in LOOP["housekeeping"]


def test_the_loop_retrains_by_settings_that_are_the_services_own_otherwise() -> None:
    given = {}
    for variable, value in LOOP["housekeeping"]["environment"].items():
        name, _, default = value.removeprefix("${").removesuffix("}").partition(":-")
        assert name == variable
        given[variable] = default
    settings = read_settings(given).settings
    assert wants_retraining(settings)
    assert settings.retrain_then == "canary"
    asks = {"retrain_hours", "retrain_rewards", "retrain_drift", "retrain_then"}
    others = {f.name: getattr(settings, f.name) for f in fields(Settings) if f.name not in asks}
    assert others == {name: getattr(Settings(), name) for name in others}


def test_who_moves_aliases_has_the_registry_in_the_bucket_and_the_api_a_disk_of_its_own() -> None:
    services = BUCKET["services"]
    assert services.keys() == {"bucket", "bucket-made", "api", "housekeeping"}
    for name in ("api", "housekeeping"):
        environ = services[name]["environment"]
        place = place_of(environ["KEYART_MODELS_URL"])
        assert place.endpoint == "http://bucket:8333"
        assert f'create_bucket(Bucket="{place.bucket}")' in services["bucket-made"]["command"][0]
        assert services[name]["depends_on"].keys() == {"bucket-made"}
    assert services["api"]["volumes"] == ["api:/data"] != SERVICES["api"]["volumes"]
    assert {"api", "bucket"} == BUCKET["volumes"].keys()


def test_the_key_of_the_bucket_is_the_environments_and_of_no_other_store() -> None:
    """Nobody's own credentials get in from their shell."""
    for name, service in BUCKET["services"].items():
        for variable, inside in (("ACCESS_KEY_ID", "ACCESS"), ("SECRET_ACCESS_KEY", "SECRET")):
            given = service["environment"][f"AWS_{variable}"]
            assert given.startswith(f"${{BUCKET_{inside}_KEY:-"), name


@pytest.mark.parametrize("name", ["bucket", "bucket-made"])
def test_the_store_is_on_its_own_network_alone_and_may_nothing(name: str) -> None:
    service = BUCKET["services"][name]
    assert "ports" not in service
    assert service["cap_drop"] == ["ALL"] and service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
