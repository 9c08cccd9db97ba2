"""Lanes on the memory's store, and records for them: what the lanes' tests share."""

from zlib import crc32

from keyart.models.sums.rewards import RewardRules
from keyart.models.taste.update import TasteRates
from keyart.schemas import codec
from keyart.schemas.decisions import Decision, DecisionPage, Terms, Versions
from keyart.schemas.events import Click, Impression, Play
from keyart.schemas.ids import decision_id
from keyart.schemas.rewards import Reward
from keyart.schemas.topics import DEAD_LETTERS, DECISIONS, EVENTS, REWARDS
from keyart.streams.catalogue.view import CatalogueView
from keyart.streams.lanes.titles import TitlesLane
from keyart.streams.lanes.viewers import ViewersLane
from keyart.streams.letters import DeadLetter, read_letter
from keyart.streams.memory.store import MemoryLog
from keyart.streams.ports import LogRecord, StateStore
from keyart.streams.steps.bandit import BanditRules
from keyart.streams.steps.join import JoinRules

T0 = 1_700_000_000_000
WINDOW_MS = 1000
VERSIONS = Versions(policy="p", prior="n", posterior="1", space="s")
RULES = JoinRules(rewards=RewardRules(window_ms=WINDOW_MS, minutes=2), lateness_ms=0)


def viewer(number: int) -> str:
    """Return a pseudonym."""
    return f"{number:032x}"


def decision_of(who: int, name: str) -> str:
    """Return the id of a named decision, on the title of that name."""
    return decision_id(viewer(who), f"t-{name}", crc32(name.encode()))


def viewers_lane(store: StateStore, catalogue: CatalogueView) -> ViewersLane:
    """Return an open lane of viewers."""
    lane = ViewersLane(store, 0, catalogue=catalogue, rules=RULES, rates=TasteRates())
    lane.open()
    return lane


def titles_lane(store: StateStore) -> TitlesLane:
    """Return an open lane of titles."""
    lane = TitlesLane(store, 0, rules=BanditRules())
    lane.open()
    return lane


def page(who: int, *decisions: str, artwork: str = "a") -> DecisionPage:
    """Return a page of decisions, each of a title of its own."""
    return DecisionPage(
        viewer=viewer(who),
        surface="home",
        decided_at_ms=T0,
        policy="keyart",
        versions=VERSIONS,
        decisions=tuple(
            Decision(
                id=decision_of(who, name),
                title=f"t-{name}",
                artwork=artwork,
                candidates=("a", "b"),
                propensities=(0.5, 0.5),
                explored=False,
                terms=Terms(level=0.1),
                features=(0.5, -0.5),
                expected=0.1,
            )
            for name in decisions
        ),
    )


def impression(who: int, name: str, at_ms: int = 0) -> Impression:
    """Return the impression of a decision."""
    return Impression(
        id=f"i-{name}",
        viewer=viewer(who),
        title=f"t-{name}",
        decision=decision_of(who, name),
        occurred_at_ms=T0 + at_ms,
    )


def play(who: int, name: str, minutes: float = 9.0) -> Play:
    """Return a play after a decision."""
    return Play(
        id=f"p-{name}",
        viewer=viewer(who),
        title=f"t-{name}",
        decision=decision_of(who, name),
        minutes=minutes,
        occurred_at_ms=T0 + 1,
    )


def click(who: int, title: str) -> Click:
    """Return a click."""
    return Click(id=f"c-{title}", viewer=viewer(who), title=title, occurred_at_ms=T0)


def reward(sequence: int, *, title: str = "t", artwork: str = "a", **more: object) -> Reward:
    """Return a reward."""
    made: dict[str, object] = {
        "id": f"r{sequence}",
        "viewer": viewer(sequence),
        "title": title,
        "artwork": artwork,
        "surface": "home",
        "value": 1.0,
        "shown_at_ms": T0,
        "closed_at_ms": T0,
        "candidates": ("a", "b"),
        "propensities": (0.5, 0.5),
        "explored": False,
        "policy": "keyart",
        "versions": VERSIONS,
        "features": (0.5, -0.5),
        "expected": 0.1,
        "sequence": sequence,
    }
    return Reward(**(made | more))  # type: ignore[arg-type]


class Feed:
    """Numbers records as a log does."""

    def __init__(self) -> None:
        self._next = 0

    def raw(self, topic: str, value: bytes, at_ms: int = T0) -> LogRecord:
        """Return the next record of a topic."""
        self._next += 1
        return LogRecord(topic, 0, f"{self._next:012d}", "k", value, at_ms)

    def __call__(self, *given: object) -> list[LogRecord]:
        """Return pages, events and rewards as records; bytes are events."""
        made = []
        for each in given:
            if isinstance(each, bytes):
                made.append(self.raw(EVENTS, each))
                continue
            topic = EVENTS
            if isinstance(each, DecisionPage | Reward):
                topic = DECISIONS if isinstance(each, DecisionPage) else REWARDS
            made.append(self.raw(topic, codec.encode(each)))
        return made


def outputs(log: MemoryLog, topic: str) -> list[LogRecord]:
    """Return all records of a topic."""
    return list(log.read(topic, 0, after=None, count=10**6))


def letters(log: MemoryLog) -> list[DeadLetter]:
    """Return all dead letters."""
    return [read_letter(record, record.offset) for record in outputs(log, DEAD_LETTERS)]


def rewarded(log: MemoryLog) -> dict[str, float]:
    """Return the value of every reward, by the name of its decision."""
    found = [codec.rewards.decode(record.value) for record in outputs(log, REWARDS)]
    assert len({each.id for each in found}) == len(found), "a decision was rewarded twice"
    return {each.title.removeprefix("t-"): each.value for each in found}
