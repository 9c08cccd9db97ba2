"""The join against an oracle: a few lines that read all records at once, in no order.

And its invariants under anything: wrong clocks, late receipts, duplicates, erasures, foreign ids.
"""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.models.sums.rewards import RewardRules
from keyart.schemas.decisions import DecisionPage
from keyart.schemas.events import Click, Erasure, Event, Hide, Impression, Play
from keyart.streams.steps.join import JoinRules
from keyart.streams.steps.reasons import REASONS, TAUGHT, WAITED
from tests.unit.streams.join_bench import T0, Bench, named, page

WINDOW = 1000
RULES = JoinRules(rewards=RewardRules(window_ms=WINDOW, minutes=2), lateness_ms=10**6)
QUICK = JoinRules(rewards=RewardRules(window_ms=WINDOW, minutes=2), lateness_ms=200, dwell_ms=5000)
VIEWERS = tuple(f"{at:032x}" for at in range(3))
Record = DecisionPage | Event


def decided(viewer: int, decision: int, at: int = 0) -> DecisionPage:
    return page(at, "a", title=f"t{decision}", name=f"{viewer}-{decision}", viewer=VIEWERS[viewer])


def event(kind: int, viewer: int, decision: int, at: int, name: int) -> Event:
    about = {
        "viewer": VIEWERS[viewer],
        "title": f"t{decision}",
        "decision": named(f"{viewer}-{decision}", VIEWERS[viewer], f"t{decision}"),
        "occurred_at_ms": T0 + at,
    }
    if kind == 0:
        return Impression(id=f"i{name}", **about)  # type: ignore[arg-type]
    return Play(id=f"p{name}", minutes=float(kind), **about)  # type: ignore[arg-type]


right = st.lists(
    st.one_of(
        st.builds(decided, st.integers(0, 2), st.integers(0, 3)),
        st.builds(
            event,
            st.integers(0, 2),
            st.integers(0, 2),
            st.integers(0, 3),
            st.integers(0, 2 * WINDOW),
            st.integers(0, 6),
        ),
    ),
    max_size=40,
)


def oracle(records: Sequence[Record]) -> dict[str, float]:
    """Return what right clocks and prompt receipts say, in any order of reading."""
    found = {}
    for name in {each.decisions[0].id for each in records if isinstance(each, DecisionPage)}:
        its = [e for e in records if getattr(e, "decision", None) == name]
        shown = [e.occurred_at_ms for e in its if isinstance(e, Impression)]
        if not shown:
            continue
        plays = {e.id: e for e in reversed(its) if isinstance(e, Play)}
        sent = [(e.minutes, e.occurred_at_ms - shown[0]) for e in plays.values()]
        found[name] = float(sum(m for m, apart in sent if apart <= WINDOW) >= 2)
    return found


@settings(max_examples=150, deadline=None)
@given(records=right, cuts=st.lists(st.integers(0, 100), max_size=6))
def test_the_join_is_what_the_oracle_says(records: list[Record], cuts: list[int]) -> None:
    bench = Bench(RULES)
    edges = [0, *sorted(cut % (len(records) + 1) for cut in cuts), len(records)]
    for first, last in zip(edges, edges[1:], strict=False):
        bench.give(*records[first:last])
    bench.end()
    taught = {reward.id: reward.value for reward in bench.rewards}
    assert len(taught) == len(bench.rewards)
    assert taught == oracle(records)
    assert bench.left == []


clocks = st.sampled_from([0, -1, 1, -20_000, 20_000, -3_600_000, 10**8, -(10**8)])
ids = st.one_of(
    st.none(),
    st.builds(
        lambda viewer, decision: named(f"{viewer}-{decision}", VIEWERS[viewer], f"t{decision}"),
        st.integers(0, 2),
        st.integers(0, 3),
    ),
    st.text(max_size=30).filter(bool),
    st.builds(lambda viewer: f"v:{VIEWERS[viewer]}", st.integers(0, 2)),
    st.sampled_from(["0" * 16, "0" * 24, "0" * 32]),
)


@st.composite
def anything(draw: st.DrawFn) -> Record:
    viewer, about = draw(st.integers(0, 2)), draw(st.integers(0, 3))
    if draw(st.integers(0, 3)) == 0:
        return decided(viewer, about, draw(st.integers(0, 6000)))
    base = {
        "id": f"e{draw(st.integers(0, 8))}",
        "viewer": VIEWERS[viewer],
        "occurred_at_ms": T0 + draw(st.integers(0, 8000)) + draw(clocks),
    }
    kind = draw(st.sampled_from([Impression, Impression, Play, Play, Click, Hide, Erasure]))
    if kind is Erasure:
        return Erasure(**base)  # type: ignore[arg-type]
    base |= {"title": f"t{about}", "decision": draw(ids)}
    base |= {"artwork": draw(st.sampled_from([None, "a", "b"]))}
    if kind is Play:
        base["minutes"] = float(draw(st.integers(0, 5)))
    made: Record = kind(**base)
    return made


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(st.tuples(anything(), st.integers(0, 1500)), max_size=40))
def test_whatever_comes_the_join_keeps_its_word(steps: list[tuple[Record, int]]) -> None:
    bench, now = Bench(QUICK), 0
    shown: dict[tuple[str, str], int] = {}
    plays: list[tuple[str, str, int, float, str | None]] = []
    for record, pause in steps:
        now += pause
        bench.give(record, now_ms=T0 + now, received=now)
        if isinstance(record, Impression | Play) and record.decision:
            key = (record.viewer, record.decision)
            if isinstance(record, Impression):
                shown.setdefault(key, now)
            else:
                plays.append((*key, now, record.minutes, record.artwork))
    bench.end()
    made = {
        each.id: page.viewer
        for page, _ in steps
        if isinstance(page, DecisionPage)
        for each in page.decisions
    }
    taught = {reward.id: reward for reward in bench.rewards}
    assert len(taught) == len(bench.rewards), "a decision taught twice"
    assert taught.keys() <= made.keys()
    assert all(made[name] == reward.viewer for name, reward in taught.items())
    for each in bench.rewards:
        assert T0 <= each.shown_at_ms <= T0 + now, "an impression in the future or before time"
    for viewer, name, at, minutes, artwork in plays:
        reward = taught.get(name)
        if reward is None or reward.viewer != viewer or artwork == "b" or minutes < 2:
            continue
        # received within the window of an impression that was received: never taught as not taken
        first = shown.get((viewer, name))
        if first is not None and first <= at <= first + WINDOW and at <= reward.closed_at_ms - T0:
            mine = [p for p in plays if p[:2] == (viewer, name)]
            if len({p[2] for p in mine}) == len(mine):
                assert reward.value == 1.0 or bench.counts["repeat_plays"], "a false zero"
    assert bench.left == []
    unexplained = set(bench.counts) - REASONS.keys() - set(WAITED) - {TAUGHT}
    assert not unexplained
