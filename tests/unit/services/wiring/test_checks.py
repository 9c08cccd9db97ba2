"""Settings that cannot be used: each one line that names the setting, before anything starts."""

from pathlib import Path
from typing import Any

import pytest

from keyart.models.bandits.registry import POLICIES, policy_parameters
from keyart.models.sums.rewards import reward_names
from keyart.schemas.errors import SettingsError
from keyart.services.cli.main import app
from keyart.services.wiring.checks import check_settings
from keyart.services.wiring.folder import own_folder
from keyart.services.wiring.roles import Role
from keyart.services.wiring.settings import Settings, read_settings

KAFKA = {"log": "kafka", "redis_url": "redis://127.0.0.1:1/0", "viewer_key": "k" * 16}
WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"viewer_key": "short"}, "KEYART_VIEWER_KEY"),
    ({"viewer_key_previous": "short"}, "KEYART_VIEWER_KEY_PREVIOUS"),
    ({"redis_url": "127.0.0.1:6379"}, "KEYART_REDIS_URL"),
    ({"redis_url": "redis://:s3cret@h:99999/0"}, "KEYART_REDIS_URL"),
    ({"redis_url": "redis://h:0/0"}, "KEYART_REDIS_URL"),
    ({"redis_url": "redis:///0"}, "KEYART_REDIS_URL"),
    ({"redis_url": "redis://h/nought"}, "KEYART_REDIS_URL"),
    ({"redis_url": "http://h/0"}, "KEYART_REDIS_URL"),
    ({"redis_url": "rediss://h/0?ssl_ca_certs=/no/such"}, "KEYART_REDIS_URL"),
    ({"redis_url": "redis://h/3", "redis_cluster": True}, "KEYART_REDIS_URL"),
    ({"redis_cluster": True}, "KEYART_REDIS_URL"),
    ({"data_dir": "/proc/x"}, "KEYART_DATA_DIR"),
    ({"data_dir": "/dev/null"}, "KEYART_DATA_DIR"),
    ({"policy": "nosuch"}, "KEYART_POLICY"),
    ({"policy_options": "c=-1"}, "KEYART_POLICY_OPTIONS"),
    ({"policy_options": "c=1e300"}, "KEYART_POLICY_OPTIONS"),
    ({"policy_options": "c=nan"}, "KEYART_POLICY_OPTIONS"),
    ({"policy_options": "c=much"}, "KEYART_POLICY_OPTIONS"),
    ({"policy_options": "c"}, "KEYART_POLICY_OPTIONS"),
    ({"policy_options": "k=1"}, "KEYART_POLICY_OPTIONS"),
    ({"policy": "thompson", "policy_options": "marginals=cauchy"}, "KEYART_POLICY_OPTIONS"),
    ({"experiment": "nosuch=0.1"}, "KEYART_EXPERIMENT"),
    ({"dwell_by_surface": "home"}, "KEYART_DWELL_BY_SURFACE"),
    ({"experiment": "uniform=1.1"}, "KEYART_EXPERIMENT"),
    ({"experiment": "uniform=0.6,lola=0.6"}, "KEYART_EXPERIMENT"),
    ({"experiment": "optimistic=0.1"}, "KEYART_EXPERIMENT"),
    ({"experiment": "uniform"}, "KEYART_EXPERIMENT"),
    ({"reward": "nosuch"}, "KEYART_REWARD"),
    ({"retrain_kind": "spans"}, "KEYART_RETRAIN_LLM_MODEL"),
    ({"space": "nosuch"}, "KEYART_SPACE"),
    ({"space": "hf:/no/such"}, "KEYART_SPACE"),
    ({"space": "onnx:"}, "KEYART_SPACE"),
    ({"api_host": ""}, "KEYART_API_HOST"),
    ({"api_host": "127.1"}, "KEYART_API_HOST"),
    ({"api_host": "0.0.0.0"}, "KEYART_API_KEYS"),
    ({"api_keys": "short"}, "KEYART_API_KEYS"),
    ({"page_images": "images.example.org"}, "KEYART_PAGE_IMAGES"),
    ({"page_images": "https://images.example.org/path"}, "KEYART_PAGE_IMAGES"),
    ({"log": "kafka"}, "KEYART_LOG"),
    ({**KAFKA, "kafka_bootstrap": "localhost"}, "KEYART_KAFKA_BOOTSTRAP"),
    ({**KAFKA, "kafka_bootstrap": "a:1,b:99999"}, "KEYART_KAFKA_BOOTSTRAP"),
    ({**KAFKA, "kafka_security": "SASL_SSL"}, "KEYART_KAFKA_SECURITY"),
    ({**KAFKA, "kafka_ca_file": "/no/such"}, "KEYART_KAFKA_CA_FILE"),
    ({**KAFKA, "topic_prefix": "a b."}, "KEYART_TOPIC_PREFIX"),
    ({**KAFKA, "viewer_key": ""}, "KEYART_VIEWER_KEY"),
    ({**KAFKA, "redis_url": ""}, "KEYART_REDIS_URL"),
)


