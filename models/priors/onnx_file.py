"""A ridge prior as files: weights, an ONNX graph, and a manifest with digests, none unpickled."""

import hashlib
import importlib
import importlib.util
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from keyart.models.artifacts.described import write_described
from keyart.models.artifacts.whole import write_whole
from keyart.models.likelihood.groups import GroupWorth
from keyart.models.priors.folds import CrossFit, load_folds, save_folds
from keyart.models.priors.manifest import MANIFEST_FILE, OPSET, RidgeManifest, read_manifest
from keyart.models.priors.opinion import Relative, opinion_by
from keyart.models.priors.ridge import RidgeFit, RidgePrior
from keyart.schemas.errors import InvalidRecord, MissingExtra, ModelRejected, NotFound

GRAPH_FILE: Final = "ridge.onnx"
WEIGHTS_FILE: Final = "ridge.safetensors"
IR_VERSION: Final = 8
LARGEST_GRAPH: Final = 64_000_000
"""Bytes of a graph that is read; a ridge of 4,096 dimensions has 16 kilobytes."""
PARITY: Final = 1e-4


class SavedRidge:
    """A saved ridge, run by numpy on its weights; otherwise as `RidgePrior`.

    One that was saved before weights stood beside the graph is run by ONNX Runtime.

    Parameters
    ----------
    folder
        Where `save_ridge` wrote it.

    Raises
    ------
    NotFound
        There is no manifest, or neither weights nor graph.
    ModelRejected
        The manifest cannot be read, a digest is another, or what it holds does not fit it.
    MissingExtra
        There are no weights, and ONNX Runtime is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self.manifest = read_manifest(folder / MANIFEST_FILE)
        self._folder = folder
        self._weights: NDArray[np.float32] | None = None
        self._graph: Any = None
        if self.manifest.weights:
            self._weights = self._read_weights()
        else:
            self._graph = self._session()
        self._folds: CrossFit | None = None
        if self.manifest.folds:
            self._folds = load_folds(
                folder, sha256=self.manifest.folds, dimensions=self.manifest.dimensions
            )

    def _read_weights(self) -> NDArray[np.float32]:
        path = self._folder / WEIGHTS_FILE
        content = _whole(path, self.manifest.weights)
        try:
            held = load(content)["weights"]
        except (SafetensorError, KeyError) as wrong:
            raise ModelRejected(f"{path}: {wrong}") from None
        if held.shape != (self.manifest.dimensions,):
            raise ModelRejected(f"{path} does not hold {self.manifest.dimensions} weights")
        if not np.isfinite(held).all():
            raise ModelRejected(f"{path} holds what is no number")
        return held.astype(np.float32)

    def _session(self) -> Any:
        path = self._folder / GRAPH_FILE
        content = _whole(path, self.manifest.sha256)
        try:
            runtime: Any = importlib.import_module("onnxruntime")
        except ImportError as error:
            raise MissingExtra("onnx", "serving a prior saved as a graph alone") from error
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        try:
            session: Any = runtime.InferenceSession(
                content, sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's errors have no common base of their own
            raise ModelRejected(f"{path} cannot be loaded: {error}") from error
        inputs = session.get_inputs()
        if len(inputs) != 1 or list(inputs[0].shape)[-1:] != [self.manifest.dimensions]:
            raise ModelRejected(f"{path} does not take vectors of {self.manifest.dimensions}")
        return session

    @property
    def version(self) -> str:
        """Return `ridge-` and the first 8 digits of the digest of its weights, or graph."""
        return f"ridge-{(self.manifest.weights or self.manifest.sha256)[:8]}"

    @property
    def space(self) -> str:
        """Return the identity of the embedding space it was fitted in."""
        return self.manifest.space

    def parity(self) -> tuple[float | None, float]:
        """Return by how much its graph differs from its weights run by numpy, and their scale.

        On 64 random vectors; None where there is one form of it alone, or no ONNX Runtime here.
        """
        probes = np.random.default_rng(0).normal(size=(64, self.manifest.dimensions))
        if self._weights is None or not self.manifest.sha256:
            return None, 0.0
        if importlib.util.find_spec("onnxruntime") is None:
            return None, 0.0
        expected = self.relative(probes)
        found = self.manifest.scale * _run(self._session(), probes)
        return float(np.abs(found - expected).max()), float(np.abs(expected).max())

    def relative(self, vectors: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return (N,) log relative takes of (N, D) vectors, not centred.

        Raises
        ------
        InvalidRecord
            The vectors are not as wide as the weights.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.manifest.dimensions:
            raise InvalidRecord(
                f"vectors of shape {vectors.shape}, the prior takes (N, {self.manifest.dimensions})"
            )
        if self._weights is None:
            return self.manifest.scale * _run(self._graph, vectors)
        return self.manifest.scale * np.asarray(
            vectors.astype(np.float32) @ self._weights, np.float64
        )

    def worth_in(self, group: str) -> tuple[float, float]:
        """Return the power on top of its opinions, and what they are worth, in a title group."""
        own = self.manifest.groups.get(group)
        return (own.factor, own.strength) if own else (1.0, self.manifest.strength)

    def opinion(self, title: str, vectors: NDArray[np.floating]) -> Relative:
        """Return the opinion of a title's artworks, (K, D).

        Of a title that it was fitted on it says what it would say, had it not seen the title.
        """
        relative = self.relative
        if self._folds is not None and title in self._folds.part:
            relative = partial(self._by_the_others, self._folds, title)
        return opinion_by(relative, vectors, self.manifest.strength)

    def _by_the_others(
        self, folds: CrossFit, title: str, vectors: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        return self.manifest.scale * folds.relative(title, vectors)


def save_ridge(
    prior: RidgePrior,
    folder: Path,
    *,
    report: RidgeFit | None = None,
    encoders: str = "",
    groups: dict[str, GroupWorth] | None = None,
    folds: CrossFit | None = None,
) -> RidgeManifest:
    """Write a prior as weights and manifest, and return the latter.

    Where onnx is installed a graph is written too, for whoever runs it elsewhere, and looked at
    whether it gives the same numbers.

    The manifest is written last and in one step: a folder that has one is complete.

    Parameters
    ----------
    report
        The fit, whose figures go into the manifest.
    encoders
        What reads the texts for it.
    groups
        What its opinions are worth in title groups that differ from the rest.
    folds
        What it says of the titles it was fitted on.

    Raises
    ------
    ModelRejected
        ONNX Runtime's numbers are not the prior's, to `PARITY` of their scale.
    """
    weights = prior.weights.astype(np.float32)
    content, packed = _graph(weights), save({"weights": weights})
    folder.mkdir(parents=True, exist_ok=True)
    manifest = RidgeManifest(
        sha256=hashlib.sha256(content).hexdigest() if content else "",
        weights=hashlib.sha256(packed).hexdigest(),
        dimensions=len(prior.weights),
        space=prior.space,
        strength=prior.strength,
        penalty=report.penalty if report else 0.0,
        gain=report.calibration.gain if report else 0.0,
        spread=report.calibration.spread if report else 0.0,
        encoders=encoders,
        groups=groups or {},
        folds=save_folds(folds, folder) if folds is not None else "",
    )
    write_whole(folder / WEIGHTS_FILE, packed)
    if content:
        write_whole(folder / GRAPH_FILE, content)
    write_described(folder / MANIFEST_FILE, manifest)
    different, scale = SavedRidge(folder).parity()
    if different is not None and different > PARITY * max(scale, 1e-6):
        (folder / MANIFEST_FILE).unlink()
        raise ModelRejected("the saved graph does not give the prior's numbers")
    return manifest


def _graph(weights: NDArray[np.float32]) -> bytes:
    """Return the bytes of vectors (N, D) -> relative (N,); none where onnx is not installed."""
    try:
        helper: Any = importlib.import_module("onnx.helper")
        numpy_helper: Any = importlib.import_module("onnx.numpy_helper")
        kinds: Any = importlib.import_module("onnx").TensorProto
    except ImportError:
        return b""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["vectors", "weights"], ["relative"])],
        "ridge",
        [helper.make_tensor_value_info("vectors", kinds.FLOAT, ["n", len(weights)])],
        [helper.make_tensor_value_info("relative", kinds.FLOAT, ["n"])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    return bytes(model.SerializeToString())


def _whole(path: Path, sha256: str) -> bytes:
    """Return a file whose digest this is."""
    if not path.is_file():
        raise NotFound(f"there is no {path}")
    if path.stat().st_size > LARGEST_GRAPH:
        raise ModelRejected(f"{path} is too large for a ridge")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelRejected(f"{path} is not the file its manifest describes")
    return content


def _run(session: Any, vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    found = session.run(None, {"vectors": vectors.astype(np.float32)})[0]
    return np.asarray(found, np.float64)
