"""What each artwork's own response to taste and context is learned from: sums, artwork by artwork.

With z the situation and e the take that was expected without the artwork's own response, an
artwork keeps the sums of y, e, e z, y z and e |z|^2. Given how often it is taken at all, the
gradient of the log likelihood of its takes, Poisson with mean e exp(d'z), is
(sum y z) - (sum y / sum e) (sum e z): an error in its level cancels. The curvature is the
covariance of z, whose shape all artworks share and whose size is the artwork's own, so an artwork
costs 2 Z + 4 numbers and not Z squared.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.context import AXES, SIZE, SKETCH
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.posterior import Responses, SharedSums
from keyart.schemas.rewards import Reward

Array = NDArray[np.float64]

TAKEN: Final = 0
EXPECTED: Final = 1
SQUARES: Final = slice(2, 4)
"""Of the parts of z that are taste and context."""
TASTE_SHOWN: Final = slice(4, 4 + AXES)
TASTE_TOLD: Final = slice(TASTE_SHOWN.stop, TASTE_SHOWN.stop + AXES)
CONTEXT_SHOWN: Final = slice(TASTE_TOLD.stop, TASTE_TOLD.stop + SKETCH)
CONTEXT_TOLD: Final = slice(CONTEXT_SHOWN.stop, CONTEXT_SHOWN.stop + SKETCH)
WIDTH: Final = CONTEXT_TOLD.stop
"""Columns of an artwork's sums: y, e, e |z|^2 twice, e z and y z of taste, the same of context."""


def add_responses(
    before: Responses, told: Sequence[tuple[Reward, float]], fade: float
) -> Responses:
    """Return the sums with these rewards, each with its weight; those before count `fade`.

    Rewards whose situation is not known add nothing.
    """
    used = [(reward, weight) for reward, weight in told if reward.situation]
    if not used and (fade == 1.0 or not before):
        return before
    names = sorted(before.keys() | {reward.artwork for reward, _ in used})
    sums = np.zeros((len(names), WIDTH))
    for row, name in zip(sums, names, strict=True):
        if name in before:
            held = _read(before[name])
            row[: len(held)] = held
    _are_numbers(sums)
    sums *= fade
    if used:
        place = {name: at for at, name in enumerate(names)}
        of = np.array([place[reward.artwork] for reward, _ in used], np.intp)
        np.add.at(sums, of, _rows([each for each, _ in used], [weight for _, weight in used]))
    return {name: _packed(row) for name, row in zip(names, sums, strict=True)}


def merged(these: Responses, those: Responses) -> Responses:
    """Return the sums of both, which stand at one time."""
    if not (these and those):
        return these or those
    found = dict(these)
    for name, record in those.items():
        row = np.zeros(WIDTH)
        for each in (record, found[name]) if name in found else (record,):
            held = _read(each)
            row[: len(held)] += held
        found[name] = _packed(row)
    return found


def _rows(rewards: Sequence[Reward], weights: Sequence[float]) -> Array:
    """Return (N, WIDTH) what each reward adds."""
    z, (e, y) = situations_of(rewards), _counts(rewards, weights)
    taste, context = z[:, :AXES], z[:, AXES:SIZE]
    rows = np.empty((len(z), WIDTH))
    rows[:, TAKEN], rows[:, EXPECTED] = y, e
    rows[:, SQUARES.start] = e * np.einsum("nz,nz->n", taste, taste)
    rows[:, SQUARES.start + 1] = e * np.einsum("nz,nz->n", context, context)
    for part, shown, said in (
        (taste, TASTE_SHOWN, TASTE_TOLD),
        (context, CONTEXT_SHOWN, CONTEXT_TOLD),
    ):
        np.multiply(part, e[:, None], out=rows[:, shown])
        np.multiply(part, y[:, None], out=rows[:, said])
    return rows


def situations_of(rewards: Sequence[Reward]) -> Array:
    """Return (N, SIZE) their situations; what a shorter one lacks is 0, a longer one is cut."""
    z = np.zeros((len(rewards), SIZE))
    lengths = [len(reward.situation) for reward in rewards]
    for length in set(lengths):
        rows = [at for at, its in enumerate(lengths) if its == length]
        its = np.array([rewards[at].situation for at in rows], np.float64)[:, :SIZE]
        z[rows, : its.shape[1]] = its
    return z


