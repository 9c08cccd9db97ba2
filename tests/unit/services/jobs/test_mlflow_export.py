"""What a version is called in MLflow, and what is refused before anything is copied.

The copy itself is in `tests/integration/test_mlflow.py`, with MLflow's own store.
"""

import importlib.util
import re

import pytest
from typer.testing import CliRunner

from keyart.schemas.errors import MissingExtra, SettingsError, UnknownName
from keyart.schemas.registry import FileMark, ModelVersion, WorthOnLog
from keyart.services.cli.models import app
from keyart.services.jobs.mlflow_export import metrics_of, mlflow_client, tags_of

VERSION = ModelVersion(
    name="v2",
    kind="ridge",
    made_at_ms=1_700_000_000_000,
    parent="v1",
    from_ms=1_690_000_000_000,
    to_ms=1_699_000_000_000,
    rows=1234,
    figures={"gain": 3.5, "share of st:/models/a": 0.25, "odd": float("nan")},
    files={
        "a.onnx": FileMark(sha256="a" * 64, size=1),
        "b.json": FileMark(sha256="b" * 64, size=2),
    },
    beside=(
        WorthOnLog(version="v2", role="itself", strength=400.0, gain=35.0, scale=1.1),
        WorthOnLog(version="v1", role="parent", missing="it is gone"),
    ),
)


def test_figures_are_metrics_by_names_that_are_allowed() -> None:
    found = metrics_of(VERSION)
    assert found == {
        "gain": 3.5,
        "share of st__models_a": 0.25,
        "rewards": 1234.0,
        "itself.strength": 400.0,
        "itself.gain": 35.0,
        "itself.scale": 1.1,
    }
    assert all(re.fullmatch(r"[\w. -]{1,250}", name) for name in found)


def test_where_it_comes_from_is_in_tags() -> None:
    tags = tags_of(VERSION)
    assert (tags["keyart.version"], tags["keyart.parent"]) == ("v2", "v1")
    assert tags["keyart.data_from"] == "2023-07-22T04:26:40Z"
    assert tags["keyart.data_to"] == "2023-11-03T08:26:40Z"
    assert tags["keyart.sha256.a.onnx"] == "a" * 64
    assert "keyart.template" not in tags and "keyart.note" not in tags


def test_the_digest_is_of_all_files_whatever_their_order() -> None:
    from msgspec import structs

    turned = structs.replace(VERSION, files=dict(reversed(VERSION.files.items())))
    other = structs.replace(
        VERSION, files={**VERSION.files, "b.json": FileMark(sha256="c" * 64, size=2)}
    )
    assert tags_of(turned) == tags_of(VERSION)
    assert tags_of(other)["keyart.digest"] != tags_of(VERSION)["keyart.digest"]


def test_without_mlflow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="pip install mlflow-skinny"):
        mlflow_client("sqlite:///x.db")


@pytest.mark.parametrize("uri", ["https://me:secret@host:5000", "http://token@host"])
def test_credentials_come_from_the_environment_and_are_not_said(uri: str) -> None:
    with pytest.raises(SettingsError, match="credentials") as wrong:
        mlflow_client(uri)
    assert "secret" not in str(wrong.value) and "token@" not in str(wrong.value)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["--of", "nobody"], UnknownName),
        (["--model", "it's"], SettingsError),
        (["--mlflow", "x" * 2000], SettingsError),
    ],
)
def test_what_is_wrong_is_said_before_a_store_is_opened(
    words: list[str], kind: type[Exception]
) -> None:
    found = CliRunner().invoke(app, ["export", "--mlflow", "sqlite:///x.db", *words])
    assert isinstance(found.exception, kind)
