"""A saved ridge gives the numbers of the one that was fitted, and nothing else passes for it."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from keyart.models.priors.manifest import MANIFEST_FILE
from keyart.models.priors.onnx_file import (
    GRAPH_FILE,
    WEIGHTS_FILE,
    SavedRidge,
    save_ridge,
)
from keyart.models.priors.ridge import RidgePrior
from keyart.schemas.errors import InvalidRecord, ModelRejected, NotFound


@pytest.fixture
def prior() -> RidgePrior:
    weights = np.random.default_rng(3).normal(0.0, 0.2, 24)
    return RidgePrior(weights=weights, strength=900.0, space="abc", digest="0" * 64)


def test_numbers_are_the_same(prior: RidgePrior, tmp_path: Path) -> None:
    manifest = save_ridge(prior, tmp_path)
    saved = SavedRidge(tmp_path)
    vectors = np.random.default_rng(4).normal(size=(500, 24))
    assert np.allclose(saved.relative(vectors), vectors @ prior.weights, atol=1e-5)
    assert saved.version == f"ridge-{manifest.weights[:8]}"
    different, scale = saved.parity()
    assert different is not None and different < 1e-5 * scale
    assert saved.space == "abc"
    opinion = saved.opinion("t", vectors[:3])
    raw = vectors[:3] @ prior.weights
    assert np.allclose(opinion.log_relative, raw - raw.mean(), atol=1e-5)
    assert opinion.strength == 900.0


def test_a_changed_graph_is_rejected(prior: RidgePrior, tmp_path: Path) -> None:
    save_ridge(prior, tmp_path)
    content = bytearray((tmp_path / GRAPH_FILE).read_bytes())
    content[-20] ^= 1
    (tmp_path / GRAPH_FILE).write_bytes(bytes(content))
    with pytest.raises(ModelRejected, match="manifest"):
        SavedRidge(tmp_path).parity()


def test_changed_weights_are_rejected(prior: RidgePrior, tmp_path: Path) -> None:
    save_ridge(prior, tmp_path)
    content = bytearray((tmp_path / WEIGHTS_FILE).read_bytes())
    content[-1] ^= 1
    (tmp_path / WEIGHTS_FILE).write_bytes(bytes(content))
    with pytest.raises(ModelRejected, match="manifest"):
        SavedRidge(tmp_path)


def test_without_onnx_it_is_saved_and_run_all_the_same(
    prior: RidgePrior, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the base install: no graph is written, and the version has the same name."""
    with_graph = save_ridge(prior, tmp_path / "with")
    for name in ("onnx", "onnx.helper", "onnx.numpy_helper", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    without = save_ridge(prior, tmp_path / "without")
    assert without.sha256 == "" and without.weights == with_graph.weights
    assert not (tmp_path / "without" / GRAPH_FILE).exists()
    vectors = np.random.default_rng(4).normal(size=(50, 24))
    saved = [SavedRidge(tmp_path / name) for name in ("with", "without")]
    assert saved[0].version == saved[1].version
    np.testing.assert_array_equal(saved[0].relative(vectors), saved[1].relative(vectors))
    assert saved[1].parity() == (None, 0.0)


def test_one_saved_as_a_graph_alone_is_still_run(prior: RidgePrior, tmp_path: Path) -> None:
    """As keyart saved them before there were weights beside the graph."""
    manifest = save_ridge(prior, tmp_path)
    old = json.loads((tmp_path / MANIFEST_FILE).read_bytes())
    del old["weights"]
    (tmp_path / MANIFEST_FILE).write_text(json.dumps(old))
    (tmp_path / WEIGHTS_FILE).unlink()
    saved = SavedRidge(tmp_path)
    assert saved.version == f"ridge-{manifest.sha256[:8]}"
    vectors = np.random.default_rng(4).normal(size=(50, 24))
    assert np.allclose(saved.relative(vectors), vectors @ prior.weights, atol=1e-5)


def test_a_broken_manifest_is_rejected(prior: RidgePrior, tmp_path: Path) -> None:
    save_ridge(prior, tmp_path)
    (tmp_path / MANIFEST_FILE).write_bytes(b'{"sha256": 3}')
    with pytest.raises(ModelRejected):
        SavedRidge(tmp_path)
    (tmp_path / MANIFEST_FILE).unlink()
    with pytest.raises(NotFound):
        SavedRidge(tmp_path)


def test_vectors_of_another_width_are_refused(prior: RidgePrior, tmp_path: Path) -> None:
    save_ridge(prior, tmp_path)
    with pytest.raises(InvalidRecord):
        SavedRidge(tmp_path).relative(np.zeros((2, 23)))
