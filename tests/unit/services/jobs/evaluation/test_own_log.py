"""keyart's own log: policies and priors are judged with what taste did to every candidate."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from keyart.models.bandits.registry import build_policy
from keyart.models.dataset.influence import Bounds
from keyart.models.ope.estimators import terms
from keyart.models.ope.gate.rules import PASSED, Loss, Slope, calibration
from keyart.models.ope.gate.slope import opinion_slope
from keyart.models.ope.reward_model import folds_of
from keyart.schemas import codec
from keyart.schemas.decisions import Versions
from keyart.schemas.rewards import Reward
from keyart.services.jobs.evaluation.own_log import OwnLog, propensities, read_own, title_model
from keyart.services.jobs.evaluation.priors_on_log import Opinions, loss_of
from keyart.streams.archive import files
from keyart.streams.ports import LogRecord
from tests.packing import belief_bytes
from tests.poisons import World, slope_of_truth, write_log

LEVEL, LIKES, TITLES = 0.2, 1.8, 10
FACTORS = np.array([[LIKES, 1 / LIKES], [1 / LIKES, LIKES]])
"""Of two kinds of viewers for two artworks."""


def write(folder: Path, count: int, *, version: int = 2, seed: int = 0) -> Path:
    """Log `count` even draws; half of the viewers like the one artwork, half the other."""
    rng = np.random.default_rng(seed)
    records = []
    for at in range(count):
        viewer = int(rng.integers(200))
        factors, shown = FACTORS[viewer % 2], int(rng.integers(2))
        beliefs = [(1.0, 1.0, factor, 0.4, 0.1, 10.0, 2.0) for factor in factors]
        one = Reward(
            id=f"{at:024x}",
            viewer=f"{viewer:032x}",
            title=f"t{rng.integers(TITLES)}",
            artwork="ab"[shown],
            surface="home",
            value=float(rng.random() < LEVEL * factors[shown]),
            shown_at_ms=1_700_000_000_000 + 1000 * at,
            closed_at_ms=1_700_000_000_000 + 1000 * at,
            candidates=("a", "b"),
            propensities=(0.5, 0.5),
            explored=True,
            policy="uniform",
            versions=Versions(policy="u-1", prior="n", posterior="1", space="s"),
            multiplier=float(factors[shown]),
            beliefs=belief_bytes(beliefs) if version > 1 else b"",
            version=version,
        )
        records.append(
            LogRecord("rewards", 0, f"{at + 1}-0", one.title, codec.encode(one), one.shown_at_ms)
        )
    files.write(folder, records)
    return folder


def kinds(log: OwnLog) -> np.ndarray:
    """Which artwork each row's viewer likes, by the factors that were logged."""
    return np.asarray(log.taste.factors.argmax(axis=1))


