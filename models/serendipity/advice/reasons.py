"""Why a cluster is proposed: which of a viewer's clusters speak for it, and how many people say so.

That people "often" come to a cluster is only said where at least `PEOPLE` were counted, at least a
share `OFTEN` of them came, and that share is `LIFT` times the one of all viewers.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Final, NamedTuple

from keyart.models.serendipity.advice.plan import pairs_of
from keyart.models.serendipity.collective import Collective
from keyart.models.serendipity.table import Table

PEOPLE: Final = 10
OFTEN: Final = 0.25
LIFT: Final = 1.2
LOUDEST: Final = 8
"""Among so many clusters of the history, those that speak most, a pair is looked for."""


class Reason(NamedTuple):
    """`first` and `second` (None: `first` alone) speak for a cluster.

    Of `people` who were in them, and not yet in the cluster, `came` came to it afterwards; `often`
    says whether that is often, as the module defines it.
    """

    first: int
    second: int | None
    people: int = 0
    came: int = 0
    often: bool = False


def reason_of(table: Table, explored: Sequence[int], cluster: int) -> Reason:
    """Return why a cluster is proposed to a viewer who explored these clusters, at least one."""
    held = table.collective
    if held is None:
        return _of_pairs(table, explored, cluster)
    given = held.opinions.given
    by_voice = sorted(explored, key=lambda each: (-float(given[each, cluster]), each))
    loudest = [each for each in explored if each in by_voice[:LOUDEST]]
    usual = float(held.opinions.reach[cluster])
    told = [
        reason
        for first, second in combinations(loudest, 2)
        if (reason := _of_both(table, first, second, cluster, usual)) is not None and reason.often
    ]
    if told:
        return max(told, key=lambda each: each.came / each.people)
    alone = [_alone(held, each, cluster, usual) for each in loudest]
    often = [reason for reason in alone if reason.often]
    if often:
        return max(often, key=lambda each: each.came / each.people)
    first, *rest = [each for each in explored if each in by_voice[:2]]
    return Reason(first, rest[0] if rest else None)


def _of_pairs(table: Table, explored: Sequence[int], cluster: int) -> Reason:
    if len(explored) == 1:
        return Reason(explored[0], None)
    loudest = max(
        (
            (weight / (1 + row.proposals.index(cluster)), -at, first, second)
            for at, (weight, first, second) in enumerate(pairs_of(table, explored))
            if (row := table.rows.get((first, second))) is not None and cluster in row.proposals
        ),
        default=(0.0, 0, explored[-1], None),
    )
    first, second = loudest[2:]
    if second is not None:
        # how common the cluster is was not kept: it must be clear without
        found = _counted(table, first, second, cluster, OFTEN)
        if found is not None:
            return found
    return Reason(first, second)


def _of_both(table: Table, first: int, second: int, cluster: int, usual: float) -> Reason | None:
    """Return what was counted of two clusters: the same whichever came first."""
    found = _counted(table, first, second, cluster, usual)
    if found is None and (found := _counted(table, second, first, cluster, usual)) is not None:
        found = found._replace(first=first, second=second)
    return found


def _counted(table: Table, first: int, second: int, cluster: int, usual: float) -> Reason | None:
    row = table.rows.get((first, second))
    if row is None or cluster not in row.proposals or not row.people:
        return None
    at = row.proposals.index(cluster)
    people, came = row.people[at], row.came[at]
    return Reason(first, second, people, came, _often(people, came, usual))


def _alone(held: Collective, first: int, cluster: int, usual: float) -> Reason:
    people, came = int(held.after.people[first, cluster]), int(held.after.came[first, cluster])
    return Reason(first, None, people, came, _often(people, came, usual))


def _often(people: int, came: int, usual: float) -> bool:
    return people >= PEOPLE and came >= OFTEN * people and came >= LIFT * usual * people
