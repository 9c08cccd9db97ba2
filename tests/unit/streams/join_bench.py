"""The join driven by hand, its state as bytes, as a store would keep it."""

from collections import Counter
from typing import Any
from zlib import crc32

from keyart.models.sums.rewards import RewardRules
from keyart.schemas import codec
from keyart.schemas.decisions import Decision, DecisionPage, Terms, Versions
from keyart.schemas.events import Adoption, Correction, Erasure, Event, Impression, Play, Proposed
from keyart.schemas.ids import ViewerKey, decision_id
from keyart.schemas.rewards import Reward
from keyart.streams.steps.due import DueIndex
from keyart.streams.steps.join import JoinBatch, JoinRules, Logged, is_foreign, wanted

VIEWER = ViewerKey("0" * 31 + "1")
T0 = 1_700_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
RULES = JoinRules(rewards=RewardRules(window_ms=30 * MINUTE, minutes=2.0), lateness_ms=2 * MINUTE)


def named(name: str, viewer: str = VIEWER, title: str = "t") -> str:
    """Return the id of a decision that a test calls by a name."""
    return decision_id(viewer, title, crc32(name.encode()))


class Bench:
    """Drives the join by hand. `received` is when the log has a record; else at its own time."""

    def __init__(self, rules: JoinRules = RULES) -> None:
        self.rules = rules
        self.state: dict[tuple[str, str], bytes | None] = {}
        self.due = DueIndex()
        self.sequence = 0
        self.rewards: list[Reward] = []
        self.counts: Counter[str] = Counter()

    def give(
        self, *records: DecisionPage | Event, now_ms: int = 0, received: int | None = None
    ) -> "Bench":
        """Take records in, `received` after T0, then close what is due."""
        pages = [record for record in records if isinstance(record, DecisionPage)]
        events = [
            record
            for record in records
            if not isinstance(record, DecisionPage | Adoption | Correction | Proposed)
            and not is_foreign(record)
        ]
        due = self.due.until(now_ms, 100)
        came: dict[str, list[Logged | Erasure]] = {}
        for each in events:
            at_ms = each.occurred_at_ms if received is None else T0 + received
            logged = each if isinstance(each, Erasure) else Logged(at_ms, each)
            came.setdefault(each.viewer, []).append(logged)
        held = {key: self.state.get(key) for key in wanted(pages, came, due)}
        batch = JoinBatch(held, self.rules, source=3, sequence=self.sequence)
        for page in pages:
            batch.decide(page, page.decided_at_ms if received is None else T0 + received)
        held |= {key: self.state.get(key) for key in batch.wanted_then(came, due)}
        batch.observe(came)
        batch.close(due)
        effects = batch.finish()
        self.state.update(effects.puts)
        self.due.add(batch.due)
        self.sequence = batch.sequence
        self.rewards += [codec.rewards.decode(output.value) for output in effects.outputs]
        self.counts.update({name: count for name, count in effects.counts.items() if count})
        return self

    def until(self, at: int) -> "Bench":
        """Let time pass to `at` after T0."""
        for _ in range(5):
            self.give(now_ms=T0 + at)
        return self

    def end(self) -> "Bench":
        """Let all time pass."""
        return self.until(10**9)

    @property
    def values(self) -> list[float]:
        """The value of each reward."""
        return [reward.value for reward in self.rewards]

    @property
    def left(self) -> list[tuple[str, str]]:
        """What is still kept, but for the traces of erased viewers."""
        return [key for key, value in self.state.items() if value is not None and key[0] != "meta"]


def page(
    at: int = 0,
    artwork: str = "a",
    *,
    title: str = "t",
    name: str = "d",
    viewer: str = VIEWER,
    more: int = 0,
) -> DecisionPage:
    """Return a page with one decision, `at` ms after T0; and `more` decisions of other titles."""
    decisions = tuple(
        Decision(
            id=named(f"{name}{number or ''}", viewer, f"{title}{number or ''}"),
            title=f"{title}{number or ''}",
            artwork=artwork,
            candidates=("a", "b"),
            propensities=(0.25, 0.75),
            explored=False,
            terms=Terms(level=0.02),
            features=(0.1234, -0.5),
        )
        for number in range(1 + more)
    )
    return DecisionPage(
        viewer=viewer,
        surface="home",
        decided_at_ms=T0 + at,
        policy="keyart",
        versions=Versions(policy="p", prior="n", posterior="1", space="s"),
        decisions=decisions,
    )


def about(at: int, name: str | None = "d", **more: Any) -> dict[str, Any]:
    """Return what every event about decision `name` says; None cites no decision."""
    found: dict[str, Any] = {"viewer": VIEWER, "title": "t", "occurred_at_ms": T0 + at, **more}
    if name is not None and "decision" not in found:
        found["decision"] = named(name, found["viewer"], found["title"])
    return found


def seen(at: int = 1, name: str | None = "d", id: str = "i", **more: Any) -> Impression:
    """Return an impression."""
    return Impression(id=id, **about(at, name, **more))


def played(
    at: int = 2, name: str | None = "d", id: str = "p", minutes: float = 5.0, **more: Any
) -> Play:
    """Return a play."""
    return Play(id=id, minutes=minutes, **about(at, name, **more))
