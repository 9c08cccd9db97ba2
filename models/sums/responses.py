"""What each artwork's own response to taste and context is learned from: sums, artwork by artwork.

With z the situation and e the take that was expected without the artwork's own response, an
artwork keeps the sums of y, e, e z, y z and e |z|^2. Given how often it is taken at all, the
gradient of the log likelihood of its takes, Poisson with mean e exp(d'z), is
(sum y z) - (sum y / sum e) (sum e z): an error in its level cancels. The curvature is the
covariance of z, whose shape all artworks share and whose size is the artwork's own, so an artwork
costs 2 Z + 4 numbers and not Z squared.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.context import AXES, SIZE
from keyart.schemas.posterior import Response, Responses, SharedSums
from keyart.schemas.rewards import Reward

Array = NDArray[np.float64]


def faded_responses(responses: Responses, fade: float) -> Responses:
    """Return the sums decayed by `fade`, as copies."""
    return {
        name: Response(
            each.taken * fade,
            each.expected * fade,
            [value * fade for value in each.shown],
            [value * fade for value in each.told],
            each.taste_squares * fade,
            each.context_squares * fade,
        )
        for name, each in responses.items()
    }


def add_response(responses: Responses, reward: Reward, weight: float) -> None:
    """Add one reward, in place; one whose situation is not known adds nothing."""
    if not reward.situation:
        return
    sums = responses.setdefault(reward.artwork, Response())
    z, expected = reward.situation, weight * expected_of(reward)
    sums.expected += expected
    sums.taken += weight * reward.value
    sums.shown = _plus(sums.shown, z, expected)
    sums.taste_squares += expected * sum([value * value for value in z[:AXES]])
    sums.context_squares += expected * sum([value * value for value in z[AXES:]])
    if reward.value:
        sums.told = _plus(sums.told, z, weight * reward.value)


def expected_of(reward: Reward) -> float:
    """Return the take that was expected of a decision without the artwork's own response."""
    return reward.expected * reward.multiplier / reward.response


def _plus(sums: list[float], values: Sequence[float], factor: float) -> list[float]:
    """Return sums + factor x values; what the shorter of them lacks is 0."""
    size = min(len(sums), len(values))
    added = [sums[at] + factor * values[at] for at in range(size)]
    return added + sums[size:] + [factor * value for value in values[size:]]


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
    told = [(reward, w) for reward, w in zip(rewards, weight, strict=True) if reward.situation]
    if not told:
        return [fade * value for value in before]
    size = max(size_of(before), *(1 + len(reward.situation) for reward, _ in told))
    z = np.zeros((len(told), size))
    z[:, 0] = 1.0
    for at, (reward, _) in enumerate(told):
        z[at, 1 : 1 + len(reward.situation)] = reward.situation
    e = np.array([w * expected_of(reward) for reward, w in told])
    gram = fade * matrix_of(before, size) + z.T @ (z * e[:, None])
    triangle: list[float] = gram[np.triu_indices(size)].tolist()
    return triangle


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


def covariance_of(sums: Sequence[SharedSums]) -> Array:
    """Return (SIZE, SIZE) how situations vary, over all lanes; zeros before any were seen."""
    whole = np.zeros((1 + SIZE, 1 + SIZE))
    for each in sums:
        its = matrix_of(each.situations, max(1 + SIZE, size_of(each.situations)))
        # a later keyart may log more
        whole += its[: 1 + SIZE, : 1 + SIZE]
    if not whole[0, 0] > 0.0:
        return np.zeros((SIZE, SIZE))
    mean = whole[0, 1:] / whole[0, 0]
    return np.asarray(whole[1:, 1:] / whole[0, 0] - np.outer(mean, mean))
