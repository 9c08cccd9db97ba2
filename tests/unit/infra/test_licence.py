"""The licence is whole, and every shipped file that holds data of others is named in NOTICE."""

import hashlib
import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import polars as pl

ROOT = Path(__file__).parents[3]
LAYERS = ("schemas", "models", "streams", "services")
# What others' data or weights can be in; texts, templates and scripts are read in review.
DATA = (".safetensors", ".parquet", ".jsonl", ".onnx", ".npz", ".npy", ".gguf", ".csv", ".gz")


def shipped() -> list[Path]:
    """Every file of the layers."""
    return [path for layer in LAYERS for path in (ROOT / layer).rglob("*") if path.is_file()]


def test_the_licence_is_the_whole_apache_licence() -> None:
    """The terms are those that another Apache-2.0 package installed here carries, word for word."""
    other = distribution("accelerate").read_text("licenses/LICENSE")
    assert other is not None
    ours = (ROOT / "LICENSE").read_text()
    assert ours.split() == other.split()
    assert "END OF TERMS AND CONDITIONS" in ours


def test_the_metadata_claims_what_the_files_say() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0 AND CC-BY-4.0"
    assert project["license-files"] == ["LICENSE", "NOTICE"]
    for name in project["license-files"]:
        assert f"!{name}" in (ROOT / ".dockerignore").read_text().split()
        assert re.search(rf"^COPY .*\b{name}\b", (ROOT / "infra/Dockerfile").read_text(), re.M)


def test_every_shipped_file_of_data_is_named_in_the_notice() -> None:
    notice = (ROOT / "NOTICE").read_text()
    data = [path for path in shipped() if path.suffix in DATA]
    assert len(data) >= 5
    for path in data:
        assert re.search(rf"\b{re.escape(path.name)}\b", notice), f"{path} is not in NOTICE"


def test_the_notice_names_nothing_that_is_not_shipped() -> None:
    named = set(
        re.findall(
            r"\b[\w-]+\.(?:safetensors|parquet|jsonl|json|txt)\b", (ROOT / "NOTICE").read_text()
        )
    )
    assert named - {path.name for path in shipped()} == set()


def test_the_notice_counts_the_headlines_that_are_there() -> None:
    (titles,) = (path for path in shipped() if path.name == "titles.parquet")
    frame = pl.read_parquet(titles)
    said = f"{frame['title'].n_unique()} tests ({len(frame)} headlines"
    assert said in (ROOT / "NOTICE").read_text()


def test_the_embeddings_carry_their_note_beside_them() -> None:
    (weights,) = (path for path in shipped() if path.name == "model.safetensors")
    note = (weights.parent / "NOTICE.txt").read_text()
    assert "all-MiniLM-L6-v2" in note and "Apache" in note
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert digest in (weights.parents[1] / "README.md").read_text()
