"""Versions in an MLflow tracking store, by the same names, for whoever looks for models there.

A version becomes a run (figures as metrics, where it comes from as tags, its files as artifacts)
and a version of a registered model; `champion`, `candidate` and `previous` become aliases of that
model. It is a copy: what serves is what keyart's own registry says, and nothing is read back.
"""

import hashlib
import importlib
import importlib.util
import math
import os
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from keyart.schemas.errors import KeyartError, MissingExtra, SettingsError
from keyart.schemas.registry import CANDIDATE, CHAMPION, PREVIOUS, ModelVersion
from keyart.streams.registry.registry import NEUTRAL, Registry

ALIASES: Final = (CHAMPION, CANDIDATE, PREVIOUS)
TAG: Final = "keyart.version"
FOLDER: Final = "files"
RECORD: Final = "version.json"
"""Beside the files of a version: its record as keyart's registry keeps it."""
MOST_URI: Final = 1000
MOST_VALUE: Final = 5000
MOST_SEARCHED: Final = 1000
MOST_SAID: Final = 600
"""MLflow says last what to do about it."""
DATABASES: Final = ("sqlite", "postgresql", "mysql", "mssql")
DATABASE: Final = ("sqlalchemy", "alembic")
"""What MLflow's store in a database needs beside mlflow-skinny, which does not ask for it."""
PACKAGES: Final = {"mlflow": "mlflow-skinny"}


class ExportFailed(KeyartError):
    """MLflow's store refused or failed. Operator action: what the line says; then export again."""


class Exported(Struct, frozen=True, kw_only=True):
    """A version in MLflow: the number it has there, and whether this export has made it."""

    version: str
    number: str
    made: bool


def mlflow_client(uri: str) -> Any:
    """Return MLflow's client for a tracking store that is its model registry, too.

    Raises
    ------
    SettingsError
        The address holds credentials, or is too long.
    MissingExtra
        MLflow is not installed.
    ExportFailed
        There is no such store.
    """
    parts = urlsplit(uri)
    if len(uri) > MOST_URI:
        raise SettingsError("--mlflow: the address is too long")
    if parts.scheme in ("http", "https") and (parts.username or parts.password):
        raise SettingsError(
            "--mlflow holds credentials: they come from the environment "
            "(MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN)"
        )
    needed = ("mlflow", *(DATABASE if parts.scheme.partition("+")[0] in DATABASES else ()))
    if missing := [each for each in needed if importlib.util.find_spec(each) is None]:
        packages = " ".join(PACKAGES.get(each, each) for each in missing)
        raise MissingExtra(
            "mlflow",
            "exporting to a database of MLflow" if len(needed) > 1 else "exporting to MLflow",
            f"{' and '.join(missing)}: pip install {packages}",
        )
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it would report its use elsewhere
    try:
        mlflow: Any = importlib.import_module("mlflow")
        return mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
    except Exception as wrong:  # of its stores each raises what its own client does
        raise _failed(wrong) from wrong


