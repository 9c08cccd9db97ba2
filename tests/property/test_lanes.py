"""Whatever comes in whatever order, and whatever happens to what is stored: no lane ever stops.

A state machine feeds lanes on a store in memory: events, pages and rewards, valid and wild,
bytes that are neither, stored values of every family damaged or swapped, and restarts. What must
hold after each step: every record given is behind the committed offset, and at the end a healthy
viewer's decision becomes a reward and is learned.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from keyart.models.embed import Concepts, load_space
from keyart.models.taste.update import TasteRates
from keyart.schemas import codec
from keyart.schemas.decisions import Decision, DecisionPage, Terms
from keyart.schemas.events import (
    Click,
    Correction,
    Erasure,
    Event,
    Finish,
    Hide,
    Impression,
    Like,
    Play,
)
from keyart.schemas.ids import ViewerKey, decision_id
from keyart.schemas.rewards import Reward
from keyart.schemas.topics import DECISIONS, EVENTS, REWARDS
from keyart.streams.catalogue.view import CatalogueView
from keyart.streams.lanes.titles import TitlesLane
from keyart.streams.lanes.viewers import ViewersLane
from keyart.streams.memory.store import MemoryLog, MemoryStore
from keyart.streams.ports import TITLES, VIEWERS, Commit, Lane, LogRecord
from keyart.streams.steps.bandit import BanditRules
from tests.unit.streams.lane_world import RULES, T0, VERSIONS, letters, viewer

SPACE = load_space("static")
CONCEPTS = Concepts(SPACE)
LANES = (Lane(VIEWERS, 0), Lane(TITLES, 0))
NEVER_MS = T0 + 10**8
FAMILIES = {
    VIEWERS: ("taste", "join", "visits", "windows", "assigned", "pages", "erased", "meta"),
    TITLES: ("title", "timeline", "meta"),
}

whos = st.integers(0, 2).map(viewer)
texts = st.one_of(
    st.sampled_from(["t0", "t1", "a", "b", "home"]),
    whos.map(lambda who: f"v:{who}"),
    st.integers(0, 2).map(lambda at: decision_id(viewer(at), "t0", at)),
    st.text(min_size=1, max_size=20),
)
times = st.integers(-(10**7), 10**6).map(lambda at: T0 + at)
about_titles = {
    "id": texts,
    "viewer": whos,
    "occurred_at_ms": times,
    "title": texts,
    "artwork": st.none() | texts,
    "decision": st.none() | texts,
    "surface": texts,
}
events = st.one_of(
    *(st.builds(kind, **about_titles) for kind in (Impression, Click, Finish, Like, Hide)),
    st.builds(Play, minutes=st.floats(0, 1440), **about_titles),
    st.builds(
        Correction,
        id=texts,
        viewer=whos,
        occurred_at_ms=times,
        concepts=st.dictionaries(texts, st.floats(-1, 1), max_size=3),
        reset=st.booleans(),
    ),
    st.builds(Erasure, id=texts, viewer=whos, occurred_at_ms=times),
)
chances = st.floats(0, 1)
decisions = st.builds(
    Decision,
    id=texts,
    title=texts,
    artwork=texts,
    candidates=st.lists(texts, min_size=1, max_size=4).map(tuple),
    propensities=st.lists(chances, min_size=1, max_size=4).map(tuple),
    explored=st.booleans(),
    terms=st.just(Terms(level=0.1)),
    features=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3).map(tuple),
    personal=st.floats(allow_nan=False, allow_infinity=False),
    multiplier=st.floats(0.001, 100),
    expected=chances,
)
pages = st.builds(
    DecisionPage,
    viewer=whos,
    surface=texts,
    decided_at_ms=times,
    policy=texts,
    versions=st.just(VERSIONS),
    decisions=st.lists(decisions, max_size=3).map(tuple),
)
rewards = st.builds(
    Reward,
    id=texts,
    viewer=whos,
    title=texts,
    artwork=texts,
    surface=texts,
    value=chances,
    shown_at_ms=times,
    closed_at_ms=times,
    candidates=st.lists(texts, min_size=1, max_size=4).map(tuple),
    propensities=st.lists(chances, min_size=1, max_size=4).map(tuple),
    explored=st.booleans(),
    policy=texts,
    versions=st.just(VERSIONS),
    features=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3).map(tuple),
    multiplier=st.floats(0.001, 100),
    expected=chances,
    source=st.integers(0, 2),
    sequence=st.integers(0, 10**6),
)
damage = st.one_of(st.binary(max_size=40), st.just(codec.pack({})), st.just(codec.pack(7)))


class NoLaneStops(RuleBasedStateMachine):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.log = MemoryLog()
        self.store = MemoryStore(self.log)
        self.given: dict[str, str] = {}
        self.next = 0
        self.now_ms = T0
        self.open()

    @rule()
    def open(self) -> None:
        """Start anew."""
        self.viewers = ViewersLane(
            self.store,
            0,
            catalogue=CatalogueView(SPACE, CONCEPTS),
            rules=RULES,
            rates=TasteRates(),
        )
        self.titles = TitlesLane(self.store, 0, rules=BanditRules())
        self.viewers.open()
        self.titles.open()

    def record(self, topic: str, value: bytes) -> LogRecord:
        self.next += 1
        offset = f"{self.next:012d}"
        self.given[topic] = offset
        return LogRecord(topic, 0, offset, "k", value, max(T0, self.now_ms))

    def feed(self, given: list[Event | DecisionPage]) -> None:
        topics = [DECISIONS if isinstance(each, DecisionPage) else EVENTS for each in given]
        batch = [
            self.record(topic, codec.encode(each))
            for topic, each in sorted(zip(topics, given, strict=True), key=lambda pair: pair[0])
        ]
        self.viewers.process(batch, now_ms=self.now_ms)

    @rule(given=st.lists(events | pages, max_size=8))
    def happen(self, given: list[Event | DecisionPage]) -> None:
        """Take in events and pages of one batch."""
        self.feed(given)

    @rule(values=st.lists(st.binary(max_size=30), min_size=1, max_size=4))
    def babble(self, values: list[bytes]) -> None:
        """Take in what is no record."""
        self.viewers.process([self.record(EVENTS, value) for value in values], now_ms=self.now_ms)

    @rule(given=st.lists(rewards, min_size=1, max_size=6))
    def reward(self, given: list[Reward]) -> None:
        """Learn from rewards, as any producer may write them."""
        self.titles.process([self.record(REWARDS, codec.encode(each)) for each in given], now_ms=0)

    @rule(ahead_ms=st.integers(0, 10**7))
    def wait(self, ahead_ms: int) -> None:
        """Let time pass; windows close."""
        self.now_ms += ahead_ms
        self.viewers.process([], now_ms=self.now_ms)

    @precondition(lambda self: self.next > 0)
    @rule(lane=st.sampled_from(LANES), value=damage, data=st.data())
    def damage(self, lane: Lane, value: bytes, data: st.DataObject) -> None:
        """Damage one stored value of any family."""
        held = [
            (family, key)
            for family in FAMILIES[lane.kind]
            for key, _ in self.store.scan(lane, family)
        ]
        if not held:
            return
        where = data.draw(st.sampled_from(held))
        epoch, number = self.store.acquire(lane)
        self.store.commit(Commit(lane=lane, epoch=epoch, number=number + 1, puts={where: value}))
        self.open()

    @invariant()
    def all_that_was_given_is_behind(self) -> None:
        """Nothing holds a lane up."""
        reached = {**self.store.offsets(LANES[0]), **self.store.offsets(LANES[1])}
        assert reached == self.given

    def teardown(self) -> None:
        """A healthy viewer is served all the same."""
        before, now_ms = set(self.learned()), max(T0, self.now_ms) + 1
        self.now_ms = now_ms
        who = ViewerKey(f"{9:032x}")
        name = decision_id(who, "t9", now_ms)
        page = DecisionPage(
            viewer=who,
            surface="home",
            decided_at_ms=now_ms,
            policy="keyart",
            versions=VERSIONS,
            decisions=(
                Decision(
                    id=name,
                    title="t9",
                    artwork="a",
                    candidates=("a", "b"),
                    propensities=(0.5, 0.5),
                    explored=False,
                    terms=Terms(level=0.1),
                ),
            ),
        )
        seen = Impression(
            id="i", viewer=who, title="t9", decision=name, occurred_at_ms=now_ms, surface="home"
        )
        self.feed([page])
        self.feed([seen])
        self.viewers.process([], now_ms=now_ms + NEVER_MS)
        assert set(self.learned()) - before >= {name}
        assert all(letter.reason for letter in letters(self.log))

    def learned(self) -> list[str]:
        found = self.log.read(REWARDS, 0, after=None, count=10**6)
        return [codec.rewards.decode(each.value).id for each in found]


NoLaneStops.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestNoLaneStops = NoLaneStops.TestCase
