"""Opinions that need no language model: random, popularity, the incumbent."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from keyart.models.dataset.examples import Example

Floats = NDArray[np.float64]


def at_random(examples: Sequence[Example]) -> list[Floats]:
    """Return the uniform opinion."""
    return [np.full(len(example.options), 1 / len(example.options)) for example in examples]


def incumbent(examples: Sequence[Example]) -> list[Floats]:
    """Return the logging policy's own propensities."""
    return [np.asarray(example.propensities, np.float64) for example in examples]


def popularity(
    train: Sequence[Example], examples: Sequence[Example], *, strength: float = 20.0
) -> list[Floats]:
    """Return opinions in proportion to the artworks' take rates in `train`.

    A rate (rewards by impressions) is shrunk to the mean of all by `strength` impressions.
    """
    sums: dict[tuple[str, str], NDArray[np.float64]] = {}
    total = np.zeros(2)
    for example in train:
        for at, option in enumerate(example.options):
            if example.impressions[at]:
                shown = np.array([example.rewards[at], example.impressions[at]])
                total += shown
                key = (example.title, option.artwork)
                sums[key] = sums.get(key, np.zeros(2)) + shown
    mean = total[0] / total[1] if total[1] else 1.0
    mean = mean or 1.0
    found = []
    for example in examples:
        rows = [
            sums.get((example.title, option.artwork), np.zeros(2)) for option in example.options
        ]
        rates = np.array([(row[0] + strength * mean) / (row[1] + strength) for row in rows])
        found.append(rates / rates.sum())
    return found