@dataclass(frozen=True, kw_only=True)
class Exporting:
    """Copies versions to MLflow.

    Parameters
    ----------
    registry
        Whose versions and aliases.
    client
        As `mlflow_client` returns it.
    model
        The name of the registered model, and of the experiment.
    artifacts
        Where files go when the experiment is made by this; "": where the store puts them.
    """

    registry: Registry
    client: Any
    model: str
    artifacts: str = ""

    def export(self, names: Sequence[str]) -> list[Exported]:
        """Copy versions that are not there yet, and set the aliases as they stand.

        Parameters
        ----------
        names
            Versions or aliases; none: those that an alias stands on. No prior (`neutral`) has
            nothing to copy.

        Raises
        ------
        NotFound, ModelRejected
            There is no such version, or its files are not whole.
        ExportFailed
            MLflow's store refuses or fails; what was copied before stays.
        """
        wanted = names or tuple(self.registry.aliases().named().values())
        versions = [self.registry.check(each) for each in dict.fromkeys(wanted)]
        try:
            there = self._there()
            done: dict[str, Exported] = {}
            for each in versions:
                if each.kind == NEUTRAL or each.name in done:
                    continue
                made = each.name not in there
                if made:
                    there[each.name] = self._copy(each)
                done[each.name] = Exported(version=each.name, number=there[each.name], made=made)
            self._align(there)
        except KeyartError:
            raise
        except Exception as wrong:  # of its stores each raises what its own client does
            raise _failed(wrong) from wrong
        return list(done.values())

    def _there(self) -> dict[str, str]:
        """Return version -> its number in MLflow, of those that are there; make the model."""
        if not self.client.search_registered_models(filter_string=f"name = '{self.model}'"):
            self.client.create_registered_model(self.model)
        there: dict[str, str] = {}
        token: str | None = None
        while True:
            page = self.client.search_model_versions(
                f"name = '{self.model}'", max_results=MOST_SEARCHED, page_token=token
            )
            there |= {each.tags[TAG]: str(each.version) for each in page if TAG in each.tags}
            token = page.token
            if not token:
                return there

    def _copy(self, version: ModelVersion) -> str:
        tags = tags_of(version)
        found = self.client.get_experiment_by_name(self.model)
        experiment = (
            found.experiment_id
            if found
            else self.client.create_experiment(self.model, artifact_location=self.artifacts or None)
        )
        run = self.client.create_run(
            experiment, start_time=version.made_at_ms, tags=tags, run_name=version.name
        )
        ended = "FAILED"
        try:
            entities: Any = importlib.import_module("mlflow.entities")
            metrics = [
                entities.Metric(name, value, version.made_at_ms, 0)
                for name, value in metrics_of(version).items()
            ]
            self.client.log_batch(run.info.run_id, metrics=metrics)
            with tempfile.TemporaryDirectory() as made:
                folder = Path(made) / FOLDER
                self.registry.fetch(version.name, folder)
                (folder / RECORD).write_bytes(
                    msgspec.json.format(msgspec.json.encode(version), indent=1)
                )
                self.client.log_artifacts(run.info.run_id, str(folder), FOLDER)
            ended = "FINISHED"
        finally:
            self.client.set_terminated(run.info.run_id, status=ended)
        made_version = self.client.create_model_version(
            self.model,
            source=f"{run.info.artifact_uri}/{FOLDER}",
            run_id=run.info.run_id,
            tags=tags,
        )
        return str(made_version.version)

    def _align(self, there: dict[str, str]) -> None:
        """Set aliases as keyart's registry has them; one of what is not there is taken away."""
        ours = self.registry.aliases().named()
        theirs = self.client.get_registered_model(self.model).aliases
        for alias in ALIASES:
            number = there.get(ours.get(alias, ""))
            if number is not None:
                self.client.set_registered_model_alias(self.model, alias, number)
            elif alias in theirs:
                self.client.delete_registered_model_alias(self.model, alias)


def metrics_of(version: ModelVersion) -> dict[str, float]:
    """Return figures by names that MLflow allows, and the worths beside them by whose they are."""
    figures = {**version.figures, "rewards": float(version.rows)}
    for each in version.beside:
        if not each.missing:
            figures |= {
                f"{each.role}.strength": each.strength,
                f"{each.role}.gain": each.gain,
                f"{each.role}.scale": each.scale,
            }
    return {
        re.sub(r"[^A-Za-z0-9_. -]", "_", name)[:250]: value
        for name, value in figures.items()
        if math.isfinite(value)
    }


def tags_of(version: ModelVersion) -> dict[str, str]:
    """Return where a version comes from: parent, data window, digests, and what reads the texts."""
    digest = hashlib.sha256()
    for name, mark in sorted(version.files.items()):
        digest.update(f"{name}\0{mark.sha256}\n".encode())
    tags = {
        TAG: version.name,
        "keyart.kind": version.kind,
        "keyart.parent": version.parent,
        "keyart.made_at": _when(version.made_at_ms),
        "keyart.made_by": version.made_by,
        "keyart.data_from": _when(version.from_ms),
        "keyart.data_to": _when(version.to_ms),
        "keyart.space": version.space,
        "keyart.encoders": version.encoders,
        "keyart.template": version.template,
        "keyart.note": version.note,
        "keyart.digest": digest.hexdigest() if version.files else "",
        **{f"keyart.sha256.{name}": mark.sha256 for name, mark in version.files.items()},
    }
    return {name: value[:MOST_VALUE] for name, value in tags.items() if value}


def _when(at_ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms / 1000)) if at_ms else ""


def _failed(wrong: Exception) -> ExportFailed:
    said = " ".join(str(wrong).split())[:MOST_SAID]
    return ExportFailed(f"MLflow: {type(wrong).__name__}: {said}")
