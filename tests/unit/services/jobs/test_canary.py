"""Versions let out on a site in memory: what is noted, moved, mended, and what the log decides."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keyart.models.dataset.influence import Bounds
from keyart.models.decide.experiment import viewer_share
from keyart.models.ope.canary import HOUR_MS, Act, CanaryRules, salt_of
from keyart.models.statistics.times import bucket_of
from keyart.schemas import codec
from keyart.schemas.decisions import Versions
from keyart.schemas.errors import Contended, InvalidRecord
from keyart.schemas.priors import Opinion
from keyart.schemas.registry import ModelVersion
from keyart.schemas.rewards import Reward
from keyart.schemas.rollout import CANARY, WATCH
from keyart.services.jobs.canary import Canaries
from keyart.services.jobs.deploy import Deployment
from keyart.services.jobs.priors.serving import Scoring
from keyart.services.jobs.rollout import other_of, rollout_in, timed_as, times_of
from keyart.streams.archive import files
from keyart.streams.memory.site import MemoryOpinions, MemoryRegister
from keyart.streams.ports import LogRecord
from keyart.streams.registry.objects import MemoryObjects
from keyart.streams.registry.registry import Registry
from keyart.streams.site import Note

T0 = 1_700_000_000_000
RULES = CanaryRules(shares=(0.2, 0.5), step_ms=HOUR_MS, least=100)


class Killed(Exception):
    """The process is gone."""


class Dying(Deployment):
    """Moves what serves; may die after an alias was moved, before anybody is told."""

    dies = False

    def _serve(self) -> None:
        if type(self).dies:
            raise Killed
        super()._serve()


NO_TITLES: Any = None
"""Opinions of tables are in the store: none is asked about a title."""


class World:
    """A site, a clock, and viewers who like one version more than another."""

    def __init__(self, folder: Path, effect: dict[str, float]) -> None:
        self.now, self.effect, self.folder = T0, effect, folder
        self.registry = Registry(MemoryObjects(), lambda: self.now)
        self.register, self.opinions = MemoryRegister(), MemoryOpinions()
        for name in ("v1", "v2", "v3"):
            said = Opinion(
                title="t", artworks=("a", "b"), relative=(0.1, -0.1), strength=5.0, prior=name
            )
            self.opinions.put([said])
            self.registry.add(ModelVersion(name=name, kind="table", made_at_ms=self.now), {})
        self.registry.promote("v1", by="test", why="first")
        self.opinions.make_current("v1")
        self.rng = np.random.default_rng(0)
        self.offset = 0
        self.seconds: dict[str, float] = {}
        self.canaries = Canaries(
            deployment=Dying(
                registry=self.registry,
                scoring=Scoring(folder=folder, titles=NO_TITLES, opinions=self.opinions),
                clock=lambda: self.now,
            ),
            register=self.register,
            archive=folder,
            rules=RULES,
            bounds=Bounds(),
            clock=lambda: self.now,
        )

    def serves(self, viewer: str) -> str:
        """What the api does: by the note alone, and by what serves."""
        out, current = rollout_in(self.register), self.opinions.current
        if out is None or not other_of(out, current):
            return current
        tried = viewer_share(viewer, salt_of(out.version)) < out.share
        return out.version if tried else out.against

    def pass_hours(self, hours: float, rewards: int = 4000) -> None:
        """Let viewers come, and their rewards be archived."""
        start, self.now = self.now, self.now + round(hours * HOUR_MS)
        records = []
        for at in range(rewards):
            number = int(self.rng.integers(2000))
            viewer = f"{number:032x}"
            prior = self.serves(viewer)
            shown = start + (self.now - start) * at // max(rewards, 1)
            held = number % 100 == 0
            take = 0.2 * (0.01 if held else self.effect[prior])
            self.offset += 1
            reward = Reward(
                id=f"{self.offset:024x}",
                viewer=viewer,
                title="t",
                artwork="a",
                surface="home",
                value=float(self.rng.random() < take),
                shown_at_ms=shown,
                closed_at_ms=shown,
                candidates=("a", "b"),
                propensities=(0.5, 0.5),
                explored=False,
                policy="holdback" if held else "optimistic",
                versions=Versions(policy="p", prior=prior, posterior="1", space="s"),
            )
            records.append(
                LogRecord("rewards", 0, f"{self.offset}-0", "t", codec.encode(reward), shown)
            )
        out = rollout_in(self.register)
        if out is not None:  # many pages for one reward
            made = {timed_as(each, bucket_of(s)): 40_000 for each, s in self.seconds.items()}
            self.register.add_counts(times_of(out), made)
        if records:
            files.write(self.folder, records)

    def until(self, act: Act, hours: float = 1.1, most: int = 12) -> str:
        for _ in range(most):
            self.pass_hours(hours)
            found = self.canaries.look()
            assert found is not None
            if found.act is act:
                return found.says
        raise AssertionError(f"never {act}: {rollout_in(self.register)}")


def test_a_better_version_comes_to_serve_all_and_the_watch_ends(tmp_path: Path) -> None:
    world = World(tmp_path, {"v1": 1.0, "v2": 1.6})
    out = world.canaries.begin("v2", by="test", why="new")
    assert (out.version, out.against, out.share) == ("v2", "v1", 0.2)
    assert world.registry.aliases().candidate == "v2"
    world.until(Act.ALL)
    assert world.registry.aliases().named() == {"champion": "v2", "previous": "v1"}
    watch = rollout_in(world.register)
    assert watch is not None and (watch.phase, watch.share) == (WATCH, 0.9)
    assert {world.serves(f"{at:032x}") for at in range(300)} == {"v1", "v2"}
    world.until(Act.DONE, hours=30)
    assert rollout_in(world.register) is None and world.opinions.current == "v2"


def test_a_worse_version_goes_back_and_is_candidate_no_more(tmp_path: Path) -> None:
    world = World(tmp_path, {"v1": 1.0, "v2": 0.3})
    world.canaries.begin("v2", by="test", why="new")
    says = world.until(Act.BACK)
    assert "taken less often" in says
    assert world.registry.aliases().named() == {"champion": "v1"}
    move = world.registry.last()
    assert move is not None and (move.act, move.by) == ("withdraw", "canary")
    assert rollout_in(world.register) is None and world.opinions.current == "v1"


def test_a_version_that_is_taken_more_often_and_decides_slowly_goes_back(tmp_path: Path) -> None:
    world = World(tmp_path, {"v1": 1.0, "v2": 1.6})
    world.seconds = {"v1": 0.002, "v2": 0.04}
    world.canaries.begin("v2", by="test", why="new")
    says = world.until(Act.BACK)
    assert "it decides more than 5 ms slower" in says
    ended = rollout_in(world.register, Note.ROLLED)
    assert ended is not None
    assert ended.looks[-1].took_ms == pytest.approx(40, rel=0.1)
    assert ended.looks[-1].others_took_ms == pytest.approx(2, rel=0.1)


def test_what_turns_bad_after_it_serves_is_rolled_back(tmp_path: Path) -> None:
    world = World(tmp_path, {"v1": 1.0, "v2": 1.6})
    world.canaries.begin("v2", by="test", why="new")
    world.until(Act.ALL)
    world.effect["v2"] = 0.2
    world.until(Act.BACK)
    assert world.opinions.current == "v1" and world.registry.aliases().champion == "v1"
    assert world.canaries.look() is None


def test_silence_brings_it_back(tmp_path: Path) -> None:
    world = World(tmp_path, {"v1": 1.0, "v2": 1.0})
    world.canaries.begin("v2", by="test", why="new")
    world.pass_hours(6.1, rewards=0)
    found = world.canaries.look()
    assert found is not None and found.act is Act.BACK
    assert world.registry.aliases().candidate == ""


def test_one_at_a_time_and_again_is_no_error(tmp_path: Path) -> None:
    world = World(tmp_path, {"v1": 1.0, "v2": 1.0, "v3": 1.0})
    out = world.canaries.begin("v2", by="test", why="new")
    assert world.canaries.begin("v2", by="test", why="again") == out
    with pytest.raises(Contended, match="v2 is out"):
        world.canaries.begin("v3", by="test", why="too")
    with pytest.raises(InvalidRecord, match="serves already"):
        world.registry.withdraw("v2", by="a person", why="no")
        world.canaries.begin("v1", by="test", why="too")


def test_who_moves_aliases_by_hand_ends_it(tmp_path: Path) -> None:
    world = World(tmp_path, {"v1": 1.0, "v2": 1.0, "v3": 1.0})
    world.canaries.begin("v2", by="test", why="new")
    world.registry.promote("v3", by="a person", why="now")
    assert world.canaries.look() is None
    assert world.register.read(Note.ROLLOUT) is None


def test_a_death_between_the_move_and_its_note_is_mended_by_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, {"v1": 1.0, "v2": 1.6})
    world.canaries.begin("v2", by="test", why="new")
    monkeypatch.setattr(Dying, "dies", True)
    with pytest.raises(Killed):
        world.until(Act.ALL)
    held = rollout_in(world.register)
    assert held is not None and held.phase == CANARY
    monkeypatch.setattr(Dying, "dies", False)
    world.opinions.make_current("v2")  # what following the registry does
    world.canaries.look()
    watch = rollout_in(world.register)
    assert watch is not None and watch.phase == WATCH
    assert world.registry.aliases().champion == "v2"
