"""Rewards that are watched beside the one that teaches: sums that add."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.posterior import Noted
from keyart.schemas.rewards import Reward

MOST_NOTED: Final = 16
"""Names that a part keeps: a site has eight at a time, and changes them now and then."""


def watched_by_part(
    rewards: Sequence[Reward], parts: NDArray[np.intp], weights: NDArray[np.uint8]
) -> dict[int, dict[str, Noted]]:
    """Return by part, then by name, what the rewards that were watched add.

    Parameters
    ----------
    parts
        (N,) the part of each reward.
    weights
        (N, REPLICATES) bootstrap weights of their viewers.
    """
    rows: dict[tuple[int, str], tuple[list[int], list[float]]] = {}
    for at, reward in enumerate(rewards):
        for name, value in reward.watched.items():
            places, values = rows.setdefault((int(parts[at]), name), ([], []))
            places.append(at)
            values.append(value)
    found: dict[int, dict[str, Noted]] = {}
    for (part, name), (places, values) in rows.items():
        its, said = weights[places].astype(np.int64), np.array(values)
        gain, loss = np.maximum(said, 0.0), np.maximum(-said, 0.0)
        found.setdefault(part, {})[name] = Noted(
            count=len(places),
            gain=float(gain.sum()),
            loss=float(loss.sum()),
            counts=its.sum(axis=0).tolist(),
            gains=(its * gain[:, None]).sum(axis=0).tolist(),
            losses=(its * loss[:, None]).sum(axis=0).tolist(),
        )
    return {part: bounded(its) for part, its in found.items()}


def add_watched(every: Sequence[Mapping[str, Noted]]) -> dict[str, Noted]:
    """Return the sums by name; past `MOST_NOTED` names those with the fewest are left out."""
    by_name: dict[str, list[Noted]] = {}
    for its in every:
        for name, noted in its.items():
            by_name.setdefault(name, []).append(noted)
    return bounded({name: add_noted(its) for name, its in by_name.items()})


def bounded(found: dict[str, Noted]) -> dict[str, Noted]:
    """Return at most `MOST_NOTED` of them: those with the most impressions, then by name."""
    if len(found) <= MOST_NOTED:
        return found
    ranked = sorted(found, key=lambda name: (-found[name].count, name))
    return {name: found[name] for name in ranked[:MOST_NOTED]}


def add_noted(every: Sequence[Noted]) -> Noted:
    """Return the sum, element by element."""
    if len(every) == 1:
        return every[0]
    return Noted(
        count=sum(each.count for each in every),
        gain=sum(each.gain for each in every),
        loss=sum(each.loss for each in every),
        counts=whole_sum([each.counts for each in every]),
        gains=plain_sum([each.gains for each in every]),
        losses=plain_sum([each.losses for each in every]),
    )


def plain_sum(rows: Sequence[list[float]]) -> list[float]:
    """Return the sum of the rows, of any lengths, element by element."""
    return [sum(column) for column in zip_longest(*rows, fillvalue=0.0)]


def whole_sum(rows: Sequence[list[int]]) -> list[int]:
    """Return the same of whole numbers."""
    return [sum(column) for column in zip_longest(*rows, fillvalue=0)]