def _counts(rewards: Sequence[Reward], weights: Sequence[float]) -> tuple[Array, Array]:
    """Return (N,) weighted takes expected without the artworks' own responses, and takes."""
    pairs = [
        # not times the take that was expected then: it drifts to what is true while tastes grow
        (weight * reward.multiplier / reward.response, weight * reward.value)
        for reward, weight in zip(rewards, weights, strict=True)
    ]
    found = np.array(pairs, np.float64)
    return found[:, 0], found[:, 1]


def _packed(row: Array) -> bytes:
    """Return a row as it is kept; without the columns of context where there was none."""
    kept = row if row[CONTEXT_SHOWN.start :].any() else row[: CONTEXT_SHOWN.start]
    return kept.astype("<f8").tobytes()


def response_row(record: bytes) -> Array:
    """Return the columns that an artwork's record holds, `WIDTH` at most.

    Raises
    ------
    InvalidRecord
        It is of no size that was ever written, or holds what is no number.
    """
    row = _read(record)
    _are_numbers(row)
    return row


def _read(record: bytes) -> Array:
    if len(record) % 8:
        raise InvalidRecord(f"a response of {len(record)} bytes")
    return np.frombuffer(record, "<f8")[:WIDTH]


def _are_numbers(rows: Array) -> None:
    if not np.isfinite(rows).all():
        raise InvalidRecord("a response holds what is no number")


def add_situations(
    before: Sequence[float], rewards: Sequence[Reward], weight: Array, fade: float
) -> list[float]:
    """Return the sum of e (1, z) (1, z)' with these rewards, row by row of its upper triangle.

    Parameters
    ----------
    before
        The same before.
    weight
        (N,) what the rewards count.
    fade
        What the sums before count.
    """
    told = [at for at, reward in enumerate(rewards) if reward.situation]
    if not told:
        return [fade * value for value in before]
    used = [rewards[at] for at in told]
    e, _ = _counts(used, weight[told].tolist())
    z = np.column_stack((np.ones(len(told)), situations_of(used)))
    size = max(size_of(before), z.shape[1])
    gram = fade * matrix_of(before, size)
    gram[: z.shape[1], : z.shape[1]] += z.T @ (z * e[:, None])
    triangle: list[float] = gram[np.triu_indices(size)].tolist()
    return triangle


def add_responded(
    before: Sequence[float], rewards: Sequence[Reward], weight: Array, fade: float
) -> list[float]:
    """Return A and g of how far responses can be trusted (`SharedSums`), with these rewards.

    `before` are the same before, `weight` (N,) is what the rewards count, `fade` what those before
    count.
    """
    told = [at for at, reward in enumerate(rewards) if reward.responded]
    sums = fade * np.array(before or (0.0, 0.0))
    if told:
        rows = [
            (its.value, its.expected * its.multiplier / its.response, its.responded)
            for its in (rewards[at] for at in told)
        ]
        y, expected, r = np.array(rows, np.float64).T
        sums += (weight[told] * y) @ (r * r), (weight[told] * (y - expected)) @ r
    return sums.tolist() if sums.any() else []


def matrix_of(triangle: Sequence[float], size: int) -> Array:
    """Return (size, size) the symmetric matrix of an upper triangle; what it lacks is 0."""
    held = size_of(triangle)
    upper = np.zeros((held, held))
    upper[np.triu_indices(held)] = triangle
    whole = np.zeros((size, size))
    whole[:held, :held] = upper + np.triu(upper, 1).T
    return whole


def size_of(triangle: Sequence[float]) -> int:
    """Return how many rows a matrix has whose upper triangle this is."""
    return int((np.sqrt(8.0 * len(triangle) + 1.0) - 1.0) / 2.0)


def spread_of(sums: Sequence[SharedSums]) -> tuple[Array, Array]:
    """Return the covariance (SIZE, SIZE) and the mean (SIZE,) of situations, over all lanes.

    Zeros before any were seen.
    """
    whole = np.zeros((1 + SIZE, 1 + SIZE))
    for each in sums:
        its = matrix_of(each.situations, max(1 + SIZE, size_of(each.situations)))
        # a later keyart may log more
        whole += its[: 1 + SIZE, : 1 + SIZE]
    if not whole[0, 0] > 0.0:
        return np.zeros((SIZE, SIZE)), np.zeros(SIZE)
    mean = whole[0, 1:] / whole[0, 0]
    return whole[1:, 1:] / whole[0, 0] - np.outer(mean, mean), mean
