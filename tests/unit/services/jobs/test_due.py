"""When a retraining is due: what was refused for want of data is tried again when there is more."""

from pathlib import Path

import pytest

from keyart.models.dataset.influence import Bounds
from keyart.models.embed import load_space
from keyart.schemas import codec
from keyart.schemas.decisions import Versions
from keyart.schemas.rewards import Reward
from keyart.services.jobs.retrain.due import Due
from keyart.services.jobs.retrain.stages import DECIDED, FITTED, JOB, Done, Fit, Job, Jobs
from keyart.streams.archive import files
from keyart.streams.catalogue.current import CurrentCatalogue
from keyart.streams.memory.site import MemoryCatalogue, MemoryOpinions
from keyart.streams.ports import LogRecord

T0 = 1_700_000_000_000
LEAST = 300


class Site:
    """A log that grows evenly, and jobs that have ended."""

    def __init__(self, folder: Path) -> None:
        self.archive, self.jobs = folder / "archive", Jobs(folder / "retrain")
        self.count = 0
        self.due = Due(
            jobs=self.jobs,
            archive=self.archive,
            titles=CurrentCatalogue(MemoryCatalogue(), load_space),
            opinions=MemoryOpinions(),
            least_rewards=LEAST,
            rewards=0,
            hours=0.0,
            drift=True,
            refresh_hours=0.0,
            refreshable=lambda: False,
            bounds=Bounds(),
        )

    def show(self, count: int) -> None:
        """Let so many rewards come, one a second, every tenth of them a take."""
        records = []
        for at in range(self.count, self.count + count):
            reward = Reward(
                id=f"{at:024x}",
                viewer=f"{at:032x}",
                title="t",
                artwork="ab"[at % 2],
                surface="home",
                value=float(at % 10 == 0),
                shown_at_ms=T0 + 1000 * at,
                closed_at_ms=T0 + 1000 * at,
                candidates=("a", "b"),
                propensities=(0.5, 0.5),
                explored=True,
                policy="uniform",
                versions=Versions(policy="u", prior="n", posterior="0", space="s"),
            )
            records.append(
                LogRecord("rewards", 0, f"{at:012d}", "t", codec.encode(reward), T0 + 1000 * at)
            )
        self.count += count
        files.write(self.archive, records)

    def ended(self, outcome: str, reason: str) -> None:
        """Note a job that learned from all there is now."""
        folder, now = self.jobs.folder(self.jobs.next_number()), T0 + 1000 * self.count
        job = Job(number=1, reason=reason, since_ms=T0 + 5, champion="v", started_at_ms=now)
        folder.write(JOB, job)
        folder.write(FITTED, Fit(version="v", rows=self.count, to_ms=now))
        folder.write(DECIDED, Done(outcome=outcome, version="v", says="", at_ms=now))


def test_what_was_refused_after_a_drift_is_tried_again_with_more(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.show(LEAST)
    for _ in range(2):
        site.ended("refused", "drift: the take fraction changed")
        site.show(LEAST - 1)
        assert site.due.asks(T0) is None, "there is not enough more"
        site.show(2)
        asked = site.due.asks(T0)
        assert asked is not None and asked.since_ms == T0 + 5, "from the turn on, as before"
        assert asked.reason.startswith("drift: the take fraction changed; once more")
        assert asked.reason.count("once more") == 1


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [("canary", "drift: the take fraction changed"), ("refused", "every 24 hours")],
)
def test_nothing_else_asks_for_it_anew(tmp_path: Path, outcome: str, reason: str) -> None:
    site = Site(tmp_path)
    site.show(LEAST)
    site.ended(outcome, reason)
    site.show(2 * LEAST)
    assert site.due.asks(T0) is None
