"""A log whose artworks stood at other places of a page, and what is learned from it."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
from typer.testing import CliRunner

from keyart.models.dataset.influence import Bounds
from keyart.models.dataset.logs import read_log
from keyart.models.dataset.places import NOTHING
from keyart.models.dataset.prepare import prepare_log, read_split
from keyart.models.dataset.taught import shares_of
from keyart.schemas.catalogue import Artwork, Title
from keyart.services.cli.evaluate import app
from keyart.services.jobs.evaluation.judge import NO_EFFECT, NO_PLACES, judge_own
from keyart.services.jobs.evaluation.own_log import read_own
from keyart.services.jobs.priors.counting import counted
from tests.placed import judged, write_placed
from tests.poisons import ARTWORKS, TITLES, World, learned
from tests.unit.models.decide.test_positions import FALLING

ROWS, SEED = 20_000, 0
ALIKE = np.ones(len(FALLING))
WITH, WITHOUT = Bounds(), Bounds(positions=False)


@pytest.fixture(scope="module")
def world() -> World:
    return World.made(SEED)


@pytest.fixture(scope="module")
def falling(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    folder = tmp_path_factory.mktemp("falling")
    return write_placed(folder, world, SEED, rows=ROWS, factor=FALLING, apart=True)


def without_column(log: Path, to: Path) -> Path:
    """Copy a log as an earlier keyart wrote it."""
    to.mkdir()
    table = parquet.read_table(log / "log.parquet").drop_columns(["position"])
    parquet.write_table(table, to / "log.parquet")
    return to


def test_a_prior_does_not_learn_what_stood_at_the_top(
    world: World, falling: tuple[Path, float]
) -> None:
    log, _ = falling
    off, on = learned(log, world, WITHOUT), learned(log, world, WITH)
    assert on.correlation(world) > off.correlation(world) + 0.05
    assert on.error(world) < 0.8 * off.error(world)
    factors = shares_of(log, WITH).places
    assert factors.at("home", 1) / factors.at("home", 50) > 3.0, "truly 5.1; shrunk"
    assert factors.at("home", 0) == 1.0, "nobody knows where"


def test_where_places_do_nothing_the_same_is_learned(world: World, tmp_path: Path) -> None:
    log, _ = write_placed(tmp_path, world, SEED, rows=ROWS, factor=ALIKE, apart=True)
    off, on = learned(log, world, WITHOUT), learned(log, world, WITH)
    assert abs(on.correlation(world) - off.correlation(world)) < 0.05
    assert abs(on.error(world) - off.error(world)) < 0.02


def test_a_log_without_positions_counts_as_it_did(
    world: World, falling: tuple[Path, float], tmp_path: Path
) -> None:
    log, _ = falling
    older = without_column(log, tmp_path / "older")
    ours, theirs = counted(older, bounds=WITH).table, counted(log, bounds=WITHOUT).table
    np.testing.assert_array_equal(ours["impressions"], theirs["impressions"])
    assert shares_of(older, WITH).places == NOTHING
    assert {row.position for row in read_log(older)} == {0}
    assert min(row.position for row in read_log(log)) == 1
    said = judge_own(read_own(older, most=ROWS), ["uniform"], "", "logged", 0, lambda *_: None)
    assert NO_PLACES in said.warnings


def test_the_direct_method_knows_the_place(world: World, falling: tuple[Path, float]) -> None:
    log, truth = falling
    off, on = (judged(log, world, positions=each) for each in (False, True))
    assert off["dm"].estimate > 1.1 * truth, "what stood at the top seems to be better"
    assert on["dm"].estimate == pytest.approx(truth, rel=0.05)
    assert on["dr"].low < truth < on["dr"].high


def test_what_places_do_is_said(falling: tuple[Path, float], world: World, tmp_path: Path) -> None:
    alike, _ = write_placed(tmp_path, world, SEED, rows=4000, factor=ALIKE, apart=False)
    said = [
        judge_own(read_own(each, most=ROWS), ["uniform"], "", "logged", 0, lambda *_: None).warnings
        for each in (falling[0], alike)
    ]
    assert any(each.startswith("on home, places take so many times") for each in said[0])
    assert NO_PLACES not in said[1] and NO_EFFECT not in said[0]


def test_where_a_site_counts_all_places_alike_so_does_evaluation(
    falling: tuple[Path, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, out = falling[0], tmp_path / "said.json"
    asked = ["log", "--log", str(log), "--policy", "uniform", "--rows", "4000", "--json", str(out)]
    for effect, counts in (("false", False), ("true", True)):
        monkeypatch.setenv("KEYART_POSITION_EFFECT", effect)
        done = CliRunner().invoke(app, asked)
        assert done.exit_code == 0, done.output
        warnings = json.loads(out.read_text())["warnings"]
        assert (NO_PLACES in warnings) != counts
        assert any(each.startswith("on home, places take") for each in warnings) == counts


def test_takes_at_the_top_weigh_less_as_examples(
    falling: tuple[Path, float], tmp_path: Path
) -> None:
    log, _ = falling
    titles = {
        f"t{at:02d}": Title(
            id=f"t{at:02d}",
            name=f"T{at}",
            artworks=tuple(
                Artwork(id=f"a{k}", description=f"{k} of {at}") for k in range(ARTWORKS)
            ),
        )
        for at in range(TITLES)
    }
    prepare_log(log, titles, tmp_path / "on", clip=1e9, bounds=WITH)
    where = {row.id: row.position for row in read_log(log)}
    places = shares_of(log, WITH).places
    answered = [each for each in read_split(tmp_path / "on", "test") if each.answer >= 0]
    raw = np.array(
        [
            each.counts / each.propensities[each.answer] / places.at("home", where[each.id])
            for each in answered
        ]
    )
    np.testing.assert_allclose([each.weight for each in answered], raw / raw.mean())
