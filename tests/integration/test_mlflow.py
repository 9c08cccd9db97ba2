"""Versions in a real store of MLflow: what is there, that it follows, and what is not copied."""

import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keyart.schemas.errors import MissingExtra, ModelRejected
from keyart.schemas.registry import ModelVersion
from keyart.services.jobs.mlflow_export import (
    FOLDER,
    RECORD,
    ExportFailed,
    Exporting,
    mlflow_client,
)
from keyart.streams.registry.objects import DirectoryObjects, MemoryObjects
from keyart.streams.registry.registry import NEUTRAL, Registry

# MLflow's own: how it uses sqlalchemy
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
T0 = 1_700_000_000_000
FILES = {"ridge.json": b'{"version": 1}', "table.json": b"[]"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return MLflow's own client of a database, as `keyart models export` opens it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        folder = tmp_path_factory.mktemp("mlflow")
        patch.chdir(folder)
        yield mlflow_client(f"sqlite:///{folder}/store.db")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    (folder := tmp_path / "made").mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in FILES}


@pytest.fixture
def registry(files: dict[str, Path]) -> Registry:
    held = Registry(MemoryObjects(), lambda: T0)
    for at, name in enumerate(("v1", "v2")):
        facts = ModelVersion(
            name=name,
            kind="table",
            made_at_ms=T0 + at,
            parent="v1" if at else NEUTRAL,
            rows=1000 * (at + 1),
            figures={"gain": 3.5 + at, "share of st:/a": 0.25},
        )
        held.add(facts, files)
    return held


@pytest.fixture
def exporting(client: Any, registry: Registry, request: Any, tmp_path: Path) -> Exporting:
    model = hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    return Exporting(
        registry=registry, client=client, model=model, artifacts=(tmp_path / "files").as_uri()
    )


def aliases(exporting: Exporting) -> dict[str, str]:
    """Return alias -> keyart's version, as MLflow says it."""
    client, model = exporting.client, exporting.model
    found = client.get_registered_model(model).aliases
    return {
        alias: client.get_model_version(model, number).tags["keyart.version"]
        for alias, number in found.items()
    }


def test_a_version_is_there_with_figures_origin_and_files(
    exporting: Exporting, registry: Registry, tmp_path: Path
) -> None:
    registry.promote("v2", by="me", why="better")
    (done,) = exporting.export(())
    assert (done.version, done.made) == ("v2", True)
    client = exporting.client
    there = client.get_model_version_by_alias(exporting.model, "champion")
    assert (str(there.version), there.status) == (done.number, "READY")
    assert there.tags["keyart.parent"] == "v1"
    run = client.get_run(there.run_id)
    assert (run.info.status, run.info.run_name, run.info.start_time) == ("FINISHED", "v2", T0 + 1)
    assert run.data.metrics == {"gain": 4.5, "share of st__a": 0.25, "rewards": 2000.0}
    (got := tmp_path / "got").mkdir()
    folder = Path(client.download_artifacts(there.run_id, FOLDER, str(got)))
    assert {each.name for each in folder.iterdir()} == {*FILES, RECORD}
    for name, content in FILES.items():
        assert (folder / name).read_bytes() == content
        assert there.tags[f"keyart.sha256.{name}"] == hashlib.sha256(content).hexdigest()
    record = msgspec.json.decode((folder / RECORD).read_bytes(), type=ModelVersion)
    assert record == registry.version("v2")


def test_what_is_there_stays_and_aliases_follow(exporting: Exporting, registry: Registry) -> None:
    registry.promote("v1", by="me", why="first")
    registry.propose("v2", by="retrain", why="due")
    made = exporting.export(())
    assert [(each.version, each.made) for each in made] == [("v1", True), ("v2", True)]
    assert aliases(exporting) == {"champion": "v1", "candidate": "v2"}
    registry.promote("v2", by="me", why="better")
    again = exporting.export(())
    assert {each.version: each.made for each in again} == {"v1": False, "v2": False}
    assert {each.number for each in again} == {each.number for each in made}
    assert aliases(exporting) == {"champion": "v2", "previous": "v1"}
    registry.rollback(by="canary", why="worse", of="v2")
    exporting.export(())
    assert aliases(exporting)["champion"] == "v1"
    registry.promote(NEUTRAL, by="me", why="none of them")
    exporting.export(())
    assert "champion" not in aliases(exporting), "no prior serves, and that is no version"
    found = exporting.client.search_model_versions(f"name = '{exporting.model}'")
    assert len(found) == 2, "each version once, however often it was exported"


def test_a_version_is_exported_without_an_alias_by_its_name(exporting: Exporting) -> None:
    (done,) = exporting.export(("v1",))
    assert (done.version, done.made) == ("v1", True)
    assert aliases(exporting) == {}


def test_a_version_that_is_not_whole_is_not_copied(
    client: Any, files: dict[str, Path], tmp_path: Path
) -> None:
    registry = Registry(DirectoryObjects(tmp_path), lambda: T0)
    version = registry.add(ModelVersion(name="v1", kind="table", made_at_ms=T0), files)
    (tmp_path / "blobs" / version.files["table.json"].sha256).write_bytes(b"something else")
    exporting = Exporting(registry=registry, client=client, model="torn")
    with pytest.raises(ModelRejected, match=r"table\.json"):
        exporting.export(("v1",))
    assert client.search_registered_models(filter_string="name = 'torn'") == []


def test_what_mlflow_refuses_is_one_line(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(ExportFailed, match="MLflow: ") as told:
        mlflow_client((tmp_path / "a folder").as_uri())
    assert "\n" not in str(told.value)
    assert "MLFLOW_ALLOW_FILE_STORE=true" in str(told.value), "what to do about it stands there"


def test_a_database_without_what_opens_one_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "alembic" else find(name)
    )
    with pytest.raises(MissingExtra, match="pip install alembic"):
        mlflow_client("postgresql+psycopg://host/store")
