"""What learning changed: a version's worth beside its parent's and the untrained one's."""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from keyart.models.likelihood.calibrate import calibrate
from keyart.models.likelihood.relative import relative_effects
from keyart.schemas.registry import ModelVersion, WorthOnLog
from keyart.services.jobs.priors.counting import counted
from keyart.services.jobs.priors.taking import take_table
from keyart.services.jobs.priors.worths import Worths
from keyart.services.wiring.priors import bounds_of
from tests.integration.prior_site import opened, sure, written
from tests.integration.test_priors import learn, reward
from tests.opened import Opened


@pytest.fixture
def parts(data_dir: Path) -> Iterator[Opened]:
    with opened(data_dir) as made:
        yield made


def lived(parts: Opened, first: int, last: int) -> None:
    rng = random.Random(first)
    learn(parts, [reward(at, rng) for at in range(first, last)])


def by_what_serves(parts: Opened, version: str) -> WorthOnLog:
    """Measure the opinions that are in store of a version, on all that may teach."""
    said = {
        (each.title, artwork): relative
        for each in parts.opinions.titles(version)
        for artwork, relative in zip(each.artworks, each.relative, strict=True)
    }
    table = counted(parts.archive_dir, bounds=bounds_of(parts.settings)).table
    effects = relative_effects(
        np.unique(table["title"].to_numpy(), return_inverse=True)[1],
        table["impressions"].to_numpy(),
        table["takes"].to_numpy(),
    )
    keys = zip(table["title"], table["artwork"], strict=True)
    found = calibrate(np.array([said[key] for key in keys]), effects)
    return WorthOnLog(
        version=version, role="", strength=found.strength, gain=found.gain, scale=found.scale
    )


def same(found: WorthOnLog, expected: WorthOnLog) -> None:
    assert found.version == expected.version and not found.missing
    # as they are rounded in the registry
    assert found.strength == pytest.approx(expected.strength, rel=2e-3, abs=0.1)
    assert found.gain == pytest.approx(expected.gain, rel=2e-3, abs=0.02)
    assert found.scale == pytest.approx(expected.scale, rel=2e-3)


def test_each_is_measured_as_it_serves_on_the_same_log(parts: Opened) -> None:
    lived(parts, 0, 2000)
    first = parts.fitting.fit(encoders="space").version
    itself, untrained = parts.registry.version(first).beside
    assert (itself.role, itself.version) == ("itself", first)
    assert untrained == WorthOnLog(version="neutral", role="untrained")
    parts.deployment.promote(first, by="me", why="")
    lived(parts, 2000, 5000)
    second = parts.fitting.fit(encoders="space").version
    parts.deployment.prepare(second)
    itself, parent, untrained = parts.registry.version(second).beside
    assert [each.role for each in (itself, parent, untrained)] == [
        "itself",
        "parent",
        "untrained",
    ]
    assert itself.gain > parent.gain > 4.0, "both help on this log, and more was learned"
    same(itself, by_what_serves(parts, second))
    same(parent, by_what_serves(parts, first))
    assert untrained.version == "neutral"


@pytest.mark.parametrize("sign", [0.2, -0.2])
def test_what_was_taken_over_is_the_untrained_one(
    parts: Opened, tmp_path: Path, sign: float
) -> None:
    opinions = [structs.replace(each, strength=50.0) for each in sure("llm-1", sign)]
    take_table(parts.deployment, written(tmp_path / "opinions.jsonl", opinions))
    lived(parts, 0, 3000)
    fitted = parts.fitting.fit(encoders="space").version
    itself, untrained = parts.registry.version(fitted).beside
    same(untrained, by_what_serves(parts, "llm-1"))
    assert (untrained.role, untrained.scale > 0.0) == ("untrained", sign > 0.0)
    parts.deployment.promote(fitted, by="me", why="")
    lived(parts, 3000, 4000)
    beside = parts.registry.version(parts.fitting.fit(encoders="space").version).beside
    assert [each.version for each in beside[1:]] == [fitted, "llm-1"], "its parent learned here"


def test_a_dual_encoder_that_was_trained_here_is_not_the_untrained_one(
    parts: Opened, tmp_path: Path
) -> None:
    graph = tmp_path / "graph.onnx"
    graph.write_bytes(b"whatever: nobody loads it")

    def kept(name: str, parent: str, *, imported: bool) -> None:
        facts = ModelVersion(name=name, kind="dual", made_at_ms=1, parent=parent)
        parts.registry.add(facts, {} if imported else {graph.name: graph})

    kept("of a language model", "", imported=True)
    kept("first", "of a language model", imported=False)
    kept("second", "first", imported=False)
    kept("of nothing", "neutral", imported=False)
    worths = Worths(registry=parts.registry, scoring=parts.deployment.scoring)
    assert worths.untrained("second") == "of a language model"
    assert worths.untrained("of a language model") == "of a language model"
    assert worths.untrained("of nothing") == "neutral"


def test_what_cannot_be_measured_says_why(parts: Opened) -> None:
    lived(parts, 0, 1000)
    parts.opinions.make_current("ghost")
    found = parts.registry.version(parts.fitting.fit(encoders="space").version).beside
    assert [each.role for each in found] == ["itself", "parent", "untrained"]
    assert "no version 'ghost'" in found[1].missing and found[1].gain == 0.0


def test_the_commands_show_it_in_words(parts: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from keyart.services.cli.models import app

    monkeypatch.setenv("KEYART_DATA_DIR", parts.settings.data_dir)
    lived(parts, 0, 3000)
    fitted = parts.fitting.fit(encoders="space").version
    parts.deployment.promote(fitted, by="me", why="")
    for words in (["show", fitted], ["compare", fitted, "neutral"]):
        told = CliRunner().invoke(app, words).output
        assert f"{fitted} on the log that it learned from:" in told
        assert "untrained (neutral): no opinion, worth nothing" in told
        assert "likelier than untrained (neutral) did" in told
