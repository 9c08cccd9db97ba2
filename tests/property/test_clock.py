"""A clock that was days ahead for a while: what comes after counts in full, and a replay agrees."""

from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.models.sums.clock import MOST_AHEAD_MS, steady
from keyart.schemas import codec
from keyart.schemas.posterior import SharedSums, TitlesMeta, TitleSums
from keyart.schemas.rewards import Reward
from keyart.streams.families import SHARED, TITLE
from keyart.streams.ports import LogRecord
from keyart.streams.steps.bandit import BanditRules, bandit_step, wanted
from keyart.streams.valkey.log import _record, entry
from tests.property.test_sums import DAY, HALF_LIFE, T0, VERSIONS

RULES = BanditRules(half_life_ms=HALF_LIFE, bucket_ms=DAY)
AHEAD = 400 * DAY


def rewarded(at: int, shown_at_ms: int) -> Reward:
    return Reward(
        id=f"r{at}",
        viewer=f"{at:032x}",
        title="t",
        artwork="ab"[at % 2],
        surface="home",
        value=float(at % 3 == 0),
        shown_at_ms=shown_at_ms,
        closed_at_ms=shown_at_ms + 1000,
        candidates=("a", "b"),
        propensities=(0.5, 0.5),
        explored=False,
        policy="optimistic",
        versions=VERSIONS,
        features=(0.5,),
        multiplier=1.0,
        expected=0.1,
        sequence=at + 1,
    )


def learned(times: list[int], cuts: list[int]) -> tuple[TitleSums, SharedSums, int]:
    """Learn one reward at each of these times, in batches of these sizes."""
    state: dict[tuple[str, str], bytes | None] = {}
    meta, at, returns = TitlesMeta(), 0, 0
    for turn in range(len(times)):
        size = cuts[turn % len(cuts)]
        batch = [rewarded(k, times[k]) for k in range(at, min(at + size, len(times)))]
        if not batch:
            break
        at += size
        held = {key: state.get(key) for key in wanted(batch, meta, RULES)}
        logged = [each.closed_at_ms for each in batch]
        effects, meta = bandit_step(held, batch, meta, RULES, logged_at_ms=logged)
        returns += effects.counts.get("clock_returns", 0)
        state.update(effects.puts)
    title, shared = state[TITLE, "t"], state[SHARED]
    assert title is not None and shared is not None
    return codec.unpack(title, TitleSums), codec.unpack(shared, SharedSums), returns


def weight(sums: TitleSums) -> float:
    return sum(cells["home"].expected for cells in sums.artworks.values())


def test_after_the_clock_is_back_rewards_count_in_full() -> None:
    minute = 60_000
    before = [T0 + k * minute for k in range(40)]
    ahead = [T0 + AHEAD + k * minute for k in range(5)]
    after = [T0 + (60 + k) * minute for k in range(30)]
    wrong, _, none = learned(before + ahead, [7])
    right, _, returns = learned(before + ahead + after, [7])
    assert none == 0 and returns == 1
    assert weight(right) - weight(wrong) > 0.99 * len(after)
    assert right.as_of_ms == after[-1]


@settings(max_examples=60, deadline=None)
@given(
    jumps=st.lists(st.tuples(st.integers(-500, 500), st.integers(1, 8)), min_size=1, max_size=8),
    cuts=st.lists(st.integers(1, 9), min_size=1, max_size=4),
)
def test_any_clock_and_any_cut_into_batches_learn_the_same(
    jumps: list[tuple[int, int]], cuts: list[int]
) -> None:
    times = [T0 + days * DAY + 1000 * step for days, count in jumps for step in range(count)]
    whole, shared, returns = learned(times, [len(times)])
    parts, shared_parts, returns_parts = learned(times, cuts)
    assert returns == returns_parts and whole.as_of_ms == parts.as_of_ms
    assert abs(weight(whole) - weight(parts)) <= 1e-9 * max(1.0, weight(whole))
    for one, two in zip(shared.gram, shared_parts.gram, strict=True):
        assert abs(one - two) <= 1e-9 * max(1.0, abs(one))
    assert whole.as_of_ms <= times[-1] + 1000 + MOST_AHEAD_MS


def test_a_log_that_never_goes_back_is_one_part() -> None:
    its = [rewarded(k, T0 + k * 30 * DAY) for k in range(9)]
    assert list(steady(0, its, lambda each: each.closed_at_ms)) == [(0, its)]


def test_an_entry_says_itself_when_it_was_taken_in() -> None:
    fields = {b"k": b"k", b"v": b"v", b"t": str(entry("k", b"v")["t"]).encode()}
    far = f"{T0 + 10**12}-5".encode()
    taken = _record("events", 0, far, fields)
    assert isinstance(taken, LogRecord)
    assert str(taken.logged_at_ms).encode() == fields[b"t"] and taken.offset == far.decode()
    old = _record("events", 0, far, {b"k": b"k", b"v": b"v"})
    assert old.logged_at_ms == T0 + 10**12
