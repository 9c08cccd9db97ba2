"""What a viewer's marks say in the words of a table: clusters explored, and those declined."""

from collections.abc import Mapping
from typing import NamedTuple

from keyart.models.serendipity.advice.atlas import NOWHERE, Atlas
from keyart.schemas.explored import ALLOWED, DECLINED, HID, TOOK, kind_of


class Interests(NamedTuple):
    """Of one viewer.

    `explored` are clusters, the one entered first first; `depths` how many of each one's titles
    were taken. `declined` are clusters, `seen` the rows of titles that were taken or hidden,
    `taken` those of titles that were taken and not hidden since, whatever their cluster.
    """

    explored: tuple[int, ...]
    depths: tuple[int, ...]
    declined: frozenset[int]
    seen: frozenset[int]
    taken: tuple[int, ...] = ()


def interests_of(marks: Mapping[int, int], atlas: Atlas) -> Interests:
    """Return what marks mean. Titles that the site does not have any more say nothing."""
    entered: dict[int, int] = {}
    depths: dict[int, int] = {}
    seen: set[int] = set()
    taken: list[int] = []
    for mark, at_s in sorted(marks.items()):
        kind = kind_of(mark)
        of = {TOOK: atlas.took, HID: atlas.hid}.get(kind)
        if of is None or (row := of.get(mark)) is None:
            continue
        seen.add(row)
        if kind == HID or marks.get(mark - TOOK + HID, -1) >= at_s:
            continue
        taken.append(row)
        if (cluster := int(atlas.clusters[row])) == NOWHERE:
            continue
        entered[cluster] = min(at_s, entered.get(cluster, at_s))
        depths[cluster] = depths.get(cluster, 0) + 1
    order = sorted(entered, key=lambda cluster: (entered[cluster], cluster))
    declined = {
        at
        for at, mark in enumerate(atlas.declined)
        # within one second the decline stands
        if mark in marks and marks[mark] >= marks.get(mark - DECLINED + ALLOWED, -1)
    }
    return Interests(
        tuple(order),
        tuple(depths[each] for each in order),
        frozenset(declined),
        frozenset(seen),
        tuple(taken),
    )
