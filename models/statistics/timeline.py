"""The take fraction over time, by policy, as sums that add.

A reward falls into the bucket of the time at which its artwork was shown. A policy's bucket holds
its own choices; choices made by uniform exploration are counted under `EXPLORE`, the natural
control, so the two are disjoint. The sample-ratio sums and the entropy stay with the policy for
*all* its decisions, because the logged propensities are those of policy and exploration together.

Replicates: every viewer draws a Poisson(1) weight per replicate by a hash, the same in every bucket
and every process, so replicates add like everything else and their spread is that of a bootstrap
that resamples viewers (Chamandy, Muralidharan, Najmi & Naidu, "Estimating uncertainty for massive
data streams", Google 2012).

A bucket's parts hold the same sums by surface, and by how viewers were shared out between policies
when it was decided: shares are then known for the time they were in force, and policies can be
compared within it.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import factorial

import numpy as np
from numpy.typing import NDArray

from keyart.models.statistics.watched import (
    add_watched,
    plain_sum,
    watched_by_part,
    whole_sum,
)
from keyart.schemas.decisions import MAX_ARTWORKS
from keyart.schemas.posterior import Part, PolicyBucket
from keyart.schemas.rewards import Reward

EXPLORE = "explore"
REPLICATES = 32
KEPT = 100
MAX_PARTS = 24
"""Parts that a bucket keeps by themselves; their number must not grow with names of surfaces."""
OTHER_SURFACE = "other"
WIDEN = 4
_LANES = 4  # 16-bit draws in one 64-bit hash
_U64 = np.dtype("<u8")
_GOLDEN = 0x9E3779B97F4A7C15
_SALTS = (np.arange(1, REPLICATES // _LANES + 1, dtype=np.uint64) * np.uint64(_GOLDEN)).astype(_U64)

Key = tuple[int, str]


def _poisson_table() -> NDArray[np.uint8]:
    """Return Poisson(1) quantiles for the 65,536 values of a 16-bit draw."""
    below = np.cumsum([np.exp(-1.0) / factorial(k) for k in range(9)])
    middles = (np.arange(1 << 16) + 0.5) / (1 << 16)
    return np.searchsorted(below, middles).astype(np.uint8)


_POISSON = _poisson_table()


def viewer_weights(viewers: Sequence[str]) -> NDArray[np.uint8]:
    """Return each viewer's bootstrap weights, (N, REPLICATES), Poisson(1), fixed for ever.

    Parameters
    ----------
    viewers
        Pseudonyms of 32 hex digits: already a keyed hash, so its halves together are the seed,
        stretched by splitmix64 (Steele, Lea & Flood 2014).
    """
    halves = np.frombuffer(bytes.fromhex("".join(viewers)), _U64)
    mixed = (halves[::2] ^ halves[1::2])[:, None] + _SALTS  # (N, REPLICATES / 4), wraps on purpose
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    draws: NDArray[np.uint16] = mixed.astype(_U64, copy=False).view("<u2")
    return _POISSON.take(draws)


def bucket_keys(rewards: Sequence[Reward], *, bucket_ms: int) -> set[Key]:
    """Return the keys that `observe_batch` gives for these rewards."""
    keys: set[Key] = set()
    for reward in rewards:
        start = reward.shown_at_ms - reward.shown_at_ms % bucket_ms
        keys.add((start, reward.policy))
        if reward.explored:
            keys.add((start, EXPLORE))
    return keys


def observe_batch(rewards: Sequence[Reward], *, bucket_ms: int) -> dict[Key, PolicyBucket]:
    """Return what these rewards add to each (bucket start in ms, policy).

    The result of two batches, merged, is that of the batches together; order does not matter.
    """
    if not rewards:
        return {}
    total = len(rewards)
    groups: dict[Key, int] = {}
    parts: dict[tuple[int, str], int] = {}
    home, fine = np.empty(total, np.intp), np.empty(total, np.intp)
    for at, reward in enumerate(rewards):
        start = reward.shown_at_ms - reward.shown_at_ms % bucket_ms
        home[at] = group = groups.setdefault((start, reward.policy), len(groups))
        if reward.explored:
            group = groups.setdefault((start, EXPLORE), len(groups))
        part = (group, part_key(reward.split, reward.surface))
        fine[at] = parts.setdefault(part, len(parts))
    buckets = len(groups)

    values = np.array([reward.value for reward in rewards])
    waits = np.array([reward.closed_at_ms - reward.shown_at_ms for reward in rewards], np.int64)
    explored = np.array([reward.explored for reward in rewards], np.float64)
    picked = np.array([reward.candidates.index(reward.artwork) for reward in rewards], np.intp)
    lengths = np.array([len(reward.propensities) for reward in rewards], np.intp)
    p = np.fromiter(
        chain.from_iterable(reward.propensities for reward in rewards), float, int(lengths.sum())
    )
    ends = np.cumsum(lengths)
    place = np.arange(len(p)) - np.repeat(ends - lengths, lengths)
    cell = np.repeat(home, lengths) * MAX_ARTWORKS + place
    surprise = p * np.log(np.where(p > 0.0, p, 1.0))

    def table(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        size = buckets * MAX_ARTWORKS
        return np.bincount(cell, weights, size).reshape(buckets, MAX_ARTWORKS).astype(np.float64)

    predicted, variance = table(p), table(p * (1.0 - p))
    entropy = -table(surprise).sum(axis=1)
    drawn = np.bincount(home * MAX_ARTWORKS + picked, minlength=buckets * MAX_ARTWORKS)
    chosen = drawn.reshape(buckets, MAX_ARTWORKS)
    width = np.zeros(buckets, np.intp)
    np.maximum.at(width, home, lengths)

    weights = viewer_weights([reward.viewer for reward in rewards])
    order = np.argsort(fine, kind="stable")
    firsts = np.flatnonzero(np.diff(fine[order], prepend=-1))
    counts = np.add.reduceat(weights[order], firsts, axis=0, dtype=np.int64)
    sums = np.add.reduceat(weights[order] * values[order, None], firsts, axis=0)
    count = np.bincount(fine).tolist()
    value = np.bincount(fine, values).tolist()
    held: list[dict[str, Part]] = [{} for _ in range(buckets)]
    noted = watched_by_part(rewards, fine, weights)
    for (at, name), row in parts.items():
        held[at][name] = Part(
            count[row], value[row], counts[row].tolist(), sums[row].tolist(), noted.get(row, {})
        )
    whole = [_whole(its) for its in held]
    own = np.fromiter((at for at, _ in parts), np.intp, len(parts))[fine]
    lag = np.bincount(own, waits, buckets)
    aside = np.bincount(home, explored, buckets)
    return {
        key: PolicyBucket(
            count=whole[at].count,
            value=whole[at].value,
            explored=int(aside[at]),
            entropy=float(entropy[at]),
            lag_ms=int(lag[at]),
            counts=whole[at].counts,
            values=whole[at].values,
            chosen=chosen[at, : width[at]].tolist(),
            predicted=predicted[at, : width[at]].tolist(),
            variance=variance[at, : width[at]].tolist(),
            parts=held[at],
        )
        for key, at in groups.items()
    }


def merge(buckets: Iterable[PolicyBucket]) -> PolicyBucket:
    """Return the sum of the buckets, element by element; of none, the empty bucket."""
    every = list(buckets)
    if len(every) == 1:
        return every[0]
    return PolicyBucket(
        count=sum(each.count for each in every),
        value=sum(each.value for each in every),
        explored=sum(each.explored for each in every),
        entropy=sum(each.entropy for each in every),
        lag_ms=sum(each.lag_ms for each in every),
        counts=whole_sum([each.counts for each in every]),
        values=plain_sum([each.values for each in every]),
        chosen=whole_sum([each.chosen for each in every]),
        predicted=plain_sum([each.predicted for each in every]),
        variance=plain_sum([each.variance for each in every]),
        parts=_merged(every),
    )


def _merged(buckets: Sequence[PolicyBucket]) -> dict[str, Part]:
    """Return the parts of all, added up; past `MAX_PARTS`, the smallest as of `OTHER_SURFACE`."""
    by_name: dict[str, list[Part]] = {}
    for bucket in buckets:
        for name, part in bucket.parts.items():
            by_name.setdefault(name, []).append(part)
    found = {name: add_parts(every) for name, every in by_name.items()}
    if len(found) <= MAX_PARTS:
        return found
    ranked = sorted(found, key=lambda name: (-found[name].count, name))
    kept = {name: found[name] for name in ranked[:MAX_PARTS]}
    for name in ranked[MAX_PARTS:]:
        split, _ = read_part(name)
        pool = part_key(split, OTHER_SURFACE)
        if pool not in kept and len(kept) >= 2 * MAX_PARTS:
            pool = part_key("", OTHER_SURFACE)
        kept[pool] = add_parts([part for part in (kept.get(pool), found[name]) if part])
    return kept


def add_parts(parts: Sequence[Part]) -> Part:
    """Return the sum of the parts, element by element; of none, the empty part."""
    if len(parts) == 1:
        return parts[0]
    return Part(
        count=sum(each.count for each in parts),
        value=sum(each.value for each in parts),
        counts=whole_sum([each.counts for each in parts]),
        values=plain_sum([each.values for each in parts]),
        watched=add_watched([each.watched for each in parts]),
    )


def _whole(parts: Mapping[str, Part]) -> Part:
    """Return all parts of a bucket together, with replicates of zeros where there is none."""
    if not parts:
        return Part(0, 0.0, [0] * REPLICATES, [0.0] * REPLICATES)
    return add_parts(list(parts.values()))


def part_key(split: str, surface: str) -> str:
    """Return the name of a part: `<split>|<surface>`; a split holds no bar."""
    return f"{split}|{surface}"


def read_part(text: str) -> tuple[str, str]:
    """Return (split, surface) of a part's name."""
    split, _, surface = text.partition("|")
    return split, surface


