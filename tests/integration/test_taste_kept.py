"""The taste of a viewer who never returns goes some day, whoever wrote it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from keyart.schemas import codec
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.events import Like
from keyart.schemas.topics import EVENTS
from keyart.services.jobs.rebuild import check_state
from keyart.services.processes.housekeeping import Keeper
from keyart.services.wiring.bootstrap import Parts, now_ms
from keyart.services.wiring.settings import Settings
from keyart.streams.ports import VIEWERS, Lane, Output

LANE = Lane(VIEWERS, 0)
DAY_MS = 86_400_000


@pytest.fixture
def parts(data_dir: Path) -> Iterator[Parts]:
    made = Parts(Settings(data_dir=str(data_dir), taste_kept_days=10))
    made.server.start()
    title = Title(id="t", artworks=(Artwork(id="a", description="rockets"),))
    made.catalogue.put([title], now_ms=now_ms())
    yield made
    made.server.stop()


def like(parts: Parts, who: int, ago_ms: int = 0) -> str:
    viewer = f"{who:032x}"
    at_ms = now_ms() - ago_ms
    event = Like(id=f"l{who}{at_ms}", viewer=viewer, title="t", occurred_at_ms=at_ms)
    parts.log.append([Output(EVENTS, viewer, codec.encode(event))])
    parts.driver.drain()
    return parts.keys.item(LANE, "taste", viewer)


def test_a_taste_has_an_end_and_an_event_puts_it_off(parts: Parts) -> None:
    parts.driver.open()
    name = like(parts, 1)
    assert 9.9 * DAY_MS < parts.client.pttl(name) <= 10 * DAY_MS
    parts.client.pexpire(name, 5 * DAY_MS)
    like(parts, 1)
    assert parts.client.pttl(name) > 9.9 * DAY_MS


def test_tastes_of_an_earlier_keyart_get_an_end_once(parts: Parts) -> None:
    parts.driver.open()
    old, new = like(parts, 1), like(parts, 2)
    parts.client.persist(old)
    parts.client.pexpire(new, 3 * DAY_MS)
    keeper = Keeper(parts)
    keeper.round()
    assert parts.client.pttl(old) > 9.9 * DAY_MS
    assert parts.client.pttl(new) <= 3 * DAY_MS
    parts.client.persist(old)
    keeper.round()
    assert parts.client.pttl(old) == -1


def test_a_check_does_not_miss_what_has_gone_and_misses_what_should_be_there(parts: Parts) -> None:
    parts.driver.open()
    gone, lost = like(parts, 1, ago_ms=20 * DAY_MS), like(parts, 2)
    parts.client.delete(gone)
    assert check_state(parts).differences == []
    parts.client.delete(lost)
    assert [f"{2:032x}" in each for each in check_state(parts).differences] == [True]
