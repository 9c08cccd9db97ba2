"""Retraining a dual encoder: from the log through registry and gate to an api that serves it."""

import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs
from safetensors.numpy import load, save
from typer.testing import CliRunner

from keyart.models.ope.gate.rules import PASSED, REFUSED, UNTOLD
from keyart.models.priors.dual.manifest import ARTWORK_GRAPH, VIEWER_GRAPH
from keyart.models.priors.dual.probes import PROBES_FILE
from keyart.schemas import extras
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.errors import InvalidRecord, MissingExtra, ModelRejected, SettingsError
from keyart.schemas.rewards import Reward
from keyart.services.cli.retrain import app
from keyart.services.jobs.deploy import register_files
from keyart.services.jobs.priors.dual_fitting import DualFitting
from keyart.services.jobs.priors.passing import PASSING_DUAL
from keyart.services.jobs.retrain.run import Retraining
from keyart.services.jobs.retrain.stages import FITTED
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.priors import dual_fitting_of
from keyart.services.wiring.settings import Settings
from tests.integration.dying import Dies, dying_at
from tests.integration.prior_site import titles
from tests.integration.test_priors import learn, reward
from tests.opened import Opened

START_MS = 1_700_000_000_000
REWARDS = 1500


def seen(count: int) -> list[Reward]:
    """Return rewards of 400 viewers, one a minute: `a` does four times better than `b`."""
    rng = random.Random(5)
    made = [reward(at, rng) for at in range(count)]
    return [
        structs.replace(
            each,
            viewer=f"{at % 400:032x}",
            title=f"t{rng.randrange(40)}",
            value=float(rng.random() < (0.32 if each.artwork == "a" else 0.08)),
            shown_at_ms=START_MS + 60_000 * at,
            closed_at_ms=START_MS + 60_000 * at + 1000,
        )
        for at, each in enumerate(made)
    ]


def quick(parts: Opened) -> Retraining:
    """Return the site's retraining, with few epochs."""
    made = parts.retraining
    return replace(made, trainers={**made.trainers, "dual": fitting(parts)})


def fitting(parts: Opened) -> DualFitting:
    return replace(dual_fitting_of(parts.settings, parts.deployment), epochs=3)


