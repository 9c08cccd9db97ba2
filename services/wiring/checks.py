"""All settings of a process, looked at before it does anything: each fault is one line.

`keyart settings` runs the same checks. What only a server can tell (a registered prior, the number
of partitions that the state was made with) is looked at as soon as that server answers.
"""

import ipaddress
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from keyart.schemas.errors import SettingsError
from keyart.schemas.extras import need_extra
from keyart.services.wiring.advice import doses_of
from keyart.services.wiring.callers import keys_of
from keyart.services.wiring.canary_rules import rules_of
from keyart.services.wiring.dwell import dwell_by_surface
from keyart.services.wiring.experiment import experiment_of
from keyart.services.wiring.folder import check_folder
from keyart.services.wiring.rewards import reward_rules
from keyart.services.wiring.roles import Role
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.viewer_key import check_keys
from keyart.streams.registry.s3 import place_of
from keyart.streams.valkey.connect import asked_of

KAFKA_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")
HOST_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
SPACES: Final = {
    "static": ("model.safetensors", "tokenizer.json"),
    "hf": ("tokenizer.json",),
    "st": ("modules.json",),
    "onnx": ("tokenizer.json",),
}


def check_settings(settings: Settings, role: Role) -> None:
    """Look at all settings that a process of this role uses, and at how they fit together.

    Raises
    ------
    SettingsError
        One cannot be used: names it and what would be right.
    """
    _check_log(settings, role)
    check_redis_url(settings)
    if settings.log == "kafka":
        _check_kafka(settings)
    if settings.models_url:
        place_of(settings.models_url)
        need_extra("s3", "KEYART_MODELS_URL")
    _check_space(settings.space)
    reward_rules(settings)
    dwell_by_surface(settings)
    rules_of(settings)
    if uses_folder(settings, role):
        _check_retraining(settings)
        check_folder(Path(settings.data_dir))
    if role.answers:
        _check_host(settings.api_host)
        keys_of(settings)
        experiment_of(settings)
        doses_of(settings)
        _check_images(settings.page_images)
        embedded = settings.log == "embedded"
        check_keys(
            settings.viewer_key,
            settings.viewer_key_previous,
            Path(settings.data_dir),
            make=embedded,
        )


def _check_retraining(settings: Settings) -> None:
    if settings.retrain_kind not in ("ridge", "dual") and not settings.retrain_llm_model:
        raise SettingsError(
            f"KEYART_RETRAIN_KIND={settings.retrain_kind} needs KEYART_RETRAIN_LLM_MODEL: the "
            "folder of a language model to begin from, or smollm2"
        )


def uses_folder(settings: Settings, role: Role) -> bool:
    """Whether a process of this role writes into the data folder."""
    return settings.log == "embedded" or role is Role.HOUSEKEEPING


def _check_log(settings: Settings, role: Role) -> None:
    if role in (Role.SERVE, Role.STEPS) and settings.log != "embedded":
        raise SettingsError(
            f"KEYART_LOG is {settings.log}: `keyart {role}` is the embedded default; with Kafka "
            "run `keyart api` and `keyart worker`"
        )
    if role is Role.WORKER and settings.log != "kafka":
        raise SettingsError(
            "KEYART_LOG is embedded: `keyart worker` reads Kafka; set KEYART_LOG=kafka, or run "
            "`keyart serve`"
        )
    if settings.log == "kafka" and not settings.redis_url:
        raise SettingsError(
            "KEYART_REDIS_URL must be set with KEYART_LOG=kafka: it keeps the state"
        )


def check_redis_url(settings: Settings) -> None:
    """Look at the address of the store; its password never stands in the error."""
    url = settings.redis_url
    if not url:
        if settings.redis_cluster:
            raise SettingsError("KEYART_REDIS_CLUSTER needs the cluster's KEYART_REDIS_URL")
        return
    form = "redis://HOST:PORT/0, rediss:// for TLS, or unix:///PATH"
    try:
        parts = urlsplit(url)
        found: dict[str, Any] = asked_of(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise SettingsError(f"KEYART_REDIS_URL must be like {form}") from None
    network = parts.scheme in ("redis", "rediss")
    if not (host if network else found.get("path")) or (network and port == 0):
        raise SettingsError(f"KEYART_REDIS_URL must be like {form}")
    if parts.path.strip("/") and network and not parts.path.strip("/").isdecimal():
        raise SettingsError("KEYART_REDIS_URL: what follows the port is the database's number")
    authority = found.get("ssl_ca_certs")
    if authority and not Path(authority).is_file():
        raise SettingsError(f"KEYART_REDIS_URL: there is no file {authority} (ssl_ca_certs)")
    if settings.redis_cluster and found.get("db"):
        raise SettingsError("KEYART_REDIS_URL: a cluster has database 0 only")


def _check_kafka(settings: Settings) -> None:
    for server in settings.kafka_bootstrap.split(","):
        host, colon, port = server.strip().rpartition(":")
        if not (host and colon and port.isdecimal() and 0 < int(port) < 65_536):
            raise SettingsError(
                f"KEYART_KAFKA_BOOTSTRAP: {server.strip()!r} is not HOST:PORT; several by commas"
            )
    named = {
        "KEYART_TOPIC_PREFIX": settings.topic_prefix or "_",
        "KEYART_KAFKA_GROUP": settings.kafka_group,
    }
    for name, value in named.items():
        if not KAFKA_NAME.fullmatch(value):
            raise SettingsError(f"{name} must be of letters, digits, '.', '_' and '-', at most 100")
    if settings.kafka_security.startswith("SASL") and not (
        settings.kafka_user and settings.kafka_password
    ):
        raise SettingsError(
            f"KEYART_KAFKA_SECURITY={settings.kafka_security} needs KEYART_KAFKA_USER and "
            "KEYART_KAFKA_PASSWORD"
        )
    if settings.kafka_ca_file and not Path(settings.kafka_ca_file).is_file():
        raise SettingsError(f"KEYART_KAFKA_CA_FILE: there is no file {settings.kafka_ca_file}")


def _check_space(spec: str) -> None:
    kind, _, where = spec.partition(":")
    if spec == "static":
        return
    if kind not in SPACES or not where:
        raise SettingsError(
            f"KEYART_SPACE is {spec!r}: use static, static:DIR, st:DIR, hf:DIR or onnx:DIR"
        )
    for name in SPACES[kind]:
        if not (Path(where.partition("#")[0]) / name).is_file():
            raise SettingsError(f"KEYART_SPACE: {where} holds no {name}, which {kind} needs")


def _check_host(host: str) -> None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if not HOST_NAME.fullmatch(host) or host.replace(".", "").isdecimal():
            raise SettingsError(
                f"KEYART_API_HOST is {host!r}, and must be an address or a name of this machine, "
                "like 127.0.0.1"
            ) from None


def _check_images(text: str) -> None:
    for origin in filter(None, (each.strip() for each in text.split(","))):
        try:
            parts = urlsplit(origin)
            right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            right = False
        if not right or origin != f"{parts.scheme}://{parts.netloc}":
            raise SettingsError(
                f"KEYART_PAGE_IMAGES: {origin!r} is no origin like https://images.example.org"
            )
