"""The knob between likely and surprising: how much of a cluster's popularity is taken off."""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from keyart.models.serendipity.world import Floats, Ints

Flags: TypeAlias = NDArray[np.bool_]

TOP: Final = 5
_SOFTEST: Final = -64.0
_STRONGEST: Final = 64.0
_STEPS: Final = 40


def bits_of(reach: Floats) -> Floats:
    """Return the self-information of each cluster: -log2 of the share of viewers who have it."""
    bits: Floats = -np.log2(reach)
    return bits


def proposals(scores: Floats, explored: Flags, most: int) -> Ints:
    """Return the best unexplored clusters, (N, most), best first; ties to the lower index."""
    shown = np.where(explored, -np.inf, scores)
    return np.argsort(-shown, axis=1, kind="stable")[:, :most].astype(np.int64)


def knob_at(
    scores: Floats, explored: Flags, bits: Floats, wanted: float, *, top: int = TOP
) -> float:
    """Return the knob at which the top proposals have so many bits on average, from above.

    Nothing is looked at but the proposals: no label of anybody is.

    Parameters
    ----------
    scores
        (N, K); a knob k turns them into scores / their spread + k bits / theirs.
    wanted
        Mean self-information of the top proposals.
    """
    low, high = _SOFTEST, _STRONGEST
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        top_bits = bits[proposals(turned(scores, bits, middle), explored, top)].mean()
        low, high = (low, middle) if top_bits >= wanted else (middle, high)
    return high


def turned(scores: Floats, bits: Floats, knob: float) -> Floats:
    """Return the scores with so much weight on novelty, (N, K)."""
    spread = scores.std(axis=1, keepdims=True)
    level = np.divide(scores, spread, out=np.zeros_like(scores), where=spread > 0.0)
    made: Floats = level + knob * bits / max(float(bits.std()), 1e-9)
    return made
