"""Per-example contributions of a policy's opinion to every measure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.dataset.examples import Example

Floats = NDArray[np.float64]
BINS: Final = 10
_TINY: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributions:
    """What each of N examples adds to the sums that the measures are ratios of; shape (N,) each.

    `answered` is the weight of an example that has an answer, else 0; `hit` and `likelihood` are
    multiplied by it. `value` is the importance-weighted reward of the greedy choice, `weight` its
    importance weight (mean 1 in expectation).
    """

    answered: Floats
    hit: Floats
    likelihood: Floats
    value: Floats
    weight: Floats
    confidence: Floats
    correct: Floats


def greedy(probabilities: Floats) -> Floats:
    """Return the choice of the largest probability as a distribution; ties share."""
    best = probabilities >= probabilities.max() - _TINY
    result: Floats = best / best.sum()
    return result


def contributions(examples: Sequence[Example], opinions: Sequence[Floats]) -> Contributions:
    """Return the contributions of choosing greedily by `opinions` (one (K,) an example).

    Value: sum_k g_k r_k / (p_k n), over the options k with choice g, propensity p, summed reward r
    and the example's n impressions: for one decision the IPS term of Horvitz and Thompson (1952).
    """
    count = len(examples)
    found = {name: np.zeros(count) for name in Contributions.__slots__}
    for at, (example, opinion) in enumerate(zip(examples, opinions, strict=True)):
        choice = greedy(opinion)
        shown = np.asarray(example.propensities) * sum(example.impressions)
        ratio = np.divide(choice, shown, out=np.zeros_like(choice), where=shown > 0)
        found["value"][at] = ratio @ np.asarray(example.rewards)
        found["weight"][at] = ratio @ np.asarray(example.impressions)
        if example.answer >= 0:
            weight = example.weight or 1.0
            found["answered"][at] = weight
            found["hit"][at] = weight * choice[example.answer]
            found["likelihood"][at] = weight * np.log(max(opinion[example.answer], _TINY))
            found["confidence"][at] = opinion.max()
            found["correct"][at] = choice[example.answer]
    return Contributions(**found)


def calibration_error(found: Contributions) -> float:
    """Return the expected calibration error of the top choice, over 10 equal bins (Guo 2017)."""
    inside = found.answered > 0
    if not inside.any():
        return 0.0
    weight, confidence = found.answered[inside], found.confidence[inside]
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gap = np.zeros(BINS)
    np.add.at(gap, bins, weight * (confidence - found.correct[inside]))
    return float(np.abs(gap).sum() / weight.sum())