def test_a_policy_is_judged_with_the_taste_that_was_logged(tmp_path: Path) -> None:
    log = read_own(write(tmp_path, 4000), most=10_000)
    assert log.warnings == []
    policy = build_policy("optimistic")
    shares = propensities(log, policy)
    liked = shares[np.arange(len(shares)), kinds(log)]
    late = slice(len(shares) // 4, None)
    assert liked[late].mean() > 0.9, "each viewer is given what they like"
    found = terms("dr", log.rows, shares, model=title_model(log, folds_of(log.rows, seed=0)))
    truth = (shares * LEVEL * FACTORS[kinds(log)]).sum(axis=1).mean()
    assert found.value == pytest.approx(truth, abs=0.03)
    assert found.value > LEVEL * (LIKES + 1 / LIKES) / 2 + 0.05, "more than any artwork for all"


def test_rewards_of_before_are_judged_without_it_and_that_is_said(tmp_path: Path) -> None:
    write(tmp_path, 300, version=1)
    log = read_own(tmp_path, most=10_000)
    assert (log.taste.factors == 1.0).all() and (log.taste.doubts == 0.0).all()
    (said,) = log.warnings
    assert said.startswith("300 of 300 rewards are of before taste was logged")


def poisoned(folder: Path, count: int) -> Path:
    """Log even draws of artworks of which `a` is taken more, and one viewer who takes only `b`."""
    rng = np.random.default_rng(1)
    records = []
    for at in range(count):
        loud, shown = rng.random() < 0.08, int(rng.integers(2))
        one = Reward(
            id=f"{at:024x}",
            viewer="f" * 32 if loud else f"{1 + int(rng.integers(1500)):032x}",
            title=f"t{rng.integers(TITLES)}",
            artwork="ab"[shown],
            surface="home",
            value=float(shown if loud else rng.random() < (0.12, 0.08)[shown]),
            shown_at_ms=1_700_000_000_000 + 60_000 * at,
            closed_at_ms=1_700_000_000_000 + 60_000 * at,
            candidates=("a", "b"),
            propensities=(0.5, 0.5),
            explored=True,
            policy="uniform",
            versions=Versions(policy="u-1", prior="n", posterior="1", space="s"),
        )
        records.append(
            LogRecord("rewards", 0, f"{at + 1}-0", one.title, codec.encode(one), one.shown_at_ms)
        )
    files.write(folder, records)
    return folder


def test_one_loud_viewer_does_not_turn_what_the_gate_says(tmp_path: Path) -> None:
    """Of a prior that is right about all others, on a log of which a third of all takes is his."""
    folder = poisoned(tmp_path, 6000)
    policy = build_policy("optimistic")

    def said(log: OwnLog) -> tuple[Slope, Loss]:
        relative = np.zeros((len(log.titles), log.logged.shape[1]))
        for number, places in enumerate(log.artworks):
            relative[number, [places["a"], places["b"]]] = 0.2, -0.2
        ours = Opinions(relative=relative, strength=np.full(len(relative), 50.0), said=TITLES)
        none = Opinions(relative=0.0 * relative, strength=np.zeros(len(relative)), said=0)
        slope = opinion_slope(log.rows, log.logged, log.title, relative, counts=log.counts)
        loss = loss_of(log, ours, none, policy, explore_share=0.05)
        assert slope is not None and loss is not None
        return slope, loss

    slope, loss = said(read_own(folder, most=10_000))
    assert slope.value < 0.0 and calibration(slope).outcome != PASSED, "unbounded the poison works"
    assert loss.low < 0.0
    slope, loss = said(read_own(folder, most=10_000, bounds=Bounds()))
    assert slope.low < 1.0 < slope.high and calibration(slope).outcome == PASSED
    assert loss.low > 0.0 and loss.rows == 6000


def test_new_viewers_within_an_hour_do_not_veto_a_prior_that_is_right(tmp_path: Path) -> None:
    world = World.made(0)
    for shape, at_once in (("burst", True), ("clean", False)):
        log = write_log(tmp_path / shape, world, 0, rows=6000, shape=shape)  # type: ignore[arg-type]
        free, bounded = (slope_of_truth(log, world, each) for each in (None, Bounds()))
        assert (free.high < 1.0) == at_once
        assert bounded.low < 1.0 < bounded.high and calibration(bounded).outcome == PASSED


def test_what_serving_held_back_is_not_judged_on(tmp_path: Path) -> None:
    """New viewers of one hour who all take `b`: held back there, so here they count nothing."""
    records = list(_burst())
    files.write(tmp_path, records)
    free = read_own(tmp_path, most=10_000, bounds=Bounds(hold_bursts=False, hour_share=1.0))
    held = read_own(tmp_path, most=10_000, bounds=Bounds(hour_share=1.0))
    assert len(free.rows) == len(records) and len(held.rows) < len(records)
    left = {held.viewers[at] for at in held.rows.cluster.tolist()}  # type: ignore[union-attr]
    assert {f"{at:032x}" for at in range(2000)} <= left, "of those known before none is missing"


def _burst() -> Iterator[LogRecord]:
    for at in range(2600):
        new = at >= 2000
        one = Reward(
            id=f"{at:024x}",
            viewer=f"{at:032x}",
            title="t",
            artwork="b" if new else "ab"[at % 2],
            surface="home",
            value=float(new or at % 10 < 2),
            shown_at_ms=1_700_000_000_000 + (60_000 * at if not new else 60_000 * 2000 + at),
            closed_at_ms=1_700_000_000_000 + 60_000 * at,
            candidates=("a", "b"),
            propensities=(0.5, 0.5),
            explored=True,
            policy="uniform",
            versions=Versions(policy="u-1", prior="n", posterior="1", space="s"),
            fresh=new,
        )
        yield LogRecord("rewards", 0, f"{at + 1}-0", one.title, codec.encode(one), one.shown_at_ms)


def test_the_reward_model_knows_taste_and_never_the_viewers_own_fold(tmp_path: Path) -> None:
    log = read_own(write(tmp_path, 4000), most=10_000)
    model = title_model(log, folds_of(log.rows, seed=0))
    truth = LEVEL * FACTORS[kinds(log)]
    assert np.abs(model - truth).mean() < 0.04
