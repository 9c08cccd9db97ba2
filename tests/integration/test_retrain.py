"""Retraining: one at a time, whatever is killed when; the gate decides; serving is untouched."""

import os
import random
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from keyart.models.ope.gate.rules import REFUSED
from keyart.schemas.errors import Contended, Fenced, NotFound
from keyart.schemas.registry import ModelVersion
from keyart.services.jobs.deploy import register_files
from keyart.services.jobs.retrain import run
from keyart.services.jobs.retrain.stages import STAGES
from keyart.services.jobs.rollout import rollout_in
from keyart.services.jobs.world import DRIFT
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.settings import Settings
from keyart.streams.valkey.connect import connect
from keyart.streams.valkey.keys import Keys
from keyart.streams.valkey.lease import Lease
from tests.integration.dying import Dies, dying_at
from tests.integration.prior_site import titles
from tests.integration.test_priors import learn, reward
from tests.opened import Opened


def opened(folder: Path) -> Opened:
    return Opened(Settings(data_dir=str(folder), retrain_least_rewards=500, retrain_rewards=4000))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let a site learn and stop it; return its folder, of which each test has a copy."""
    folder = tmp_path_factory.mktemp("lived") / "keyart"
    made = opened(folder)
    made.server.start()
    made.catalogue.put(titles(), now_ms=now_ms())
    rng = random.Random(5)
    learn(made, [reward(at, rng) for at in range(5000)])
    made.close()
    made.server.stop()
    return folder


@pytest.fixture
def parts(lived: Path, data_dir: Path) -> Iterator[Opened]:
    shutil.copytree(lived, data_dir, ignore=lambda _, names: [n for n in names if ".sock" in n])
    made = opened(data_dir)
    made.server.start()
    yield made
    made.close()
    made.server.stop()


def test_a_retraining_makes_a_candidate_and_promotes_only_if_told_to(parts: Opened) -> None:
    done = parts.retraining.run(reason="test")
    assert done.outcome == "proposed", done.says
    assert parts.opinions.current == "neutral"
    registry = parts.registry
    assert registry.aliases().named() == {"candidate": done.version}
    (move,) = registry.moves()
    assert (move.act, move.by, move.why) == ("propose", "retrain", "test")
    assert move.fence >= 1
    again = parts.retraining.run(reason="now", then="promote")
    assert (again.outcome, again.version) == ("promoted", done.version)
    assert parts.opinions.current == done.version
    assert registry.aliases().named() == {"champion": done.version, "previous": "neutral"}
    assert parts.retraining.run(reason="again", then="promote").outcome == "same"


def test_what_passes_the_gate_is_let_out_if_told_to(parts: Opened) -> None:
    done = parts.retraining.run(reason="test", then="canary")
    assert done.outcome == "canary", done.says
    out = rollout_in(parts.register)
    assert out is not None
    assert (out.version, out.against, out.share) == (done.version, "neutral", 0.01)
    assert parts.registry.aliases().named() == {"candidate": done.version}
    assert parts.opinions.current == "neutral"
    assert any(parts.opinions.titles(done.version)), "it has said what it thinks"
    found = parts.canaries.look()
    assert found is not None and found.says == "no new reward of it"


def test_a_version_that_is_out_sees_titles_that_come_meanwhile(parts: Opened) -> None:
    done = parts.retraining.run(reason="test", then="canary")
    assert done.outcome == "canary", done.says
    fresh = structs.replace(titles()[0], id="fresh", name="fresh")
    parts.catalogue.put([fresh], now_ms=now_ms())
    assert "fresh" not in {each.title for each in parts.opinions.titles(done.version)}
    assert parts.canaries.look() is not None
    assert "fresh" in {each.title for each in parts.opinions.titles(done.version)}
    assert parts.opinions.current == "neutral"


def test_the_gate_says_why_rule_by_rule_and_refuses_what_is_upside_down(parts: Opened) -> None:
    good = parts.fitting.fit(encoders="space").version
    found = parts.gate.judge(good)
    assert found.passed, found.says
    assert [each.rule for each in found.verdicts] == [
        "files",
        "parity",
        "format",
        "latency",
        "calibration",
        "harm",
    ]
    bad = upside_down(parts, good)
    refused = parts.gate.judge(bad)
    assert not refused.passed
    assert [each.rule for each in refused.verdicts if each.outcome == REFUSED][0] == "calibration"
    assert "upside down" in refused.says
    assert parts.opinions.current == "neutral", "judging deploys nothing"


def upside_down(parts: Opened, name: str) -> str:
    """Keep a version that says the opposite of another one, and return its name."""
    import numpy as np
    import onnx
    from onnx import numpy_helper

    from keyart.models.priors.onnx_file import save_ridge
    from keyart.models.priors.ridge import RidgePrior

    graph = onnx.load(parts.prior_folder(name) / "ridge.onnx").graph
    weights = np.asarray(numpy_helper.to_array(graph.initializer[0]), np.float64)
    space = parts.registry.version(name).space
    folder = parts.prior_folder("turned")
    save_ridge(RidgePrior(weights=-weights, strength=500.0, space=space), folder)
    facts = ModelVersion(name="turned", kind="ridge", made_at_ms=now_ms(), space=space)
    return register_files(parts.registry, folder, facts).name


def test_a_version_that_is_damaged_is_refused_at_its_files(parts: Opened) -> None:
    version = parts.fitting.fit(encoders="space").version
    mark = parts.registry.version(version).files["ridge.onnx"]
    (parts.data_dir / "models" / "blobs" / mark.sha256).write_bytes(b"half")
    found = parts.gate.judge(version)
    assert not found.passed and found.verdicts[0].rule == "files"
    with pytest.raises(NotFound):
        parts.gate.judge("nobody")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("written", [False, True], ids=["before", "after"])
def test_a_job_that_dies_at_a_stage_is_taken_up_and_ends_once(
    parts: Opened, stage: str, written: bool
) -> None:
    """Right before, and right after, the stage is noted as done."""
    with dying_at(stage, noted=written), pytest.raises(Dies):
        parts.retraining.run(reason="first", then="promote")
    done = parts.retraining.run(reason="second", then="promote")
    jobs = parts.retraining.jobs.all()
    ended = stage == STAGES[-1] and written
    begun = not (stage == STAGES[0] and not written)
    assert len(jobs) == (2 if ended else 1)
    assert jobs[0].job is not None and jobs[0].job.reason == ("first" if begun else "second")
    assert done.outcome == ("same" if ended else "promoted")
    assert parts.opinions.current == done.version
    acts = [move.act for move in parts.registry.moves()]
    assert acts == ["propose", "promote"], "each act once, however often the job died"


def test_of_two_retrainers_at_once_one_is_told(
    parts: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = run._Stages._fit
    told: list[str] = []

    def slow(self: run._Stages) -> object:
        with pytest.raises(Contended):
            Opened(parts.settings).retraining.run(reason="beside, same folder")
        with (
            pytest.raises(Contended) as other,
            Lease(parts.client, parts.keys, "retrain", "another machine"),
        ):
            pass
        told.append(str(other.value))
        return fit(self)

    monkeypatch.setattr(run._Stages, "_fit", slow)
    assert parts.retraining.run(reason="first").outcome == "proposed"
    assert "one at a time" in told[0]
    assert len(parts.retraining.jobs.all()) == 1


def test_one_that_was_stopped_too_long_moves_nothing(
    parts: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease ran out while it was judging; another machine promoted meanwhile."""
    first = parts.fitting.fit(encoders="space").version
    decide = run._Stages._decide

    def late(self: run._Stages, *given: object) -> object:
        parts.client.delete(parts.keys.shared("{lease}retrain"))
        with Lease(parts.client, parts.keys, "retrain", "another machine") as other:
            parts.deployment.promote("neutral", by="other", why="", fence=other.token)
            return decide(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(run._Stages, "_decide", late)
    parts.deployment.promote(first, by="me", why="")
    rng = random.Random(9)
    learn(parts, [reward(at, rng) for at in range(5000, 6000)])
    with pytest.raises(Fenced):
        parts.retraining.run(reason="late", then="promote")
    assert parts.opinions.current == "neutral"
    with pytest.raises(Fenced):
        parts.registry.promote(first, by="late", why="", fence=1)


def test_one_that_takes_too_long_ends_itself_and_the_next_goes_on(
    parts: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging = run._Stages._judge

    def slow(self: run._Stages, *_: object) -> object:
        signal.pause()  # until the alarm
        raise AssertionError

    monkeypatch.setattr(run._Stages, "_judge", slow)
    with pytest.raises(run.OutOfTime):
        parts.retraining.run(reason="slow", most_s=3.0)
    monkeypatch.setattr(run._Stages, "_judge", judging)
    assert parts.retraining.run(reason="next").outcome == "proposed"
    assert len(parts.retraining.jobs.all()) == 1


def test_it_is_due_on_enough_rewards_and_not_before(parts: Opened) -> None:
    asked = parts.due.asks(now_ms())
    assert asked is not None and asked.reason == "5,000 new rewards"
    parts.retraining.run(reason=asked.reason)
    assert parts.due.asks(now_ms()) is None
    by_clock = Opened(structs_replaced(parts.settings, retrain_hours=1.0, retrain_rewards=0))
    assert by_clock.due.asks(now_ms() + 7_200_000) is None, "there is nothing new to learn from"
    rng = random.Random(7)
    learn(parts, [reward(at, rng) for at in range(5000, 5600)])
    assert by_clock.due.asks(now_ms()) is None
    asked = by_clock.due.asks(now_ms() + 7_200_000)
    assert asked is not None and asked.reason == "every 1 hours"


def test_a_world_that_turned_is_seen_and_learned_from_the_turn_on(parts: Opened) -> None:
    """What did better does worse from now on; the prior of before is upside down."""
    settings = structs_replaced(parts.settings, retrain_rewards=0, retrain_drift=True)
    watched = Opened(settings)
    first = parts.fitting.fit(encoders="space").version
    parts.deployment.promote(first, by="me", why="")
    assert watched.due.asks(now_ms()) is None
    rng, turned_ms = random.Random(11), now_ms()
    turned = [reward(at, rng) for at in range(5000, 10_000)]
    learn(
        parts,
        [
            structs.replace(
                each, value=float(rng.random() < (0.04 if each.artwork == "a" else 0.16))
            )
            for each in turned
        ],
    )
    asked = watched.due.asks(now_ms())
    assert asked is not None and asked.reason == "drift: how takes follow the prior changed"
    late = sum(each.shown_at_ms >= asked.since_ms for each in turned)
    assert late >= 4000, "most of what was shown since the turn is learned from"
    assert asked.since_ms >= turned_ms - 1000
    done = parts.retraining.run(reason=asked.reason, since_ms=asked.since_ms, then="promote")
    assert done.outcome == "promoted", done.says
    said = {each.title: each for each in parts.opinions.titles(done.version)}
    better = [dict(zip(each.artworks, each.relative, strict=True)) for each in said.values()]
    assert sum(each["b"] > each["a"] for each in better) > 0.9 * len(better)
    version = parts.registry.version(done.version)
    assert version.from_ms >= asked.since_ms == version.since_ms
    assert parts.opinions.card(done.version).since_ms == asked.since_ms
    # what comes later, by the clock or by hand, does not go back to the world of before
    again = parts.retraining.run(reason="every 24 hours")
    job = parts.retraining.jobs.last()
    assert job is not None and job.job is not None and job.job.since_ms == asked.since_ms
    assert again.outcome == "same", again.says
    judged = parts.retraining.gate.judge(done.version)
    assert 0 < judged.rows <= late


@pytest.mark.parametrize("how", ["refused", "rolled back"])
def test_a_change_that_was_answered_in_vain_is_not_forgotten(parts: Opened, how: str) -> None:
    """What was retrained for it is refused, or goes back: the world has not gone back with it."""
    learned = parts.retraining.run(reason="first", then="promote").version
    rng = random.Random(13)
    learn(parts, [reward(at, rng) for at in range(5000, 8000)])
    changed_ms = parts.registry.version(learned).to_ms + 1
    job: dict[str, Any] = {"reason": f"{DRIFT} how takes follow the prior changed"}
    if how == "refused":
        gate = replace(parts.gate, artwork_s={"ridge": 1e-12})
        strict = replace(parts.retraining, gate=gate)
        done = strict.run(**job, since_ms=changed_ms, then="promote")
        assert done.outcome == "refused", done.says
    else:
        done = parts.retraining.run(**job, since_ms=changed_ms, then="promote")
        assert done.outcome == "promoted", done.says
        parts.deployment.rollback(by="watch", why="it takes less")
    assert parts.opinions.current == learned
    assert parts.registry.version(learned).since_ms == 0
    # a refresh, and then the clock: neither knows of the drift but by the registry
    for given in ({"reason": "refresh", "refresh": True}, {"reason": "every 24 hours"}):
        parts.retraining.run(**given)
        last = parts.retraining.jobs.last()
        assert last is not None and last.job is not None and last.job.since_ms == changed_ms
    assert 0 < parts.gate.judge(learned).rows <= 3000
    # who lets one serve that learned from all since, has decided otherwise
    every = parts.fitting.fit(encoders="space").version
    parts.deployment.promote(every, by="me", why="it was no change")
    assert parts.deployment.world_ms == 0


def structs_replaced(settings: Settings, **more: object) -> Settings:
    return replace(settings, **more)  # type: ignore[arg-type]


def test_a_lease_is_one_at_a_time_and_its_tokens_grow(valkey_url: str) -> None:
    client, keys = connect(valkey_url), Keys(f"{os.urandom(4).hex()}.")
    with Lease(client, keys, "x", "one") as first:
        first.check()
        with pytest.raises(Contended, match="one is at it"), Lease(client, keys, "x", "two"):
            pass
        with Lease(client, keys, "x", "one") as second:
            assert second.token == first.token + 1
            with pytest.raises(Fenced):
                first.check()
            second.check()
    with Lease(client, keys, "x", "two") as third:
        assert third.token == second.token + 1
