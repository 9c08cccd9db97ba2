"""`keyart retrain` killed with SIGKILL at one stage after the other: it ends as if it never was."""

import itertools
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyart.services.jobs.deploy import DUAL, RIDGE
from keyart.services.jobs.priors.passing import PASSING_DUAL
from keyart.services.jobs.retrain.stages import DECIDED, FITTED, STAGES
from keyart.services.wiring.clock import now_ms
from tests.integration.dying import dying_at
from tests.integration.prior_site import titles
from tests.integration.test_priors import learn
from tests.integration.test_retrain_dual import REWARDS, START_MS, opened, quick, seen
from tests.opened import Opened


@pytest.fixture
def parts(data_dir: Path) -> Iterator[Opened]:
    with opened(data_dir) as made:
        made.catalogue.put(titles(), now_ms=now_ms())
        learn(made, seen(REWARDS))
        yield made


def _killed_at(data_dir: str, kind: str, stage: str) -> None:
    """Retrain until a stage has been done and is not yet noted; for a process of its own."""
    site = opened(Path(data_dir))
    with dying_at(stage, noted=False, die=lambda: os.kill(os.getpid(), signal.SIGKILL)):
        quick(site).run(reason=f"before {stage}", since_ms=START_MS, kind=kind, then="promote")


@pytest.mark.parametrize("kind", [RIDGE, DUAL])
def test_killed_at_every_stage_it_ends_as_one_that_was_not(parts: Opened, kind: str) -> None:
    # each is a process of its own, and what all of them import is imported once
    fresh = multiprocessing.get_context("forkserver")
    fresh.set_forkserver_preload([__name__])
    for before, stage in itertools.pairwise(STAGES):
        child = fresh.Process(target=_killed_at, args=(str(parts.data_dir), kind, stage))
        child.start()
        child.join(240)
        assert child.exitcode == -signal.SIGKILL
        job = parts.retraining.jobs.open()
        assert job is not None and job.stage == before
        # what serves is untouched until the last act
        assert (parts.opinions.current == "neutral") == (stage != DECIDED)
    done = quick(parts).run(reason="the last one", kind=kind, then="promote")
    assert (done.outcome, parts.opinions.current) == ("promoted", done.version)
    (version,) = parts.registry.versions()
    assert (version.name, version.kind) == (done.version, kind), "made twice, and the same"
    (folder,) = parts.retraining.jobs.all()
    assert folder.job is not None and folder.job.reason == f"before {FITTED}", "begun once"
    moves = sorted(parts.registry.moves(), key=lambda move: move.number)
    assert [move.act for move in moves] == ["propose", "promote"], "each act once"
    assert moves[0].fence < moves[1].fence, "who takes over has a token of its own"
    assert len(list(parts.opinions.titles(done.version))) == len(titles())
    assert not (parts.deployment.scoring.folder / PASSING_DUAL).exists(), "no viewer stays behind"
