"""The demo's site in memory moves into a store: what serving and the page read is the same."""

from pathlib import Path

from keyart.models.embed import load_space
from keyart.models.simulate.vogue import VogueRules, vogue_world
from keyart.services.demo.loop.life import DAY_MS, Life
from keyart.services.demo.loop.log import PARTITION
from keyart.services.demo.loop.moved import FAMILIES, move
from keyart.services.demo.loop.plan import settings_of
from keyart.services.demo.loop.site import Site
from keyart.services.jobs.retrain.run import PROMOTE
from keyart.services.wiring.stores import catalogue_of, opinions_of, running, store_of
from keyart.streams.families import TIMELINE, TITLE
from keyart.streams.ports import TITLES, Lane

START_MS = 1_700_000_000_000 // DAY_MS * DAY_MS


def test_a_site_of_the_demo_moves_into_a_store_as_it_is(data_dir: Path) -> None:
    space = load_space("static")
    world = vogue_world(space, VogueRules(titles=64, viewers=30), seed=3)
    site = Site(settings_of(data_dir), space, now_ms=START_MS, seed=3)
    life = Life(site, world, 3, START_MS)
    for _ in range(2):
        life.live(turned=False)
    done = site.retraining.run(reason="the first prior", then=PROMOTE)
    assert site.opinions.current == done.version
    move(site)
    with running(site.settings) as client:
        version, titles = catalogue_of(site.settings, client).changed(0)
        assert {each.id: each for each in titles} == {
            each.id: each for each in site.catalogue.changed(0)[1]
        }
        assert version > 0
        opinions = opinions_of(site.settings, client)
        assert opinions.current == done.version
        assert sorted(opinions.titles(done.version), key=lambda each: each.title) == sorted(
            site.opinions.titles(done.version), key=lambda each: each.title
        )
        store = store_of(site.settings, client)
        for kind, families in FAMILIES.items():
            lane = Lane(kind, PARTITION)
            for family in families:
                keys = [key for key, _ in site.store.scan(lane, family)]
                assert store.read(lane, family, keys) == site.store.read(lane, family, keys)
            assert store.counts(lane) == site.store.counts(lane)
        assert all(site.store.size(Lane(TITLES, PARTITION), each) for each in (TITLE, TIMELINE))