def settings(folder: Path, **more: Any) -> Settings:
    return Settings(**{"data_dir": str(folder / "data"), **more})


@pytest.mark.parametrize(("given", "names"), WRONG, ids=[str(each) for each, _ in WRONG])
def test_a_setting_that_cannot_be_used_is_named(
    tmp_path: Path, given: dict[str, Any], names: str
) -> None:
    role = Role.API if "redis_url" in given and given.get("log") else Role.SERVE
    with pytest.raises(SettingsError, match=names) as said:
        check_settings(settings(tmp_path, **given), role)
    assert "\n" not in str(said.value)
    assert "s3cret" not in str(said.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"redis_url": "redis://user:p%40ss@h:6379/2"},
        {"redis_url": "unix:///run/valkey.sock"},
        {"policy": "thompson", "policy_options": "scale=0.5, marginals=gamma"},
        {"experiment": "uniform=0.2,lola=0.8"},
        {"retrain_kind": "spans", "retrain_llm_model": "smollm2"},
        {"api_host": "::1"},
        {"api_host": "localhost"},
        {"page_images": "https://a.example, http://b.example:8080"},
        {**KAFKA, "kafka_bootstrap": "a:9092, [::1]:9092"},
    ],
    ids=str,
)
def test_what_can_be_used_passes_and_leaves_nothing(tmp_path: Path, given: dict[str, Any]) -> None:
    check_settings(settings(tmp_path, **given), Role.API)
    assert list(tmp_path.iterdir()) == []


def test_a_process_is_not_asked_for_what_it_does_not_use(tmp_path: Path) -> None:
    check_settings(settings(tmp_path, **KAFKA | {"viewer_key": ""}), Role.WORKER)
    check_settings(settings(tmp_path, **KAFKA | {"data_dir": "/proc/x"}), Role.WORKER)
    with pytest.raises(SettingsError, match="KEYART_DATA_DIR"):
        check_settings(settings(tmp_path, **KAFKA | {"data_dir": "/proc/x"}), Role.HOUSEKEEPING)
    with pytest.raises(SettingsError, match="KEYART_LOG"):
        check_settings(settings(tmp_path), Role.WORKER)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("api_prt", "api_port"), ("explor_share", "explore_share"), ("redisurl", "redis_url")],
)
def test_an_unknown_name_is_refused_with_the_nearest(
    tmp_path: Path, wrong: str, right: str
) -> None:
    path = tmp_path / "keyart.toml"
    path.write_text(f"{wrong} = 1\n")
    with pytest.raises(SettingsError, match=f"{wrong}.*nearest is '{right}'"):
        read_settings({"KEYART_CONFIG": str(path)})
    with pytest.raises(SettingsError, match=f"{wrong}.*nearest is '{right}'"):
        read_settings({f"KEYART_{wrong.upper()}": "1"})


@pytest.mark.parametrize("held", [b"a = = 1", b"\xff\xfe", b"a = 1\na = 2", b"x" * 1_000_001])
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, held: bytes) -> None:
    path = tmp_path / "keyart.toml"
    path.write_bytes(held)
    with pytest.raises(SettingsError, match=r"KEYART_CONFIG.*keyart\.toml") as said:
        read_settings({"KEYART_CONFIG": str(path)})
    assert "\n" not in str(said.value)


def test_the_command_shows_all_names_with_their_bounds_and_checks_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    monkeypatch.setenv("KEYART_DATA_DIR", str(tmp_path / "data"))
    right = CliRunner().invoke(app, ["settings"])
    assert right.exit_code == 0, right.output
    assert "KEYART_CONFIG" in right.output
    assert "a whole number from 1 to 64" in right.output
    for name in POLICIES:
        assert f"  {name}: " in right.output
        for parameter, (default, bounds) in policy_parameters(name).items():
            assert f"{parameter}: {bounds}; default {default}" in right.output
    for name in reward_names():
        assert f"  {name}: " in right.output
    monkeypatch.setenv("KEYART_POLICY", "nosuch")
    wrong = CliRunner().invoke(app, ["settings"])
    assert isinstance(wrong.exception, SettingsError)


def test_a_folder_that_others_may_enter_is_closed_to_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import os

    before = os.umask(0o022)
    try:
        folder = tmp_path / "open"
        folder.mkdir(mode=0o755)
        own_folder(folder)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert len(caplog.records) == 1
        own_folder(folder)
        (folder / "file").touch()
        assert (folder / "file").stat().st_mode & 0o777 == 0o600
        assert len(caplog.records) == 1
    finally:
        os.umask(before)
