"""Artworks' own responses, from the request to what decides: of titles shown often, and no others.

The steps, the api and the store are those that serve; that a title is shown often is set low.
"""

from collections.abc import Iterator, Set
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from keyart.models.sums.responses import TAKEN, TASTE_SHOWN, response_row
from keyart.schemas import codec
from keyart.schemas.posterior import SharedSums, TitleSums
from keyart.schemas.topics import DECISIONS
from keyart.services.wiring.settings import Settings
from keyart.streams.families import SHARED, TITLE
from keyart.streams.ports import TITLES, Lane
from tests.integration.test_api import decide, logged, within
from tests.integration.test_kept_decisions import Site, site_of

OFTEN, SELDOM = "t0", "t1"
FROM = 40
AGAIN = cycle(range(FROM))


@pytest.fixture
def site(data_dir: Path) -> Iterator[Site]:
    settings = Settings(data_dir=str(data_dir), viewer_key="0123456789abcdef", respond_from=FROM)
    with site_of(settings) as found:
        yield found


def shown(site: Site, viewers: range, *titles: str, surface: str = "home") -> None:
    """Show titles to viewers of two kinds, who play what has rain, or what has none."""
    for at in viewers:
        viewer = f"v{at}"
        answer = decide(site.client, viewer, *titles, surface=surface).json()
        site.read(viewer, len(titles))
        for its in answer["decisions"]:
            site.send("impression", viewer, its, surface=surface)
            if (its["artwork"] == "rain") == bool(at % 2):
                site.send("play", viewer, its, surface=surface, minutes=30)
    site.driver.drain()


def held(site: Site, title: str) -> TitleSums:
    (record,) = site.parts.store.read(Lane(TITLES, 0), TITLE, [title])
    assert record is not None
    return codec.unpack(record, TitleSums)


def often(site: Site) -> Set[str]:
    """Return what an api says that has just started."""
    found = site.parts.snapshots()
    found.refresh()
    return found.index.often


def test_titles_shown_often_are_learned_from_and_no_others(site: Site) -> None:
    shown(site, range(FROM // 2), OFTEN, SELDOM)
    shown(site, range(FROM // 2, FROM), OFTEN)
    before = site.rewards()
    assert len(before) == FROM + FROM // 2
    assert not any(reward.situation for reward in before.values())
    assert held(site, OFTEN).responses == {} and held(site, SELDOM).responses == {}
    site.ahead_ms = 0
    assert often(site) == {OFTEN}

    def told() -> bool:
        # of somebody whose taste is known, on a surface of its own: nothing stands there
        decide(site.client, f"v{next(AGAIN)}", OFTEN, surface="search")
        pages = [codec.decisions.decode(value) for value in logged(site.parts, DECISIONS)]
        return any(page.situation for page in pages)

    # the api that runs sees it when it looks
    within(10, told)
    shown(site, range(12), OFTEN, SELDOM, surface="billboard")
    shown(site, range(12, 18), SELDOM, surface="billboard")
    rewards = {name: its for name, its in site.rewards().items() if name not in before}
    assert len(rewards) == 30
    learned = [its for its in rewards.values() if its.situation]
    assert learned and {its.title for its in learned} == {OFTEN}
    # sums are of these rewards, artwork by artwork, and a replay of the log has the same
    found = held(site, OFTEN).responses
    assert found.keys() == {its.artwork for its in learned}
    for artwork, record in found.items():
        row, own = response_row(record), [its for its in learned if its.artwork == artwork]
        assert row[TAKEN] == pytest.approx(sum(its.value for its in own), rel=1e-6)
        z = sum(its.multiplier / its.response * np.array(its.situation) for its in own)
        np.testing.assert_allclose(row[TASTE_SHOWN], z, rtol=1e-6, atol=1e-9)
    assert held(site, SELDOM).responses == {}
    (shared,) = site.parts.store.read(Lane(TITLES, 0), SHARED[0], [SHARED[1]])
    assert shared is not None and codec.unpack(shared, SharedSums).situations
    assert site.parts.rebuilding.check().differences == []


def test_a_site_may_do_without(data_dir: Path) -> None:
    settings = Settings(data_dir=str(data_dir), viewer_key="0123456789abcdef", respond_from=-1)
    with site_of(settings) as site:
        shown(site, range(5), OFTEN)
        site.rewards()
        assert often(site) == frozenset()