def placed(start_ms: int, *, newest_ms: int, bucket_ms: int) -> int:
    """Return the start of the bucket that holds a bucket's figures when the newest is `newest_ms`.

    Time is kept in finer buckets the newer it is: the last `KEPT` at full width, then `KEPT` of
    four times the width, and so on, so a week of minutes is about 400 buckets. Widths nest and a
    bucket is only widened once all of its wider bucket is old enough, so the result depends on
    nothing but the two times: not on when, or how often, it was asked before.
    """
    width, age = bucket_ms, bucket_ms * KEPT
    while True:
        wider = width * WIDEN
        start = start_ms - start_ms % wider
        if start + wider > newest_ms - age:
            return start_ms - start_ms % width
        width, age = wider, age * WIDEN


def moves(keys: Iterable[Key], *, bucket_ms: int) -> dict[Key, Key]:
    """Return which keys have to be merged into which, now that the newest of them has come."""
    every = list(keys)
    if not every:
        return {}
    newest = max(start for start, _ in every)
    return {
        (start, policy): (to, policy)
        for start, policy in every
        if (to := placed(start, newest_ms=newest, bucket_ms=bucket_ms)) != start
    }


def key_text(key: Key) -> str:
    """Return the key as the store holds it: `<start in ms>:<policy>`."""
    return f"{key[0]}:{key[1]}"


def read_key(text: str) -> Key:
    """Return the key that `key_text` wrote."""
    start, _, policy = text.partition(":")
    return int(start), policy
