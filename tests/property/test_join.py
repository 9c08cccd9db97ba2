"""The join against an oracle: a few lines that read all records at once, in no order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.models.rewards import RewardRules
from keyart.schemas import codec
from keyart.schemas.decisions import Decision, DecisionPage, Terms, Versions
from keyart.schemas.events import Event, Impression, Play
from keyart.streams.steps.due import DueIndex
from keyart.streams.steps.join import JoinBatch, JoinRules, wanted

WINDOW, T0 = 1000, 1_700_000_000_000
RULES = JoinRules(rewards=RewardRules(window_ms=WINDOW, minutes=2), lateness_ms=10**6)
VIEWERS = tuple(f"{at:032x}" for at in range(3))


def page(viewer: int, decision: int) -> DecisionPage:
    made = Decision(
        id=f"{viewer}-{decision}",
        title=f"t{decision}",
        artwork="a",
        candidates=("a",),
        propensities=(1.0,),
        explored=False,
        terms=Terms(level=0.1),
    )
    return DecisionPage(
        viewer=VIEWERS[viewer],
        surface="home",
        decided_at_ms=T0,
        policy="p",
        versions=Versions(policy="p", prior="p", posterior="p", space="p"),
        decisions=(made,),
    )


def event(kind: int, viewer: int, decision: int, at: int, name: int) -> Event:
    about = {
        "viewer": VIEWERS[viewer],
        "title": f"t{decision}",
        "decision": f"{viewer}-{decision}",
        "occurred_at_ms": T0 + at,
    }
    if kind == 0:
        return Impression(id=f"i{name}", **about)  # type: ignore[arg-type]
    return Play(id=f"p{name}", minutes=float(kind), **about)  # type: ignore[arg-type]


records = st.lists(
    st.one_of(
        st.builds(page, st.integers(0, 2), st.integers(0, 3)),
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


def joined(given_records: list[DecisionPage | Event], cuts: list[int]) -> dict[str, float]:
    state: dict[tuple[str, str], bytes | None] = {}
    due, sequence, rewards = DueIndex(), 0, {}
    edges = [0, *sorted(cut % (len(given_records) + 1) for cut in cuts), len(given_records)]
    batches = [given_records[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    for batch_records, now_ms in [*((each, 0) for each in batches), ([], T0 + 10**9)]:
        pages = [each for each in batch_records if isinstance(each, DecisionPage)]
        events = [each for each in batch_records if not isinstance(each, DecisionPage)]
        closing = due.until(now_ms, 1000)
        held = {key: state.get(key) for key in wanted(pages, events, closing, RULES)}
        batch = JoinBatch(held, RULES, source=0, sequence=sequence)
        for each in batch_records:
            if isinstance(each, DecisionPage):
                batch.decide(each)
            else:
                batch.observe(each)
        batch.close(closing)
        effects = batch.finish()
        state.update(effects.puts)
        due.add(batch.due)
        assert batch.sequence == sequence + len(effects.outputs)
        sequence = batch.sequence
        for output in effects.outputs:
            reward = codec.rewards.decode(output.value)
            assert reward.id not in rewards
            rewards[reward.id] = reward.value
    return rewards


def oracle(given_records: list[DecisionPage | Event]) -> dict[str, float]:
    decided = {each.decisions[0].id for each in given_records if isinstance(each, DecisionPage)}
    found = {}
    for decision in decided:
        its = [e for e in given_records if getattr(e, "decision", None) == decision]
        shown = [e.occurred_at_ms for e in its if isinstance(e, Impression)]
        if not shown:
            continue
        plays = {e.id: e for e in reversed(its) if isinstance(e, Play)}
        minutes = sum(
            e.minutes for e in plays.values() if 0 <= e.occurred_at_ms - shown[0] <= WINDOW
        )
        found[decision] = float(minutes >= 2)
    return found


@settings(max_examples=150, deadline=None)
@given(given_records=records, cuts=st.lists(st.integers(0, 100), max_size=6))
def test_the_join_is_what_the_oracle_says(
    given_records: list[DecisionPage | Event], cuts: list[int]
) -> None:
    assert joined(given_records, cuts) == oracle(given_records)
