import hashlib
import random
from math import exp, factorial, log

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from keyart.models.statistics.timeline import (
    EXPLORE,
    KEPT,
    MAX_PARTS,
    OTHER_SURFACE,
    REPLICATES,
    Key,
    key_text,
    merge,
    moves,
    observe_batch,
    placed,
    read_key,
    read_part,
    viewer_weights,
)
from keyart.schemas import codec
from keyart.schemas.decisions import Versions
from keyart.schemas.posterior import PolicyBucket
from keyart.schemas.rewards import Reward

VERSIONS = Versions(policy="p", prior="n", posterior="0", space="s")
BUCKET_MS = 60_000
START_MS = 1_700_000_040_000


def viewer(number: int) -> str:
    return hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest()


def some_rewards(count: int, seed: int) -> list[Reward]:
    draw = random.Random(seed)
    rewards = []
    for at in range(count):
        k = draw.randint(1, 6)
        weights = [draw.random() + 1e-3 for _ in range(k)]
        propensities = tuple(weight / sum(weights) for weight in weights)
        names = tuple(f"a{place}" for place in range(k))
        shown = START_MS + draw.randrange(5 * BUCKET_MS)
        rewards.append(
            Reward(
                id=f"d{at}",
                viewer=viewer(draw.randrange(20)),
                title="t",
                artwork=draw.choice(names),
                surface=draw.choice(("home", "search")),
                split=draw.choice(("", "explore=0.1;keyart=1")),
                value=draw.choice((0.0, 0.0, 0.5, 1.0)),
                shown_at_ms=shown,
                closed_at_ms=shown + draw.randrange(90_000),
                candidates=names,
                propensities=propensities,
                explored=draw.random() < 0.3,
                policy=draw.choice(("keyart", "uniform")),
                versions=VERSIONS,
            )
        )
    return rewards


def by_hand(rewards: list[Reward]) -> dict[Key, dict[str, float]]:
    """The definition, reward by reward, in plain Python."""
    found: dict[Key, dict[str, float]] = {}
    for reward in rewards:
        start = reward.shown_at_ms // BUCKET_MS * BUCKET_MS
        home = found.setdefault((start, reward.policy), {})
        own = found.setdefault((start, EXPLORE), {}) if reward.explored else home

        def add(into: dict[str, float], name: str, amount: float) -> None:
            into[name] = into.get(name, 0.0) + amount

        add(own, "count", 1)
        add(own, "value", reward.value)
        add(own, "lag_ms", reward.closed_at_ms - reward.shown_at_ms)
        part = f"part {reward.split}|{reward.surface}"
        add(own, f"{part} count", 1)
        add(own, f"{part} value", reward.value)
        add(home, "explored", reward.explored)
        add(home, f"chosen {reward.candidates.index(reward.artwork)}", 1)
        for place, p in enumerate(reward.propensities):
            add(home, f"predicted {place}", p)
            add(home, f"variance {place}", p * (1 - p))
            add(home, "entropy", -p * log(p))
        weights = viewer_weights([reward.viewer])[0].tolist()
        for replicate, weight in enumerate(weights):
            add(own, f"counts {replicate}", weight)
            add(own, f"values {replicate}", weight * reward.value)
            add(own, f"{part} counts {replicate}", weight)
            add(own, f"{part} values {replicate}", weight * reward.value)
    return found


def flat(bucket: PolicyBucket) -> dict[str, float]:
    plain = {
        name: getattr(bucket, name) for name in ("count", "value", "explored", "entropy", "lag_ms")
    }
    for name in ("counts", "values", "chosen", "predicted", "variance"):
        plain |= {f"{name} {at}": each for at, each in enumerate(getattr(bucket, name))}
    for name, part in bucket.parts.items():
        plain |= {f"part {name} count": part.count, f"part {name} value": part.value}
        for its in ("counts", "values"):
            plain |= {f"part {name} {its} {at}": x for at, x in enumerate(getattr(part, its))}
    return plain


def same(found: dict[str, float], expected: dict[str, float]) -> None:
    for name in found.keys() | expected.keys():
        assert found.get(name, 0.0) == pytest.approx(expected.get(name, 0.0), abs=1e-9), name


@pytest.mark.parametrize("seed", range(5))
def test_a_batch_is_what_adding_by_hand_gives(seed: int) -> None:
    rewards = some_rewards(200, seed)
    found, expected = observe_batch(rewards, bucket_ms=BUCKET_MS), by_hand(rewards)
    assert found.keys() == expected.keys()
    for key, bucket in found.items():
        same(flat(bucket), expected[key])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(0, 60), max_size=4))
