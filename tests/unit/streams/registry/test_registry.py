"""Versions are immutable and whole; aliases are moved one at a time, and back."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from keyart.schemas.errors import Contended, Fenced, InvalidRecord, ModelRejected, NotFound
from keyart.schemas.registry import ModelVersion
from keyart.streams.registry.objects import DirectoryObjects, MemoryObjects
from keyart.streams.registry.registry import NEUTRAL, Registry


def made(name: str, at_ms: int = 1) -> ModelVersion:
    return ModelVersion(name=name, kind="ridge", made_at_ms=at_ms, figures={"gain": 5.0})


def files(folder: Path, value: float = 1.0) -> dict[str, Path]:
    weights, words = folder / "w.safetensors", folder / "ridge.json"
    save_file({"weights": np.full(3, value)}, weights)
    words.write_text(json.dumps({"value": value}))
    return {"weights.safetensors": weights, "ridge.json": words}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(DirectoryObjects(tmp_path / "models"), lambda: 1000)


def test_a_version_comes_out_as_it_went_in(registry: Registry, tmp_path: Path) -> None:
    given = files(tmp_path)
    kept = registry.add(made("ridge-1"), given)
    assert registry.version("ridge-1") == kept
    assert registry.versions() == [kept]
    registry.fetch("ridge-1", tmp_path / "out")
    for name, path in given.items():
        assert (tmp_path / "out" / name).read_bytes() == path.read_bytes()


def test_a_version_never_changes(registry: Registry, tmp_path: Path) -> None:
    first = registry.add(made("ridge-1"), files(tmp_path))
    assert registry.add(made("ridge-1", at_ms=2), files(tmp_path)) == first
    with pytest.raises(ModelRejected, match="never change"):
        registry.add(made("ridge-1"), files(tmp_path, 2.0))
    assert registry.version("ridge-1") == first


def test_a_version_killed_half_way_is_not_there_and_can_be_added_again(
    registry: Registry, tmp_path: Path
) -> None:
    registry.add(made("ridge-1"), files(tmp_path))
    (tmp_path / "models" / "versions" / "ridge-1.json").unlink()  # the last that is written
    assert registry.versions() == []
    with pytest.raises(NotFound):
        registry.promote("ridge-1", by="me", why="")
    assert registry.aliases().champion == ""
    registry.add(made("ridge-1"), files(tmp_path))
    assert registry.check("ridge-1").name == "ridge-1"


@pytest.mark.parametrize("damage", ["missing", "longer", "flipped"])
def test_a_damaged_version_is_refused_and_the_old_one_serves_on(
    registry: Registry, tmp_path: Path, damage: str
) -> None:
    registry.add(made("good"), files(tmp_path))
    registry.promote("good", by="me", why="first")
    bad = registry.add(made("bad"), files(tmp_path, 2.0))
    blob = tmp_path / "models" / "blobs" / bad.files["weights.safetensors"].sha256
    content = blob.read_bytes()
    if damage == "missing":
        blob.unlink()
    else:
        blob.write_bytes(content + b"x" if damage == "longer" else content[:-1] + b"\xff")
    with pytest.raises(ModelRejected, match="bad: "):
        registry.promote("bad", by="me", why="better")
    with pytest.raises(ModelRejected):
        registry.fetch("bad", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert registry.aliases().champion == "good"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.bin", b"x"),
        ("model.pkl", pickle.dumps({})),
        ("model.onnx", pickle.dumps({"a": 1})),
        ("model.safetensors", pickle.dumps({"a": 1})),
        ("model.safetensors", b"\x08\0\0\0\0\0\0\0garbage"),
        ("model.safetensors", b""),
        ("model.json", b"{"),
        ("model.onnx", b"PK\x03\x04zip"),
    ],
)
def test_only_onnx_safetensors_and_json_are_kept(
    registry: Registry, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / "given").write_bytes(content)
    with pytest.raises(ModelRejected):
        registry.add(made("v"), {name: tmp_path / "given"})
    assert registry.versions() == []


@pytest.mark.parametrize("name", ["champion", "candidate", "previous", "neutral"])
def test_a_version_is_not_called_like_an_alias(registry: Registry, name: str) -> None:
    with pytest.raises(ModelRejected):
        registry.add(made(name), {})


def test_any_name_of_a_prior_can_be_kept(registry: Registry) -> None:
    for name in ("llm:smol/2", "ein Modell=%", "../../etc", "naïve"):
        registry.add(made(name), {})
        assert registry.version(name).name == name
    assert len(registry.versions()) == 4


def test_who_moved_what_and_why_is_kept_and_rollback_is_the_same_backwards(
    registry: Registry, tmp_path: Path
) -> None:
    for at, name in enumerate(("one", "two", "three")):
        registry.add(made(name, at), {})
    registry.promote("one", by="anna", why="first")
    registry.propose("two", by="retrain", why="candidate")
    assert registry.aliases().named() == {"champion": "one", "candidate": "two"}
    registry.promote("two", by="canary", why="it won")
    registry.promote("three", by="anna", why="a hunch")
    assert registry.aliases().named() == {"champion": "three", "previous": "two"}
    registry.rollback(by="bert", why="worse")
    assert registry.aliases().named() == {"champion": "two", "previous": "one"}
    registry.rollback(by="bert", why="worse still")
    assert registry.aliases().named() == {"champion": "one"}
    with pytest.raises(InvalidRecord, match="nothing served before"):
        registry.rollback(by="bert", why="and on")
    told = [(move.act, move.to, move.by, move.why) for move in registry.moves()]
    assert told == [
        ("promote", "one", "anna", "first"),
        ("propose", "two", "retrain", "candidate"),
        ("promote", "two", "canary", "it won"),
        ("promote", "three", "anna", "a hunch"),
        ("rollback", "two", "bert", "worse"),
        ("rollback", "one", "bert", "worse still"),
    ]


def test_what_served_before_there_was_a_registry_can_be_gone_back_to(registry: Registry) -> None:
    registry.add(made("one"), {})
    registry.promote("one", by="me", why="", standing=NEUTRAL)
    assert registry.aliases().previous == NEUTRAL
    assert registry.rollback(by="me", why="").aliases.champion == NEUTRAL


def test_a_mover_whose_lease_has_ended_moves_nothing(registry: Registry) -> None:
    for name in ("one", "two"):
        registry.add(made(name), {})
    registry.promote("one", by="retrainer 2", why="", fence=7)
    with pytest.raises(Fenced):
        registry.promote("two", by="retrainer 1", why="", fence=6)
    registry.promote("two", by="a person", why="")
    with pytest.raises(Fenced):
        registry.rollback(by="retrainer 1", why="", fence=6)
    assert registry.aliases().champion == "two"


def test_a_rollback_is_of_the_version_that_it_means(registry: Registry) -> None:
    for name in ("one", "two", "three"):
        registry.add(made(name), {})
        registry.promote(name, by="me", why="")
    with pytest.raises(InvalidRecord, match="three does"):
        registry.rollback(by="watch", why="", of="two")
    assert registry.aliases().champion == "three"


class Busy(MemoryObjects):
    """Somebody else is always quicker."""

    def create(self, key: str, content: bytes) -> bool:
        if key.startswith("moves/"):
            super().create(key, content)
            return False
        return super().create(key, content)


def test_two_who_move_at_once_do_not_both_win() -> None:
    registry = Registry(Busy(), lambda: 1)
    for name in ("one", "two"):
        registry.add(made(name), {})
    with pytest.raises(InvalidRecord, match="serves already"):
        registry.promote("one", by="me", why="")

    class Never(MemoryObjects):
        def create(self, key: str, content: bytes) -> bool:
            return not key.startswith("moves/") and super().create(key, content)

    registry = Registry(Never(), lambda: 1)
    registry.add(made("one"), {})
    with pytest.raises(Contended):
        registry.promote("one", by="me", why="")
