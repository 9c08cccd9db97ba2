"""The bandit step: rewards become sums per title and artwork, sums shared by all, and figures.

A reward counts once: rewards of one source partition come with rising sequence numbers, and what
is not above the last one applied has been applied.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from msgspec import structs

from keyart.models.statistics.timeline import (
    Key,
    bucket_keys,
    key_text,
    merge,
    moves,
    observe_batch,
)
from keyart.models.sums.adding import add_to_title
from keyart.models.sums.bursts import held_in
from keyart.models.sums.clock import steady
from keyart.models.sums.shared import add_to_shared
from keyart.schemas import codec
from keyart.schemas.posterior import PolicyBucket, SharedSums, TitlesMeta, TitleSums
from keyart.schemas.rewards import Reward
from keyart.streams.families import SHARED, TIMELINE, TITLE, TITLES_META
from keyart.streams.steps.effects import Effects, Held, Wanted
from keyart.streams.steps.stored import finite

T = TypeVar("T")

NEVER = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class BanditRules:
    """How fast the bandit forgets, how wide its figures' buckets are, and if it holds bursts."""

    half_life_ms: float = 60 * 86_400_000.0
    bucket_ms: int = 60_000
    hold_bursts: bool = True


def fresh(rewards: Sequence[Reward], meta: TitlesMeta) -> tuple[list[Reward], dict[int, int]]:
    """Return the rewards not applied yet, and the sequences after them."""
    sequences = dict(meta.sequences)
    new: list[Reward] = []
    for reward in rewards:
        if reward.sequence > sequences.get(reward.source, 0):
            sequences[reward.source] = reward.sequence
            new.append(reward)
    return new, sequences


def wanted(rewards: Sequence[Reward], meta: TitlesMeta, rules: BanditRules) -> Wanted:
    """Return the state that a batch has to see."""
    new, _ = fresh(rewards, meta)
    titles = {(TITLE, reward.title) for reward in new}
    moved, changing = _changing(bucket_keys(new, bucket_ms=rules.bucket_ms), meta, rules)
    buckets = {(TIMELINE, key_text(key)) for key in meta.buckets if moved.get(key, key) in changing}
    return titles | buckets | {SHARED} if new else set()


def bandit_step(
    held: Held,
    rewards: Sequence[Reward],
    meta: TitlesMeta,
    rules: BanditRules,
    *,
    logged_at_ms: Sequence[int] = (),
) -> tuple[Effects, TitlesMeta]:
    """Return what these rewards change, and the lane's meta record after them.

    `logged_at_ms` says of each reward when the log took it in; when it is not given, no clock is
    taken to have been wrong.

    Counts: `learned`, `repeat_rewards`, `clock_returns` (sums that stood days ahead of the log),
    `held_back` (learned, and then found to be of a burst).

    Raises
    ------
    InvalidRecord
        The shared sums would no longer be numbers, and every title's beliefs with them.
    """
    effects = Effects()
    new, sequences = fresh(rewards, meta)
    effects.counts["learned"] = len(new)
    if len(new) < len(rewards):
        effects.counts["repeat_rewards"] = len(rewards) - len(new)
    if not new:
        return effects, meta
    by_title: dict[str, list[Reward]] = {}
    for reward in new:
        by_title.setdefault(reward.title, []).append(reward)
    times: dict[tuple[int, int], int] = {}
    for reward, at_ms in zip(rewards, logged_at_ms, strict=bool(logged_at_ms)):
        times.setdefault((reward.source, reward.sequence), at_ms)

    def logged(reward: Reward) -> int:
        return times.get((reward.source, reward.sequence), NEVER)

    for title, its in by_title.items():
        sums = _stored(held.get((TITLE, title)), TitleSums(title=title))
        before = held_in(sums)
        for stands, part in steady(sums.as_of_ms, its, logged):
            if stands != sums.as_of_ms:
                effects.counts["clock_returns"] += 1
                sums = structs.replace(sums, as_of_ms=stands)
            sums = add_to_title(
                sums,
                part,
                half_life_ms=rules.half_life_ms,
                bucket_ms=rules.bucket_ms,
                hold=rules.hold_bursts,
            )
        effects.counts["held_back"] += held_in(sums) - before
        effects.puts[TITLE, title] = codec.pack(sums)
    shared = _stored(held.get(SHARED), SharedSums())
    for stands, part in steady(shared.as_of_ms, new, logged):
        shared = structs.replace(shared, as_of_ms=stands)
        shared = add_to_shared(shared, part, half_life_ms=rules.half_life_ms)
    finite(shared)
    effects.puts[SHARED] = codec.pack(shared)
    buckets = _timeline(held, new, meta, rules, effects)
    after_meta = TitlesMeta(sequences=sequences, buckets=buckets)
    effects.puts[TITLES_META] = codec.pack(after_meta)
    return effects, after_meta


def _timeline(
    held: Held, new: Sequence[Reward], meta: TitlesMeta, rules: BanditRules, effects: Effects
) -> list[Key]:
    """Add the rewards to the buckets of their time and policy, and widen the buckets that aged."""
    additions = observe_batch(new, bucket_ms=rules.bucket_ms)
    moved, changing = _changing(additions, meta, rules)
    sums: dict[Key, list[PolicyBucket]] = {key: [] for key in changing}
    for key in meta.buckets:
        target = moved.get(key, key)
        if target in changing:
            before = held.get((TIMELINE, key_text(key)))
            sums[target].append(_stored(before, PolicyBucket()))
        if target != key:
            effects.puts[TIMELINE, key_text(key)] = None
    for key, bucket in additions.items():
        sums[moved.get(key, key)].append(bucket)
    for key, parts in sums.items():
        effects.puts[TIMELINE, key_text(key)] = codec.pack(merge(parts))
    return sorted({moved.get(key, key) for key in meta.buckets} | changing)


def _changing(
    additions: Iterable[Key], meta: TitlesMeta, rules: BanditRules
) -> tuple[dict[Key, Key], set[Key]]:
    """Return which buckets move where, and those that change: added to, or moved into."""
    added = list(additions)
    moved = moves([*meta.buckets, *added], bucket_ms=rules.bucket_ms)
    return moved, set(moved.values()) | {moved.get(key, key) for key in added}


def _stored(data: bytes | None, empty: T) -> T:
    return empty if data is None else codec.unpack(data, type(empty))
