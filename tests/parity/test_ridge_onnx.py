"""A saved ridge gives the numbers of the one that was fitted, and nothing else passes for it."""

from pathlib import Path

import numpy as np
import pytest

from keyart.models.priors.onnx_file import (
    GRAPH_FILE,
    MANIFEST_FILE,
    OnnxRidgePrior,
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
    saved = OnnxRidgePrior(tmp_path)
    vectors = np.random.default_rng(4).normal(size=(500, 24))
    assert np.allclose(saved.relative(vectors), vectors @ prior.weights, atol=1e-5)
    assert saved.version == f"ridge-{manifest.sha256[:8]}"
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
        OnnxRidgePrior(tmp_path)


def test_a_broken_manifest_is_rejected(prior: RidgePrior, tmp_path: Path) -> None:
    save_ridge(prior, tmp_path)
    (tmp_path / MANIFEST_FILE).write_bytes(b'{"sha256": 3}')
    with pytest.raises(ModelRejected):
        OnnxRidgePrior(tmp_path)
    (tmp_path / MANIFEST_FILE).unlink()
    with pytest.raises(NotFound):
        OnnxRidgePrior(tmp_path)


def test_vectors_of_another_width_are_refused(prior: RidgePrior, tmp_path: Path) -> None:
    save_ridge(prior, tmp_path)
    with pytest.raises(InvalidRecord):
        OnnxRidgePrior(tmp_path).relative(np.zeros((2, 23)))
