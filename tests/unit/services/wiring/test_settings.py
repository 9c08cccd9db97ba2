"""Settings: precedence, bounds, and that each one is documented and read."""

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from keyart.schemas.errors import SettingsError
from keyart.services.wiring.settings import Settings, read_settings

ROOT = Path(__file__).parents[4]


def test_a_variable_beats_the_file_which_beats_the_default(tmp_path: Path) -> None:
    path = tmp_path / "keyart.toml"
    path.write_text('api_port = 9000\nexplore_share = 0.1\nlog_level = "DEBUG"\n')
    sourced = read_settings({"KEYART_CONFIG": str(path), "KEYART_API_PORT": "9001"})
    assert sourced.settings.api_port == 9001
    assert sourced.settings.explore_share == 0.1
    assert sourced.settings.dwell_s == Settings().dwell_s
    assert sourced.sources["api_port"] == "KEYART_API_PORT"
    assert sourced.sources["explore_share"] == str(path)
    assert sourced.sources["dwell_s"] == "default"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("KEYART_API_PORT", "http", "api_port must be a whole number"),
        ("KEYART_API_PORT", "70000", "from 0 to 65535"),
        ("KEYART_EXPLORE_SHARE", "1.5", "from 0.0 to 1.0"),
        ("KEYART_LOG", "rabbit", "one of embedded, kafka"),
        ("KEYART_APIPORT", "1", "no setting 'apiport'"),
        ("KEYART_EXPLORE_SHARE", "nan", "from 0.0 to 1.0"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        read_settings({name: value})
    assert name in str(caught.value)


def test_a_secret_is_not_in_the_error() -> None:
    with pytest.raises(SettingsError):
        read_settings({"KEYART_CONFIG": "/does/not/exist"})
    assert read_settings({"KEYART_API_KEYS": "s3cret"}).settings.api_keys == "s3cret"


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "keyart.toml"
    path.write_text("api_port = = 1")
    with pytest.raises(SettingsError, match=r"keyart\.toml"):
        read_settings({"KEYART_CONFIG": str(path)})


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().api_port = 1  # type: ignore[misc]


@pytest.mark.parametrize("field", fields(Settings), ids=lambda field: field.name)
def test_every_setting_says_what_it_means_and_is_used(field: object) -> None:
    name: str = field.name  # type: ignore[attr-defined]
    assert len(field.metadata["about"]) > 8  # type: ignore[attr-defined]
    sources = [
        path.read_text()
        for layer in ("services", "streams")
        for path in (ROOT / layer).rglob("*.py")
        if path.name != "settings.py"
    ]
    assert any(f".{name}" in text for text in sources), f"nothing reads {name}"
