"""The loop's site: every impression teaches once, a twin meets the same, and harm is harm."""

from pathlib import Path

import numpy as np
import pytest

from keyart.models.embed import load_space
from keyart.models.priors.onnx_file import SavedRidge
from keyart.models.simulate.vogue import VogueRules, VogueWorld, vogue_world
from keyart.schemas import codec
from keyart.services.demo.loop.harm import least_liked, spoiled, upside_down
from keyart.services.demo.loop.life import DAY_MS, PAGE, Life
from keyart.services.demo.loop.plan import settings_of
from keyart.services.demo.loop.site import Site

START_MS = 1_700_000_000_000 // DAY_MS * DAY_MS
VIEWERS = 30


@pytest.fixture(scope="module")
def world() -> VogueWorld:
    return vogue_world(load_space("static"), VogueRules(titles=64, viewers=VIEWERS), seed=3)


def life_of(world: VogueWorld, folder: Path) -> Life:
    site = Site(settings_of(folder), load_space("static"), now_ms=START_MS, seed=3)
    return Life(site, world, 3, START_MS)


def test_only_what_is_in_vogue_changes(world: VogueWorld) -> None:
    before, after = world.before.appeal, world.after.appeal
    np.testing.assert_array_equal(before.level, after.level)
    assert not np.allclose(before.relative, after.relative)
    assert np.allclose(world.vogue.sum(axis=1), 0.0)
    rise = world.vogue[1] - world.vogue[0]
    moved = np.log(after.relative / before.relative)
    assert np.corrcoef(moved, rise[world.facets])[0, 1] > 0.9


def test_every_impression_is_rewarded_once_and_a_twin_meets_the_same(
    world: VogueWorld, tmp_path: Path
) -> None:
    ours, theirs = (life_of(world, tmp_path / name) for name in ("ours", "theirs"))
    for _ in range(2):
        mine, its = ours.live(turned=False), theirs.live(turned=False)
        assert mine.shown == its.shown == VIEWERS * PAGE
        assert mine == its, "the same viewers before the same films, with the same luck"
    assert ours.site.rewards == theirs.site.rewards, "a seed tells one story, to the last id"
    rewards = [codec.rewards.decode(each.value) for each in ours.site.rewards]
    assert len({each.id for each in rewards}) == len(rewards)
    first_day = [each for each in rewards if each.shown_at_ms < START_MS + DAY_MS]
    assert len(first_day) == VIEWERS * PAGE
    assert {each.versions.prior for each in rewards} == {"neutral"}
    assert 0.05 < np.mean([each.value for each in rewards]) < 0.5


def test_upside_down_says_the_opposite_and_the_gate_asks_nobody_to_trust_it(
    world: VogueWorld, tmp_path: Path
) -> None:
    life = life_of(world, tmp_path)
    life.live(turned=False)
    life.live(turned=False)
    site = life.site
    fitted = site.fitting.fit(encoders="space").version
    turned = upside_down(site, fitted)
    scoring = site.deployment.scoring
    ridges = [SavedRidge(scoring.folder / name) for name in (fitted, turned)]
    vectors = np.eye(ridges[0].manifest.dimensions, dtype=np.float32)
    pair = [each.opinion("", vectors).log_relative for each in ridges]
    np.testing.assert_allclose(pair[0], -pair[1], atol=1e-6)
    assert site.deployment.registry.version(turned).parent == fitted
    assert site.opinions.current == "neutral", "keeping a version lets nothing serve"


def test_a_spoiled_log_differs_by_its_share_and_only_in_what_was_taken(
    world: VogueWorld, tmp_path: Path
) -> None:
    life = life_of(world, tmp_path)
    life.live(turned=False)
    life.live(turned=False)  # the first day's windows are closed by now
    names = [artwork.id for film in world.titles for artwork in film.artworks]
    wrong = least_liked(world.vogue[1], world.facets, names)
    told = spoiled(life.site.rewards, wrong, 0.3, np.random.default_rng(1))
    pairs = [
        (codec.rewards.decode(was.value), codec.rewards.decode(its.value))
        for was, its in zip(life.site.rewards, told, strict=True)
    ]
    assert all((was.id, was.artwork) == (its.id, its.artwork) for was, its in pairs)
    raised = [its.artwork for was, its in pairs if its.value > was.value]
    assert raised and set(raised) <= wrong
    changed = sum(was.value != its.value for was, its in pairs) / len(pairs)
    assert 0.02 < changed <= 0.3
