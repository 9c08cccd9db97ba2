"""All planners that learn from what viewers did, fitted on the same viewers."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from keyart.models.serendipity.cases import SHARES, Ways
from keyart.models.serendipity.memory import Memory, remember
from keyart.models.serendipity.planners.blend import Blend, Trust, learn_trust
from keyart.models.serendipity.planners.content import Content
from keyart.models.serendipity.planners.counting import Cooccurrence, Markov, Popular, Random
from keyart.models.serendipity.planners.opinions import Opinions, opinions_of
from keyart.models.serendipity.planners.protocol import Planner
from keyart.models.serendipity.planners.ridge import Ridge
from keyart.models.serendipity.world import Floats, Ints, World

FOLDS: Final = 4


def fit_planners(
    world: World,
    labels: Ints,
    centres: Floats,
    viewers: Sequence[int],
    *,
    seed: int = 0,
) -> tuple[list[Planner], Memory]:
    """Return the planners fitted on these viewers, and what was counted.

    Parameters
    ----------
    labels
        (titles,) clusters.
    centres
        (K, D).
    viewers
        Who teaches; nobody else's engagement is looked at.
    """
    ways = Ways(world, labels, seed=seed)
    memory = remember(world, ways, labels, viewers, len(centres))
    trust = trust_of(world, ways, labels, len(centres), viewers, seed=seed)
    planners: list[Planner] = [
        Random(clusters=len(centres), seed=seed),
        Popular(memory),
        Markov(memory),
        Cooccurrence(memory, last=2),
        Cooccurrence(memory),
        Content(centres),
        Ridge(memory),
        Blend(opinions_of(memory), trust),
    ]
    return planners, memory


def trust_of(
    world: World,
    ways: Ways,
    labels: Ints,
    clusters: int,
    viewers: Sequence[int],
    *,
    seed: int = 0,
) -> Trust:
    """Return how far a blend may trust its planners: each asked about viewers it had not seen."""
    order = np.random.default_rng(seed).permutation(sorted(viewers))
    folds = []
    for fold in range(FOLDS):
        apart = order[fold::FOLDS].tolist()
        rest = np.setdiff1d(order, apart).tolist()
        cases = [case for share in SHARES for case in ways.cases(apart, share)]
        folds.append((_opinions(world, ways, labels, rest, clusters), cases))
    return learn_trust(folds, clusters)


def _opinions(
    world: World, ways: Ways, labels: Ints, viewers: Sequence[int], clusters: int
) -> Callable[[], Opinions]:
    def made() -> Opinions:
        return opinions_of(remember(world, ways, labels, viewers, clusters))

    return made
