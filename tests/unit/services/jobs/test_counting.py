"""A log that is poisoned toward one artwork, and what a prior fitted on it then says."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from keyart.models.dataset.influence import Bounds
from keyart.models.dataset.taught import shares_of
from keyart.schemas.errors import NotFound
from keyart.services.jobs.priors.counting import UNBOUNDED, counted
from tests.poisons import START_MS, Shape, World, learned, write_log

ROWS, SEED = 12_000, 0


@pytest.fixture(scope="module")
def world() -> World:
    return World.made(SEED)


@pytest.mark.parametrize("shape", ["loud", "burst"])
def test_five_per_cent_of_poison_turn_no_winner(world: World, shape: Shape, tmp_path: Path) -> None:
    log = write_log(tmp_path, world, SEED, rows=ROWS, shape=shape)
    free, bound = learned(log, world, UNBOUNDED), learned(log, world, Bounds())
    assert free.winner() == world.target, "the poison does its work"
    assert bound.winner() == world.best
    assert bound.fractions[0].argmax() == world.best
    assert bound.correlation(world) > free.correlation(world) + 0.1


def test_a_clean_log_teaches_as_much_as_without_bounds(world: World, tmp_path: Path) -> None:
    log = write_log(tmp_path, world, SEED, rows=ROWS)
    free, bound = learned(log, world, UNBOUNDED), learned(log, world, Bounds())
    assert bound.counts > 0.96 * free.counts
    assert bound.correlation(world) > free.correlation(world) - 0.05


def test_sums_are_the_same_however_the_log_lies(world: World, tmp_path: Path) -> None:
    """Rows in another order, in several files, some of them twice."""
    log = write_log(tmp_path / "one", world, SEED, rows=ROWS, shape="burst")
    table = parquet.read_table(log / "log.parquet")
    order = np.random.default_rng(1).permutation(len(table))
    other = tmp_path / "other"
    other.mkdir()
    for at in range(3):
        part = order[at * 4000 : (at + 1) * 4400]
        parquet.write_table(table.take(part), other / f"{at}.parquet")
    ours, theirs = (counted(each, bounds=Bounds()) for each in (log, other))
    assert ours.held == theirs.held > 0
    assert ours.table.columns == theirs.table.columns
    for name in ("rewards", "impressions", "takes"):
        np.testing.assert_allclose(ours.table[name], theirs.table[name], atol=1e-9)


def test_what_is_learned_from_lately_is_bounded_by_what_is_lately(
    world: World, tmp_path: Path
) -> None:
    log = write_log(tmp_path, world, SEED, rows=3000)
    late = START_MS + 7 * 86_400_000
    some = counted(log, late, bounds=Bounds())
    assert 1300 < some.table["rewards"].sum() <= 1700
    assert some.table["from_ms"].to_numpy().min() >= late
    with pytest.raises(NotFound, match="nothing to learn from yet"):
        counted(log, late + 30 * 86_400_000, bounds=Bounds())


def test_rewards_that_do_not_count_in_full_are_named(world: World, tmp_path: Path) -> None:
    log = write_log(tmp_path, world, SEED, rows=3000, shape="loud")
    shares = shares_of(log, Bounds())
    rows = parquet.read_table(log / "log.parquet").to_pylist()
    loud = [row["id"] for row in rows if row["viewer"].startswith("f")]
    assert sum(shares.counts[each] for each in loud) < 3.0
    assert shares_of(log, UNBOUNDED).counts == {}
