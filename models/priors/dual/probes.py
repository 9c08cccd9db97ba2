"""What torch said of a few rows, kept beside the graphs: parity that needs no torch to look at."""

from pathlib import Path
from typing import Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from keyart.models.artifacts.whole import write_whole
from keyart.models.priors.dual.sides import DualSides
from keyart.models.priors.dual.vectors import Floats
from keyart.schemas.errors import ModelRejected

PROBES_FILE: Final = "probes.safetensors"


def save_probes(folder: Path, viewers: Floats, artworks: Floats, scores: Floats) -> None:
    """Keep viewers (V, D_v), artworks (K, D_a) and torch's scores (V, K) of all with all."""
    kept = {"viewers": viewers, "artworks": artworks, "scores": scores}
    write_whole(folder / PROBES_FILE, save({k: np.ascontiguousarray(v) for k, v in kept.items()}))


def parity_with_torch(folder: Path, sides: DualSides) -> tuple[float | None, float]:
    """Return the largest difference of the graphs from torch on the probes, and their scale.

    None where no probes were kept: a dual encoder of before there were any.

    Raises
    ------
    ModelRejected
        The probes cannot be read, or do not fit the graphs.
    """
    path = folder / PROBES_FILE
    if not path.is_file():
        return None, 0.0
    try:
        held = load(path.read_bytes())
        viewers, artworks, scores = held["viewers"], held["artworks"], held["scores"]
    except (SafetensorError, KeyError) as wrong:
        raise ModelRejected(f"{path}: {wrong}") from None
    if scores.shape != (len(viewers), len(artworks)) or not scores.size:
        raise ModelRejected(f"{path} holds scores of {scores.shape}")
    try:
        found = sides.viewers(viewers) @ sides.artworks(artworks).T
    except Exception as wrong:  # ONNX Runtime's errors have no common base of their own
        raise ModelRejected(f"{path} does not fit the graphs: {wrong}") from None
    return float(np.abs(found - scores).max()), float(np.abs(scores).max())
