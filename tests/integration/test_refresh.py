"""The cheap step: what serves is measured anew on the log, its weights as they were."""

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from msgspec import structs
from typer.testing import CliRunner

from keyart.models.priors.onnx_file import SavedRidge
from keyart.services.cli.retrain import app
from keyart.services.jobs.priors.taking import take_table
from keyart.services.jobs.retrain.stages import Done
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.priors import refreshing_of
from keyart.services.wiring.settings import Settings
from tests.integration.prior_site import sure, titles, written
from tests.integration.test_priors import learn, reward
from tests.opened import Opened


@pytest.fixture
def parts(data_dir: Path) -> Iterator[Opened]:
    # rewards that differ come one after the other: an hour that ends in between bounds none of them
    with Opened(Settings(data_dir=str(data_dir), training_hour_share=1.0)) as made:
        made.catalogue.put(titles(), now_ms=now_ms())
        yield made


def lived(parts: Opened, first: int, last: int, *, good: float = 0.16, bad: float = 0.04) -> None:
    """Let rewards come in which artwork `a` is taken so often, and `b`."""
    rng = random.Random(first)
    made = [reward(at, rng) for at in range(first, last)]
    rates = {"a": good, "b": bad}
    learn(
        parts,
        [structs.replace(each, value=float(rng.random() < rates[each.artwork])) for each in made],
    )


def served(parts: Opened) -> str:
    """Fit a prior on what was lived and let it serve."""
    version = parts.fitting.fit(encoders="space").version
    parts.deployment.promote(version, by="me", why="")
    return version


def said(parts: Opened, version: str) -> dict[str, np.ndarray]:
    return {each.title: np.array(each.relative) for each in parts.opinions.titles(version)}


def refreshed(parts: Opened, version: str) -> str:
    """Measure a version anew and let it serve, whatever a gate would say of so small a log."""
    name = refreshing_of(parts.settings, parts.deployment).refresh(version, by="me")
    parts.deployment.promote(name, by="me", why="")
    return name


def test_the_weights_stay_and_what_they_are_worth_follows_the_log(parts: Opened) -> None:
    lived(parts, 0, 2500)
    first = served(parts)
    before = parts.registry.version(first)
    # from now on the same artworks are better, by less
    lived(parts, 2500, 6500, good=0.12, bad=0.09)
    name = refreshed(parts, first)
    after = parts.registry.version(name)
    assert name == parts.opinions.current != first
    assert after.parent == first and after.rows == 6500
    assert {name for name in before.files if before.files[name] != after.files[name]} == {
        "ridge.json"
    }
    scale = SavedRidge(parts.prior_folder(name)).manifest.scale
    assert 0.2 < scale < 0.8, "what was said of the first weeks is too loud for all of them"
    theirs, ours = said(parts, first), said(parts, name)
    for title, relative in theirs.items():
        np.testing.assert_allclose(ours[title], scale * relative, atol=1e-6)
    itself, parent, untrained = after.beside
    assert (itself.version, parent.version, untrained.version) == (name, first, "neutral")
    assert itself.scale == pytest.approx(1.0, abs=0.01), "it says now what the log says"
    assert parent.scale == pytest.approx(scale, abs=0.01)


def test_on_the_same_log_it_comes_out_as_what_serves(parts: Opened) -> None:
    lived(parts, 0, 2500)
    name = refreshed(parts, served(parts))
    again = parts.retraining.run(reason="again", refresh=True, then="promote")
    assert (again.outcome, again.version) == ("same", name)


