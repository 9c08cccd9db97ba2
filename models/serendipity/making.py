"""A table from what viewers did: clusters, a planner fitted on them, and what followed what."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from keyart.models.serendipity.cases import Ways
from keyart.models.serendipity.collective import Collective
from keyart.models.serendipity.comings import Comings
from keyart.models.serendipity.factors import MOST_TITLES, Factors, factors_of
from keyart.models.serendipity.memory import Memory
from keyart.models.serendipity.planners.blend import Blend
from keyart.models.serendipity.planners.fitted import fit_planners
from keyart.models.serendipity.planners.opinions import NAMES, opinions_of
from keyart.models.serendipity.planners.protocol import Planner
from keyart.models.serendipity.recommend.ials import CONFIDENCE, PENALTY, Ials, engaged_by
from keyart.models.serendipity.table import Manifest, Named, build_table
from keyart.models.serendipity.world import Floats, Ints, World

ALONE: Final = {
    "co-occurrence": "co-occurrence",
    "ridge": "ridge, in proportion",
    "popular": "popularity",
}
"""Planners that are one of the opinions and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A planner, and all that a table of it is made of besides.

    `labels` (T,) are the clusters of titles, `memory` and `ways` those of the viewers who teach.
    `factors` (T, D) are of the titles, None where there are none.
    """

    vocabulary: Named
    labels: Ints
    planner: Planner
    memory: Memory
    ways: Ways
    teaching: Sequence[int]
    factors: Floats | None = None


def fit(
    world: World,
    vocabulary: Named,
    centres: Floats,
    labels: Ints,
    teaching: Sequence[int],
    *,
    planner: str,
    seed: int,
) -> Fitted:
    """Return the planner of a name, fitted on the viewers who teach; see `fit_planners`."""
    planners, memory = fit_planners(world, labels, centres, teaching, seed=seed)
    return Fitted(
        vocabulary=vocabulary,
        labels=labels,
        planner=next(each for each in planners if each.name == planner),
        memory=memory,
        ways=Ways(world, labels, seed=seed),
        teaching=teaching,
        factors=fit_titles(world, labels, teaching, seed=seed),
    )


def fit_titles(
    world: World, labels: Ints, teaching: Sequence[int], *, seed: int = 0
) -> Floats | None:
    """Return (T, D) titles' factors of those who teach; None where there are too many titles."""
    if int((labels >= 0).sum()) > MOST_TITLES:
        return None
    return Ials(engaged_by(world, labels, teaching), seed=seed).titles


def factors_in(labels: Ints, fitted: Floats) -> Factors:
    """Return the factors (T, D) of the titles that are in a cluster, as a table keeps them."""
    return factors_of(fitted[labels >= 0], penalty=PENALTY, confidence=CONFIDENCE)


def make_table(
    folder: Path,
    world: World,
    fitted: Fitted,
    *,
    told: Callable[[int, int], None] = lambda *_: None,
) -> Manifest:
    """Write the table of a planner; see `build_table`."""
    comings = Comings(
        [fitted.ways.sequence(viewer).order for viewer in fitted.teaching], fitted.memory.clusters
    )
    placed = {
        title: int(label)
        for title, label in zip(world.titles, fitted.labels, strict=True)
        if label >= 0
    }
    return build_table(
        folder,
        fitted.vocabulary,
        fitted.planner,
        placed,
        comings=comings,
        collective=collective_of(fitted.planner, fitted.memory, comings),
        factors=None if fitted.factors is None else factors_in(fitted.labels, fitted.factors),
        told=told,
    )


def collective_of(planner: Planner, memory: Memory, comings: Comings) -> Collective | None:
    """Return what a table by this planner knows of people; None if it is not made of opinions."""
    if isinstance(planner, Blend):
        opinions, trust = planner.opinions, planner.trust.weights
    elif planner.name in ALONE:
        opinions = opinions_of(memory)
        trust = np.eye(len(NAMES))[NAMES.index(ALONE[planner.name])]
    else:
        return None
    return Collective(opinions=opinions, trust=trust, after=comings.after_one())
