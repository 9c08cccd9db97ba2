"""The dual encoder at work: a prior for any viewer and artwork, and the viewer in words."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keyart.models.artifacts.digests import file_digest
from keyart.models.dataset.examples import Example
from keyart.models.priors.dual.manifest import ARTWORK_GRAPH, VIEWER_GRAPH, read_dual_manifest
from keyart.models.priors.dual.sides import DualSides
from keyart.models.priors.dual.vectors import VIEWER_WIDTH, Floats, viewer_of_history
from keyart.schemas.errors import ModelRejected, SpaceMismatch


class DualEncoder:
    """An exported dual encoder.

    Raises
    ------
    MissingExtra
        ONNX Runtime is not installed.
    ModelRejected
        A graph is not the file that the manifest describes.
    SpaceMismatch
        It was trained in another embedding space than `space` (its identity).
    """

    def __init__(self, folder: Path, *, space: str) -> None:
        manifest = read_dual_manifest(folder)
        if manifest.space != space:
            raise SpaceMismatch(f"{folder} was distilled in space {manifest.space}, not {space}")
        for name in (VIEWER_GRAPH, ARTWORK_GRAPH):
            path = folder / name
            if not path.is_file() or file_digest(path) != manifest.digests.get(name):
                raise ModelRejected(f"{path} is not the file that its manifest describes")
        self.manifest = manifest
        self.graphs = tuple((folder / each).read_bytes() for each in (VIEWER_GRAPH, ARTWORK_GRAPH))
        self.sides = DualSides(*self.graphs)

    def scores(self, viewers: Floats, artworks: Floats) -> Floats:
        """Return log takes up to a level of each viewer, (V, K), of (V, D_v) and (K, D_a)."""
        found: Floats = self.sides.viewers(viewers) @ self.sides.artworks(artworks).T
        return found

    def relative(self, viewers: Floats, artworks: Floats) -> Floats:
        """Return relative log opinions of one title's artworks, (V, K); rows sum to 0."""
        found = self.scores(viewers, artworks)
        centred: Floats = found - found.mean(axis=1, keepdims=True)
        return centred

    def probabilities(
        self, examples: Sequence[Example], vectors: dict[str, Floats]
    ) -> list[NDArray[np.float64]]:
        """Return the opinion of each example, (K_i,), sums to 1."""
        found = []
        for example in examples:
            viewer = viewer_of_history(example.history, vectors)[None]
            words = np.stack([vectors[option.description] for option in example.options])
            scores = self.scores(viewer, words)[0].astype(np.float64)
            weights = np.exp(scores - scores.max())
            found.append(weights / weights.sum())
        return found


class TasteWords:
    """Says what a viewer is drawn to, beyond what everybody is, in the names of interests.

    Parameters
    ----------
    dual
        The dual encoder.
    names, vectors
        The vocabulary: C names, and their vectors (C, D_a) in the dual encoder's space.
    """

    def __init__(self, dual: DualEncoder, names: Sequence[str], vectors: Floats) -> None:
        self._dual = dual
        self._names = tuple(names)
        self._vectors = np.ascontiguousarray(vectors, np.float32)
        stranger = np.zeros((1, VIEWER_WIDTH), np.float32)
        self._everybody = dual.scores(stranger, self._vectors)[0]

    def words(self, viewer: Floats, *, most: int = 3) -> str:
        """Return the interests with the largest pull on the viewer, (D_v,); "" for a stranger.

        An interest stands where an artwork would: its pull is its score less a stranger's.
        """
        if viewer[-1] == 0:
            return ""
        pull = self._dual.scores(viewer[None], self._vectors)[0] - self._everybody
        return ", ".join(self._names[at] for at in np.argsort(-pull, kind="stable")[:most])
