"""Whether a table of proposals may serve: judged on viewers whom no table learns from.

Every eighth viewer, by a hash of the viewer, teaches no table; so a table and the one that serves
are judged on the same viewers, and neither has seen them. The gate is a veto on harm, like that of
priors: with few viewers an interval is wide and vetoes nothing.
"""

import hashlib
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np

from keyart.models.serendipity.advice.plan import proposals_of
from keyart.models.serendipity.cases import SHARE, Ways
from keyart.models.serendipity.table import PROPOSALS, Table
from keyart.models.serendipity.world import Ints, World
from keyart.models.statistics.bootstrap import ratio_interval
from keyart.models.statistics.interval import Interval

APART: Final = 8
EXACT: Final = 0.9
"""Least share of proposals that name a cluster."""
COVERED: Final = 0.25
"""Least share of what viewers engaged with that is in a cluster."""
LESS_COVERED: Final = 0.05
"""By so much may a table cover less than the one that serves."""
OTHER_SIZE: Final = 0.1
"""Where the numbers of clusters differ by more, hits cannot be compared."""
TOP: Final = 5


class Hits(NamedTuple):
    """What a table does for viewers held back.

    `hits`: by viewer, 1 if one of the first five proposals was entered later, else 0. `coverage` is
    the share of engagements with titles of the table; `exact` that of proposals that are clusters.
    """

    clusters: int
    hits: dict[int, float]
    coverage: float
    exact: float

    @property
    def hit5(self) -> float:
        """The mean; 0 where nobody was judged."""
        return float(np.mean(list(self.hits.values()))) if self.hits else 0.0


class Verdict(NamedTuple):
    """Whether a table may serve, and what speaks against it; `over` is hit@5 for the champion's."""

    passed: bool
    against: tuple[str, ...]
    over: Interval | None = None


def held_back(viewer: str) -> bool:
    """Whether a viewer judges tables and teaches none."""
    return hashlib.blake2b(viewer.encode(), digest_size=2).digest()[0] % APART == 0


def chooses(viewer: str) -> bool:
    """Whether a viewer who is held back says if a scorer helps, and not how good its table is."""
    return hashlib.blake2b(viewer.encode(), digest_size=2).digest()[1] % 2 == 0


def proven(without: Hits, with_it: Hits, *, seed: int = 0) -> bool:
    """Whether hits with a scorer are above those without, beyond noise."""
    over = _over(with_it, without, seed)
    return over is not None and over.low > 1.0


def labels_of(table: Table, world: World) -> Ints:
    """Return the cluster of each title of a world, (T,); -1 of one that the table does not know."""
    return np.array([table.titles.get(title, -1) for title in world.titles], np.int64)


def hits_of(table: Table, world: World, viewers: Iterable[int], *, seed: int = 0) -> Hits:
    """Return what a table would have done for these viewers, each cut in time."""
    labels = labels_of(table, world)
    ways = Ways(world, labels, seed=seed)
    hits = {}
    for case in ways.cases(viewers, SHARE):
        if case.history.order:
            best = proposals_of(table, *case.history)[:TOP]
            hits[case.viewer] = float(bool({*best} & {*case.targets}))
    names = len(table.words.names)
    most = min(PROPOSALS, names - 2)
    answered = sum(len(set(row.proposals)) for row in table.rows.values())
    return Hits(
        clusters=names,
        hits=hits,
        coverage=float((labels[world.title] >= 0).mean()) if len(world.title) else 0.0,
        exact=answered / max(most * len(table.rows), 1),
    )


def judge(candidate: Hits, champion: Hits | None, *, seed: int = 0) -> Verdict:
    """Return whether a candidate may serve in the place of the champion, or as the first."""
    against = []
    if candidate.exact < EXACT:
        against.append(
            f"{100 * candidate.exact:.0f} % of its proposals are clusters, not {100 * EXACT:.0f} %"
        )
    if candidate.coverage < COVERED:
        against.append(
            f"{100 * candidate.coverage:.0f} % of what viewers engaged with is in a cluster, not "
            f"{100 * COVERED:.0f} %"
        )
    over = None
    if champion is not None:
        if candidate.coverage < champion.coverage - LESS_COVERED:
            against.append(
                f"it covers {100 * candidate.coverage:.0f} % of what viewers engaged with, the "
                f"champion {100 * champion.coverage:.0f} %"
            )
        if abs(candidate.clusters / champion.clusters - 1.0) > OTHER_SIZE:
            against.append(
                f"{candidate.clusters} clusters cannot be compared with {champion.clusters}: "
                "whoever promotes it decides"
            )
        else:
            over = _over(candidate, champion, seed)
            if over is not None and over.high < 1.0:
                against.append(
                    f"hit@5 is {100 * over.estimate - 100:+.0f} % of the champion's "
                    f"({100 * over.low - 100:+.0f} to {100 * over.high - 100:+.0f})"
                )
    return Verdict(not against, tuple(against), over)


def _over(candidate: Hits, champion: Hits, seed: int) -> Interval | None:
    both = sorted(candidate.hits.keys() & champion.hits.keys())
    mine, its = (np.array([side.hits[viewer] for viewer in both]) for side in (candidate, champion))
    return ratio_interval(mine, its, seed=seed) if its.any() else None