def opened(folder: Path) -> Opened:
    # bounds on a viewer are tested elsewhere: these are few, and count in full
    return Opened(Settings(data_dir=str(folder), hold_bursts=False))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a site that trained a dual encoder and died before it was judged.

    Each test has a copy: importing torch, and exporting, is most of what they cost.
    """
    folder = tmp_path_factory.mktemp("lived") / "keyart"
    with opened(folder) as made:
        made.catalogue.put(titles(), now_ms=now_ms())
        learn(made, seen(REWARDS))
        with dying_at(FITTED), pytest.raises(Dies):
            quick(made).run(reason="killed", since_ms=START_MS, kind="dual", then="promote")
    return folder


@pytest.fixture
def parts(lived: Path, data_dir: Path) -> Iterator[Opened]:
    shutil.copytree(lived, data_dir, ignore=lambda _, names: [n for n in names if ".sock" in n])
    with opened(data_dir) as made:
        yield made


def test_a_dual_encoder_is_trained_judged_and_serves_whoever_is_killed(parts: Opened) -> None:
    (kept,) = parts.registry.versions()
    job = parts.retraining.jobs.open()
    assert job is not None and job.job is not None
    assert (job.stage, job.job.kind) == ("fitted", "dual")
    # taken up as what it was begun for, not as what this one would begin
    done = quick(parts).run(reason="later", kind="ridge", then="promote")
    assert done.outcome == "promoted", done.says
    (version,) = parts.registry.versions()
    assert version == kept, "trained once"
    assert version.name == done.version
    assert (version.kind, version.parent) == ("dual", "neutral")
    assert set(version.files) == {VIEWER_GRAPH, ARTWORK_GRAPH, PROBES_FILE, "dual.json"}
    assert (
        version.from_ms == version.since_ms == START_MS
        and version.to_ms == START_MS + 60_000 * (REWARDS - 1)
    )
    assert START_MS < version.figures["held out from ms"] < version.to_ms
    assert not (parts.deployment.scoring.folder / PASSING_DUAL).exists(), "no viewer stays behind"
    judgement = parts.retraining.jobs.all()[0].judgement
    assert judgement is not None
    outcomes = {each.rule: each.outcome for each in judgement.verdicts}
    assert list(outcomes) == [
        "files",
        "parity",
        "format",
        "latency",
        "viewers",
        "calibration",
        "harm",
    ]
    assert [outcomes[each] for each in ("files", "parity", "format", "latency")] == [PASSED] * 4
    assert outcomes["calibration"] != REFUSED
    held_out = (version.to_ms - version.figures["held out from ms"]) / 60_000 + 1
    assert judgement.rows == held_out, "judged on what taught it nothing, and on all of that"
    snapshots = Opened(parts.settings).snapshots()
    snapshots.refresh()
    assert snapshots.prior == version.name
    said = list(parts.opinions.titles(version.name))
    assert len(said) == 40
    better = [dict(zip(each.artworks, each.relative, strict=True)) for each in said]
    assert sum(each["a"] > each["b"] for each in better) > 36
    fresh = Title(id="fresh", artworks=(Artwork(id="x", description="a"), Artwork(id="y")))
    parts.catalogue.put([fresh], now_ms=now_ms())
    assert parts.deployment.scoring.score_new() == 1
    assert parts.opinions.card(version.name).since_ms == START_MS
    # what the state store lost comes back from the registry
    parts.deployment.promote("neutral", by="me", why="")
    parts.opinions.drop(version.name)
    assert parts.deployment.promote(version.name, by="me", why="") == 41
    assert parts.opinions.card(version.name).viewer_graph


def test_what_is_not_torchs_is_refused_and_what_was_not_measured_is_said(parts: Opened) -> None:
    (version,) = parts.registry.versions()
    mark = version.files[PROBES_FILE]
    # one of which nobody measured what it says to single viewers: said, and left to the canary
    bare = {key: value for key, value in version.figures.items() if "viewers" not in key}
    folder = parts.deployment.fetched(version)
    register_files(parts.registry, folder, structs.replace(version, name="bare", figures=bare))
    outcomes = {each.rule: each.outcome for each in parts.gate.judge("bare").verdicts}
    assert outcomes["viewers"] == UNTOLD
    found = parts.gate.judge(version.name)
    assert {each.rule: each.outcome for each in found.verdicts}["parity"] == PASSED
    # the same graphs with what another network said: as a version of its own it is whole
    held = load((folder / PROBES_FILE).read_bytes())
    held["scores"] = held["scores"] + 0.5
    (folder / PROBES_FILE).write_bytes(save(held))
    other = register_files(parts.registry, folder, structs.replace(version, name="other"))
    assert other.files[PROBES_FILE] != mark
    refused = parts.gate.judge("other")
    assert not refused.passed
    assert [each.rule for each in refused.verdicts if each.outcome == REFUSED] == ["parity"]
    (folder / ARTWORK_GRAPH).write_bytes(b"another graph")
    register_files(parts.registry, folder, structs.replace(version, name="torn"))
    with pytest.raises(ModelRejected, match="not the file that its manifest describes"):
        parts.deployment.promote("torn", by="me", why="")
    assert parts.opinions.current == "neutral"


def test_what_cannot_be_trained_says_so(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(data_dir) as parts:
        parts.catalogue.put(titles(), now_ms=now_ms())
        learn(parts, [structs.replace(each, value=0.0) for each in seen(60)])
        passing = parts.deployment.scoring.folder / PASSING_DUAL
        passing.mkdir(parents=True)
        (passing / "what a kill left").touch()
        with pytest.raises(InvalidRecord, match="too few takes to train a dual encoder"):
            fitting(parts).fit()
        monkeypatch.setattr(extras, "MODULES", {**extras.MODULES, "llm": ("no_such_torch",)})
        with pytest.raises(MissingExtra, match="llm"):
            fitting(parts).fit()
        assert parts.registry.versions() == []
        assert not passing.exists()


def test_what_is_asked_for_must_fit_together() -> None:
    told = CliRunner().invoke(app, ["retrain", "--refresh", "--kind", "dual"])
    assert isinstance(told.exception, SettingsError)
    assert str(told.exception) == "--refresh trains nothing, so no dual: leave one of the two out"