def test_what_was_worth_nothing_may_be_worth_something_again(parts: Opened) -> None:
    """By the gate, for there is no doubt: to say nothing costs a fifth of the takes."""
    lived(parts, 0, 2500)
    first = served(parts)
    lived(parts, 2500, 6500, good=0.04, bad=0.2)
    turned = refreshed(parts, first)
    manifest = SavedRidge(parts.prior_folder(turned)).manifest
    assert (manifest.scale, manifest.strength) == (0.0, 0.0)
    assert all(not relative.any() for relative in said(parts, turned).values())
    lived(parts, 6500, 12_000, good=0.3, bad=0.02)
    done = parts.retraining.run(reason="as before", refresh=True, then="promote")
    assert done.outcome == "promoted", done.says
    assert (parts.registry.version(done.version).parent, parts.opinions.current) == (
        turned,
        done.version,
    )
    back = SavedRidge(parts.prior_folder(done.version)).manifest
    assert back.scale > 0.1 and back.strength > 0.0
    assert back.weights == SavedRidge(parts.prior_folder(first)).manifest.weights


def test_by_the_command_the_same_gate_decides(
    parts: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYART_DATA_DIR", parts.settings.data_dir)
    lived(parts, 0, 2500)
    first = served(parts)
    out = tmp_path / "done.json"
    told = CliRunner().invoke(app, ["retrain", "--refresh", "--json", str(out)])
    assert told.exit_code == 0, told.output
    assert f"its parent ({first}): worth" in told.output
    done = msgspec.json.decode(out.read_bytes(), type=Done)
    judgement = parts.retraining.jobs.all()[-1].judgement
    assert judgement is not None
    assert (judgement.version, judgement.champion) == (done.version, first)
    rules = [each.rule for each in judgement.verdicts]
    assert rules == ["files", "parity", "format", "latency", "calibration", "harm"]
    ends = {True: ("proposed", done.version), False: ("refused", "")}
    assert (done.outcome, parts.registry.aliases().candidate) == ends[judgement.passed]
    assert parts.opinions.current == first


def test_what_cannot_be_refreshed_ends_and_says_why(parts: Opened, tmp_path: Path) -> None:
    lived(parts, 0, 300)
    few = parts.retraining.run(reason="nothing serves", refresh=True)
    assert few.outcome == "refused" and "neutral is of kind neutral" in few.says
    served(parts)
    few = parts.retraining.run(reason="too early", refresh=True)
    assert few.outcome == "refused" and "too few to tell" in few.says
    assert parts.retraining.jobs.open() is None, "nothing is left to be taken up"
    take_table(parts.deployment, written(tmp_path / "opinions.jsonl", sure("llm-1", 0.2)))
    other = parts.retraining.run(reason="a table serves", refresh=True)
    assert "llm-1 is of kind table" in other.says


def test_a_refreshed_prior_is_not_read_by_a_keyart_that_does_not_know_its_scale(
    parts: Opened,
) -> None:
    lived(parts, 0, 2500)
    first = served(parts)
    assert SavedRidge(parts.prior_folder(first)).manifest.version == 1
    name = refreshed(parts, first)
    assert SavedRidge(parts.prior_folder(name)).manifest.version == 2
    assert SavedRidge(parts.prior_folder(name)).parity()[0] is not None


def test_it_is_due_by_the_clock_and_training_is_due_as_before(parts: Opened) -> None:
    from dataclasses import replace

    hour = 3_600_000
    settings: Settings = replace(
        parts.settings, retrain_refresh_hours=24.0, retrain_hours=72.0, retrain_least_rewards=500
    )
    lived(parts, 0, 2500)
    watched = Opened(settings)
    assert watched.due.asks(now_ms() + 25 * hour) is None, "nothing serves that could be measured"
    done = parts.retraining.run(reason="first", then="promote")
    assert done.outcome == "promoted", done.says
    assert watched.due.asks(now_ms() + 25 * hour) is None, "there is nothing new"
    lived(parts, 2500, 3100)
    assert watched.due.asks(now_ms() + 23 * hour) is None
    asked = watched.due.asks(now_ms() + 25 * hour)
    assert asked is not None and asked.refresh and asked.reason == "refresh every 24 hours"
    parts.retraining.run(reason=asked.reason, refresh=True)
    assert watched.due.asks(now_ms() + 25 * hour) is None, "nothing new since"
    lived(parts, 3100, 3700)
    asked = watched.due.asks(now_ms() + 73 * hour)
    assert asked is not None and not asked.refresh and asked.reason == "every 72 hours"
    watched.close()
