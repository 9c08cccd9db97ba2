"""The loop from beginning to end: drift, retraining, gate, canary; and two models that go wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from keyart.models.embed import load_space
from keyart.models.ope.canary import Act, Followed
from keyart.services.demo.loop.figures import Decided, Loop, Phase
from keyart.services.demo.loop.harm import least_liked, retrained_on, spoiled, upside_down
from keyart.services.demo.loop.life import Life, Tally
from keyart.services.demo.loop.plan import (
    DRIFT,
    FIRST_FIT,
    MOST_DAYS,
    LoopPlan,
    begun,
    first_prior,
)
from keyart.services.demo.loop.site import Site
from keyart.services.demo.loop.twin import Twin, twin_of
from keyart.services.jobs.retrain.run import CANARY

SETTLED: Final = 2
"""Days that the retrained prior serves before the phase after it ends."""
SPOILED_SHARE: Final = 0.5
"""Of rewards in the spoiled log."""
BEFORE, AT_DRIFT, OUT, AFTER = "before", "at the drift", "the canary is out", "after"
Tell = Callable[[str], None]


@dataclass(slots=True)
class _Story:
    life: Life
    twin: Twin
    tell: Tell
    pairs: dict[str, list[tuple[Tally, Tally]]] = field(default_factory=dict)
    gate: list[Decided] = field(default_factory=list)
    drift: str = ""

    def day(self, phase: str = "") -> None:
        """Live a day on both sites."""
        turned = self.life.day >= DRIFT
        self.twin.begin(turned=turned)
        ours = self.life.live(turned=turned)
        theirs = self.twin.end()
        if phase:
            self.pairs.setdefault(phase, []).append((ours, theirs))
        self.tell(
            f"day {self.life.day:2d}: take fraction keyart {_percent(ours.keyart, ours)}, "
            f"never retrained {_percent(theirs.keyart, theirs)}, "
            f"uniform {_percent(ours.uniform, ours)}"
        )

    def rolled(self, phase: str) -> Followed | None:
        """Live days, each with a look at what is let out, until it serves all or is back."""
        while self.life.day < MOST_DAYS:
            self.day(phase)
            found = self.life.site.canaries.look()
            if found is None:
                return None
            self.tell(f"canary: {found.says}")
            if found.act in (Act.ALL, Act.BACK):
                return found
        return None

    def phases(self) -> tuple[Phase, ...]:
        """Return the phases in figures."""
        return tuple(_phase(name, pairs) for name, pairs in self.pairs.items())


def run_loop(
    seed: int, folder: Path, tell: Tell, after: Callable[[Site], None] = lambda site: None
) -> Loop:
    """Live through the loop; the site's files are in `folder / "site"` afterwards.

    `after` is given the site as it ends.
    """
    plan = LoopPlan(seed=seed)
    space = load_space("static")
    with twin_of(plan, folder / "twin") as twin:
        life = begun(plan, folder / "site", space)
        story = _Story(life, twin, tell)
        _learn_once(story)
        _follow_the_drift(story)
        _refuse(story)
        _roll_back(story, folder / "spoiled")
    after(life.site)
    return Loop(story.phases(), tuple(story.gate), story.drift, life.day)


def _learn_once(story: _Story) -> None:
    """Fit a first prior, and see how well it does."""
    while story.life.day < DRIFT:
        story.day(BEFORE if story.life.day >= FIRST_FIT else "")
        if first_prior(story.life):
            name = story.life.site.opinions.current
            story.tell(f"a first prior is fitted on the log and serves: {name}")


def _follow_the_drift(story: _Story) -> None:
    """Live until the drift is seen, retrain, and let the canary decide."""
    life, site = story.life, story.life.site
    story.tell("other facets come into vogue")
    while life.day < MOST_DAYS:
        story.day(AT_DRIFT)
        if (asked := site.due.asks(site.now_ms)) is None:
            continue
        story.drift = f"{asked.reason}, seen {life.day - DRIFT} days after"
        story.tell(f"{asked.reason}: retraining on what was shown since")
        done = site.retraining.run(reason=asked.reason, since_ms=asked.since_ms, then=CANARY)
        story.tell(f"gate: {done.says}")
        if done.outcome != CANARY:
            story.gate.append(
                Decided(version=done.version, decided=done.outcome, by="gate", says=done.says)
            )
            continue
        found = story.rolled(OUT)
        _note(story, done.version, found)
        if found is not None and found.act is Act.ALL:
            break
    for _ in range(SETTLED):
        if life.day < MOST_DAYS:
            story.day(AFTER)


def _refuse(story: _Story) -> None:
    """Bring a model that is upside down, and ask the gate."""
    site = story.life.site
    name = upside_down(site, site.opinions.current)
    site.deployment.registry.propose(name, by="somebody", why="tried by hand")
    found = site.gate.judge(name)
    story.tell(f"gate on a model that is upside down: {found.says}")
    if found.passed:
        site.canaries.begin(name, by="somebody", why=found.says)
        _note(story, name, story.rolled("upside down is out"))
        return
    site.deployment.registry.withdraw(name, by="gate", why=found.says)
    story.gate.append(Decided(version=name, decided="refused", by="gate", says=found.says))


def _roll_back(story: _Story, folder: Path) -> None:
    """Retrain on a log that a broken client has spoiled; the gate, on that log, cannot see it."""
    life, site = story.life, story.life.site
    names = [artwork.id for film in life.world.titles for artwork in film.artworks]
    wrong = least_liked(life.world.vogue[1], life.world.facets, names)
    rng = np.random.default_rng([life.seed, 8])
    records = spoiled(site.rewards[-len(site.rewards) // 3 :], wrong, SPOILED_SHARE, rng)
    done = retrained_on(site, folder, records, reason="a log that a broken client has spoiled")
    story.tell(f"gate on a prior of a spoiled log, on that log: {done.says}")
    if done.outcome != CANARY:
        story.gate.append(
            Decided(version=done.version, decided=done.outcome, by="gate", says=done.says)
        )
        return
    _note(story, done.version, story.rolled("a spoiled prior is out"))


def _note(story: _Story, version: str, found: Followed | None) -> None:
    if found is None:
        decided, says = "undecided", "the days were over"
    elif found.act is Act.ALL:
        decided, says = "serves all", found.says
    else:
        decided, says = "rolled back", found.says
    story.gate.append(Decided(version=version, decided=decided, by="canary", says=says))


def _phase(name: str, pairs: list[tuple[Tally, Tally]]) -> Phase:
    shown = sum(ours.shown for ours, _ in pairs)
    return Phase(
        phase=name,
        keyart=sum(ours.keyart for ours, _ in pairs) / shown,
        never_retrained=sum(theirs.keyart for _, theirs in pairs) / shown,
        uniform=sum(ours.uniform for ours, _ in pairs) / shown,
        impressions=shown,
    )


def _percent(taken: float, tally: Tally) -> str:
    return f"{100 * taken / tally.shown:.1f} %"
