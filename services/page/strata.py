"""The timeline as the page compares it: a surface and a span of time, by how viewers were split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from keyart.models.statistics.splits import Split, read_split
from keyart.models.statistics.timeline import EXPLORE, Key, merge, read_part
from keyart.schemas.posterior import Part, PolicyBucket
from keyart.services.page.fractions import CONTROL, Track, track_of

Pair = tuple[PolicyBucket, PolicyBucket]
FAR_MS = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What the page shows: `surface` "" is all; from_ms <= start of a bucket < to_ms."""

    surface: str = ""
    from_ms: int = 0
    to_ms: int = FAR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """One split of viewers, and what each policy did under it.

    Parameters
    ----------
    policies
        By name, own choices only; `EXPLORE` is what was explored, whoever's viewers saw it.
    """

    split: Split
    policies: Mapping[str, Track] = field(default_factory=dict)

    @property
    def first_ms(self) -> int:
        """When the first bucket of the stratum starts."""
        return min(int(track.starts[0]) for track in self.policies.values())

    @property
    def last_ms(self) -> int:
        """When the last bucket of the stratum starts."""
        return max(int(track.starts[-1]) for track in self.policies.values())

    def control(self, low_ms: int, high_ms: int) -> PolicyBucket:
        """Return uniform choices, explored or of the policy of that name."""
        return merge(
            self.policies[name].between(low_ms, high_ms)
            for name in (EXPLORE, CONTROL)
            if name in self.policies
        )


def chosen(buckets: Mapping[Key, PolicyBucket], wanted: Filter) -> dict[Key, PolicyBucket]:
    """Return the buckets that the filter lets through; of one surface, only its parts."""
    found: dict[Key, PolicyBucket] = {}
    for key, bucket in buckets.items():
        if not wanted.from_ms <= key[0] < wanted.to_ms:
            continue
        if not wanted.surface:
            found[key] = bucket
            continue
        parts = [
            part for name, part in bucket.parts.items() if read_part(name)[1] == wanted.surface
        ]
        if parts:
            found[key] = merge([_bucket(part) for part in parts])
    return found


def strata(buckets: Mapping[Key, PolicyBucket], wanted: Filter) -> list[Stratum]:
    """Return the strata, the newest last; what was stored before there were splits is one too."""
    held: dict[str, dict[str, dict[int, list[PolicyBucket]]]] = {}

    def add(split: str, key: Key, bucket: PolicyBucket) -> None:
        start, policy = key
        held.setdefault(split, {}).setdefault(policy, {}).setdefault(start, []).append(bucket)

    for key, bucket in buckets.items():
        if not wanted.from_ms <= key[0] < wanted.to_ms:
            continue
        told = {name: part for name, part in bucket.parts.items() if part.count}
        for name, part in told.items():
            split, surface = read_part(name)
            if wanted.surface in ("", surface):
                add(split, key, _bucket(part))
        if not wanted.surface and (rest := _rest(bucket, list(told.values()))).count > 0:
            add("", key, rest)
    made = [
        Stratum(
            split=read_split(split),
            policies={
                policy: track_of(policy, {start: merge(all_) for start, all_ in sorted(by.items())})
                for policy, by in policies.items()
            },
        )
        for split, policies in held.items()
    ]
    return sorted(made, key=lambda each: each.last_ms)


def surfaces(buckets: Mapping[Key, PolicyBucket]) -> dict[str, int]:
    """Return the impressions of each surface, the most shown first."""
    counts: dict[str, int] = {}
    for bucket in buckets.values():
        for name, part in bucket.parts.items():
            _, surface = read_part(name)
            counts[surface] = counts.get(surface, 0) + part.count
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _bucket(part: Part) -> PolicyBucket:
    return PolicyBucket(count=part.count, value=part.value, counts=part.counts, values=part.values)


def _rest(bucket: PolicyBucket, parts: Sequence[Part]) -> PolicyBucket:
    """Return what a bucket holds beyond its parts: all of it, if it is from before there were any.

    Sums of floats may leave rounding behind, so counts decide whether there is a rest.
    """
    if not parts:
        return bucket
    return PolicyBucket(
        count=bucket.count - sum(part.count for part in parts),
        value=bucket.value - sum(part.value for part in parts),
        counts=[
            whole - sum(each)
            for whole, *each in zip(bucket.counts, *(p.counts for p in parts), strict=True)
        ],
        values=[
            whole - sum(each)
            for whole, *each in zip(bucket.values, *(p.values for p in parts), strict=True)
        ],
    )
