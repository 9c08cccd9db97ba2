"""The two towers of a dual encoder at work: each side alone, in ONNX Runtime on one thread."""

import importlib
from typing import Any

from keyart.models.priors.dual.vectors import Floats
from keyart.schemas.errors import MissingExtra, ModelRejected


class DualSides:
    """From viewers and artworks to the two sides of their product.

    Parameters
    ----------
    viewer, artwork
        The graphs, as bytes: (N, D) float32 to (N, P) float32 each.

    Raises
    ------
    MissingExtra
        ONNX Runtime is not installed.
    ModelRejected
        A graph cannot be loaded, or the sides are not of one width.
    """

    def __init__(self, viewer: bytes, artwork: bytes) -> None:
        self._viewer, self._artwork = _session(viewer), _session(artwork)
        widths = [each.get_outputs()[0].shape[-1] for each in (self._viewer, self._artwork)]
        if widths[0] != widths[1] or not isinstance(widths[0], int):
            raise ModelRejected(f"the sides of a dual encoder have {widths} numbers")
        self.width = widths[0]

    def viewers(self, viewers: Floats) -> Floats:
        """Return the viewers' sides (V, P) of (V, D_v)."""
        return _run(self._viewer, viewers)

    def artworks(self, artworks: Floats) -> Floats:
        """Return the artworks' sides (K, P) of (K, D_a)."""
        return _run(self._artwork, artworks)


def _session(graph: bytes) -> Any:
    try:
        runtime: Any = importlib.import_module("onnxruntime")
    except ImportError:
        raise MissingExtra("onnx", "the distilled prior") from None
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        session: Any = runtime.InferenceSession(
            graph, sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as wrong:  # ONNX Runtime's errors have no common base of their own
        raise ModelRejected(f"a graph of a dual encoder cannot be loaded: {wrong}") from None
    return session


def _run(session: Any, rows: Floats) -> Floats:
    found: Floats = session.run(None, {session.get_inputs()[0].name: rows})[0]
    return found
