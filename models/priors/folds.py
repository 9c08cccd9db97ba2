"""What a prior says of the titles that it was fitted on: what it would say, had it not seen them.

A prior knows the takes of its training titles, so its own opinion of them agrees with those takes
whatever it is worth, and trust inferred from the same takes would rise for nothing. Titles are
therefore split into parts, and of each part speaks a prior that was fitted on the others, its
penalty and its scale included (cross-fitting: Chernozhukov et al., Econometrics Journal 2018).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from keyart.models.priors.ridge import FOLDS
from keyart.models.priors.stack import fit_stack
from keyart.schemas.errors import ModelRejected, NotFound

Array = NDArray[np.float64]

FOLDS_FILE: Final = "folds.safetensors"
LEAST_TITLES: Final = 2
"""In the parts that a part's prior is fitted on; with fewer, nothing is said of its titles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossFit:
    """A prior for each part of the titles, fitted on all other parts.

    Parameters
    ----------
    weights
        (P, D) on the calibrated scale: log relative take = vector . weights.
    part
        The part, 0 to P - 1, of every title that the prior was fitted on, by id.
    """

    weights: NDArray[np.float32]
    part: Mapping[str, int]

    def relative(self, title: str, vectors: NDArray[np.floating]) -> Array:
        """Return (K,) log relative takes of a title's (K, D) vectors, fitted without the title.

        Raises
        ------
        KeyError
            The prior was not fitted on the title.
        """
        return np.asarray(vectors.astype(np.float64) @ self.weights[self.part[title]])


def cross_fit(
    blocks: Sequence[NDArray[np.floating]],
    groups: NDArray[np.integer],
    impressions: Array,
    takes: Array,
    *,
    titles: Sequence[str],
    folds: int = FOLDS,
    seed: int = 0,
) -> CrossFit:
    """Fit a prior for each part of the titles on the rest of them: its ridges, and their weights.

    Parameters
    ----------
    blocks, groups, impressions, takes
        As `fit_stack` takes them; groups are numbers 0 to G - 1.
    titles
        (G,) their ids.
    folds
        Parts the titles are split into, at random by `seed`.
    """
    count = len(titles)
    parts = min(folds, count)
    part = np.random.default_rng([seed, 1]).permutation(count) % parts
    weights = np.zeros((parts, sum(block.shape[1] for block in blocks)), np.float32)
    for at in range(parts):
        rest = part[groups] != at
        if len(np.unique(groups[rest])) < LEAST_TITLES or not takes[rest].sum() > 0.0:
            continue
        fitted = fit_stack(
            [block[rest] for block in blocks], groups[rest], impressions[rest], takes[rest]
        )
        weights[at] = fitted.prior.weights
    return CrossFit(weights=weights, part=dict(zip(titles, part.tolist(), strict=True)))


def save_folds(found: CrossFit, folder: Path) -> str:
    """Write it into the folder and return the file's SHA-256, in hex."""
    path = folder / FOLDS_FILE
    titles = msgspec.json.encode(found.part).decode()
    save_file({"weights": found.weights}, path, metadata={"titles": titles})
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_folds(folder: Path, *, sha256: str, dimensions: int) -> CrossFit:
    """Return what `save_folds` wrote.

    Raises
    ------
    NotFound
        There is no such file.
    ModelRejected
        Its digest is another, or it does not hold weights of so many dimensions for every title.
    """
    path = folder / FOLDS_FILE
    if not path.is_file():
        raise NotFound(f"there is no {path}")
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise ModelRejected(f"{path} is not the file its manifest describes")
    try:
        with safe_open(path, framework="numpy") as opened:
            weights = opened.get_tensor("weights")
            titles = (opened.metadata() or {}).get("titles", "")
        part = msgspec.json.decode(titles, type=dict[str, int])
    except (SafetensorError, msgspec.DecodeError) as wrong:
        raise ModelRejected(f"{path}: {wrong}") from None
    if weights.ndim != 2 or weights.shape[1] != dimensions:
        raise ModelRejected(f"{path} does not hold weights of {dimensions} dimensions")
    if not all(0 <= at < len(weights) for at in part.values()):
        raise ModelRejected(f"{path} names a part that it does not hold")
    return CrossFit(weights=weights.astype(np.float32), part=part)
