"""Which prompts share a prefix, so that it is computed once."""

from collections.abc import Sequence
from dataclasses import dataclass

Tokens = Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Prompts with one prefix: `members` are their places in the list that was planned.

    `length` tokens are common; each member has at least one token of its own after them.
    """

    length: int
    members: tuple[int, ...]


def plan(
    prompts: Sequence[Tokens], *, group: int = 64, limits: Sequence[int] | None = None
) -> list[Shared]:
    """Return groups that need the fewest tokens computed: sum over groups of prefix + suffixes.

    The prompts are sorted, so that those with a common prefix are neighbours; the cheapest cut of
    the sorted row into runs of at most `group` is found by dynamic programming, O(N * group).

    Parameters
    ----------
    limits
        How many tokens of each prompt may be in a prefix at most; by default all but the last.
    """
    longest = [len(prompt) - 1 for prompt in prompts]
    if limits is not None:
        longest = [min(each, limit) for each, limit in zip(longest, limits, strict=True)]
    order = sorted(range(len(prompts)), key=lambda at: tuple(prompts[at]))
    shared = [_common(prompts[a], prompts[b]) for a, b in zip(order, order[1:], strict=False)]
    lengths = [len(prompts[at]) for at in order]
    cost = [0] * (len(order) + 1)
    cuts = [0] * (len(order) + 1)
    for end in range(1, len(order) + 1):
        best, total, prefix = -1, 0, longest[order[end - 1]]
        for start in range(end - 1, max(end - group, 0) - 1, -1):
            total += lengths[start]
            if start < end - 1:
                prefix = min(prefix, shared[start])
            prefix = min(prefix, longest[order[start]])
            size = end - start
            computed = total if size == 1 else total - (size - 1) * prefix
            if best < 0 or cost[start] + computed < best:
                best, cuts[end] = cost[start] + computed, start
        cost[end] = best
    groups, end = [], len(order)
    while end > 0:
        start = cuts[end]
        members = tuple(order[start:end])
        shortest = min(longest[at] for at in members)
        common = min(shared[start : end - 1], default=0)
        groups.append(Shared(length=min(common, shortest), members=members))
        end = start
    return groups[::-1]


def _common(first: Tokens, second: Tokens) -> int:
    length = min(len(first), len(second))
    for at in range(length):
        if first[at] != second[at]:
            return at
    return length