def test_batches_add_in_any_cut_and_order(seed: int, cuts: list[int]) -> None:
    rewards = some_rewards(60, seed)
    whole = observe_batch(rewards, bucket_ms=BUCKET_MS)
    edges = [0, *sorted(cuts), 60]
    parts = [rewards[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    random.Random(seed).shuffle(parts)
    sums: dict[Key, list[PolicyBucket]] = {}
    for part in parts:
        for key, bucket in observe_batch(part, bucket_ms=BUCKET_MS).items():
            sums.setdefault(key, []).append(bucket)
    assert sums.keys() == whole.keys()
    for key, buckets in sums.items():
        same(flat(merge(buckets)), flat(whole[key]))


def test_no_rewards_are_no_buckets_and_no_buckets_are_the_empty_one() -> None:
    assert observe_batch([], bucket_ms=BUCKET_MS) == {}
    assert merge([]) == PolicyBucket()


def test_weights_are_poisson_one_and_independent() -> None:
    weights = viewer_weights([viewer(number) for number in range(40_000)])
    assert weights.shape == (40_000, REPLICATES)
    shares = np.bincount(weights.ravel(), minlength=8) / weights.size
    for k in range(6):
        assert shares[k] == pytest.approx(exp(-1) / factorial(k), abs=2e-3)
    between = np.corrcoef(weights.T) - np.eye(REPLICATES)
    assert np.abs(between).max() < 0.03


def test_a_viewers_weights_never_change() -> None:
    # These numbers are in every stored timeline: other ones would make old and new buckets differ.
    fixed = viewer_weights(["00" * 16, "0123456789abcdef" + "00" * 8])[:, :8]
    assert (
        fixed.tolist() == viewer_weights(["00" * 16, "0123456789abcdef" + "00" * 8])[:, :8].tolist()
    )
    seed, mask = int.from_bytes(bytes.fromhex("0123456789abcdef"), "little"), (1 << 64) - 1
    z = (seed + 0x9E3779B97F4A7C15) & mask
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
    z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
    z ^= z >> 31
    below = [sum(exp(-1) / factorial(j) for j in range(k + 1)) for k in range(9)]
    for place in range(4):
        draw = ((z >> 16 * place & 0xFFFF) + 0.5) / 65536
        assert fixed[1, place] == sum(draw > each for each in below)


def test_keys_read_back() -> None:
    for key in ((0, "keyart"), (START_MS, "a:b")):
        assert read_key(key_text(key)) == key


def test_the_newest_buckets_stay_as_they_are() -> None:
    newest = START_MS
    for back in range(KEPT):
        start = newest - back * BUCKET_MS
        assert placed(start, newest_ms=newest, bucket_ms=BUCKET_MS) == start


@settings(max_examples=40, deadline=None)
@given(
    times=st.lists(st.integers(0, 5_000), min_size=1, max_size=60),
    looks=st.lists(st.booleans(), min_size=60, max_size=60),
)
def test_where_a_bucket_ends_does_not_depend_on_when_it_was_moved(
    times: list[int], looks: list[bool]
) -> None:
    """Moved after every arrival, now and then, or only at the end: the same buckets."""
    held: dict[Key, int] = {}

    def move() -> None:
        for source, target in moves(held, bucket_ms=BUCKET_MS).items():
            held[target] = held.get(target, 0) + held.pop(source)

    for time, look in zip(times, looks, strict=False):
        key = (START_MS + time * BUCKET_MS, "keyart")
        held[key] = held.get(key, 0) + 1
        if look:
            move()
    move()
    newest = START_MS + max(times) * BUCKET_MS
    expected: dict[Key, int] = {}
    for time in times:
        start = START_MS + time * BUCKET_MS
        key = (placed(start, newest_ms=newest, bucket_ms=BUCKET_MS), "keyart")
        expected[key] = expected.get(key, 0) + 1
    assert held == expected


def test_a_year_of_minutes_is_some_hundred_buckets() -> None:
    year = 365 * 24 * 60
    newest = START_MS + year * BUCKET_MS
    starts = {
        placed(START_MS + minute * BUCKET_MS, newest_ms=newest, bucket_ms=BUCKET_MS)
        for minute in range(0, year, 7)
    }
    week = {
        placed(newest - minute * BUCKET_MS, newest_ms=newest, bucket_ms=BUCKET_MS)
        for minute in range(7 * 24 * 60)
    }
    assert len(starts) < 650
    assert len(week) < 450


def test_a_bucket_stored_before_there_were_parts_is_read_and_added_to() -> None:
    old = msgspec.msgpack.encode(
        [3, 1.0, 0, 0.0, 9, [1] * 32, [0.5] * 32, [2, 1], [2.0, 1.0], [0.1]]
    )
    read = codec.unpack(old, PolicyBucket)
    assert (read.count, read.parts) == (3, {})
    (new,) = observe_batch(some_rewards(1, 2), bucket_ms=BUCKET_MS).values()
    both = merge([read, new])
    assert both.count == 3 + new.count
    assert both.parts == new.parts
    assert codec.unpack(codec.pack(both), PolicyBucket) == both


def test_surfaces_without_end_are_pooled() -> None:
    rewards = [
        structs.replace(each, surface=f"s{at % 300}", explored=False, policy="keyart")
        for at, each in enumerate(some_rewards(3000, 4))
    ]
    found: dict[Key, PolicyBucket] = {}
    for at in range(0, 3000, 100):
        for key, bucket in observe_batch(rewards[at : at + 100], bucket_ms=10**9).items():
            found[key] = merge([found[key], bucket]) if key in found else bucket
    (whole,) = found.values()
    assert whole.count == sum(part.count for part in whole.parts.values()) == 3000
    assert len(whole.parts) <= 2 * MAX_PARTS
    assert any(read_part(name)[1] == OTHER_SURFACE for name in whole.parts)
    assert len(codec.pack(whole)) < 20_000
