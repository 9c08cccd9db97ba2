"""A retraining is a process beside: one at a time, never waited for, its failure told once."""

from dataclasses import dataclass, field

import pytest

from keyart.schemas.errors import KeyartError
from keyart.services.processes.family import LastWords
from keyart.services.processes.retrainer import LOOK_S, RETRAIN, NowAndThen, wants_retraining
from keyart.services.wiring.settings import Settings


@dataclass
class Child:
    """A process that ends when it is told to."""

    code: int | None = None
    says: str = ""
    ended: list[str] = field(default_factory=list)

    @property
    def process(self) -> "Child":
        return self

    def poll(self) -> int | None:
        return self.code

    def terminate(self) -> None:
        self.ended.append("terminated")

    def last_words(self) -> LastWords:
        return LastWords(self.says, False)

    def close(self) -> None:
        self.ended.append("closed")


@dataclass
class Site:
    """Time, and the children that were started."""

    settings: Settings
    now: float = 0.0
    children: list[Child] = field(default_factory=list)

    def retrainer(self) -> NowAndThen:
        def start() -> Child:
            self.children.append(Child())
            return self.children[-1]

        return NowAndThen(
            RETRAIN,
            wanted=wants_retraining(self.settings),
            start=start,  # type: ignore[arg-type]
            clock=lambda: self.now,
        )


def test_by_default_nothing_is_retrained() -> None:
    site = Site(Settings())
    retrainer = site.retrainer()
    for site.now in (0.0, 100.0, 1e6):
        retrainer.look()
    assert site.children == []


@pytest.mark.parametrize(
    "settings",
    [
        Settings(retrain_hours=24.0),
        Settings(retrain_rewards=1),
        Settings(retrain_drift=True),
        Settings(retrain_refresh_hours=72.0),
    ],
)
def test_one_at_a_time_and_not_at_every_round(settings: Settings) -> None:
    site = Site(settings)
    retrainer = site.retrainer()
    for _ in range(3):
        retrainer.look()
        site.now += 10 * LOOK_S
    assert len(site.children) == 1, "the first has not ended"
    site.children[0].code = 0
    retrainer.look()
    assert len(site.children) == 2
    site.children[1].code = 0
    site.now += LOOK_S / 2
    retrainer.look()
    assert len(site.children) == 2, "it is not time yet"


def test_a_failure_is_told_once_and_the_next_one_comes() -> None:
    site = Site(Settings(retrain_drift=True))
    retrainer = site.retrainer()
    retrainer.look()
    site.children[0].code, site.children[0].says = 1, "the disk is full"
    site.now += LOOK_S
    with pytest.raises(KeyartError, match="the disk is full"):
        retrainer.look()
    retrainer.look()
    assert len(site.children) == 2
    retrainer.stop()
    assert site.children[1].ended == ["terminated", "closed"]
