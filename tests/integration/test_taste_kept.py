"""The taste of a viewer who never returns goes some day, whoever wrote it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from keyart.schemas import codec
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.events import Like
from keyart.schemas.topics import EVENTS
from keyart.services.processes.housekeeping import keeper_of
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.settings import Settings
from keyart.streams.ports import VIEWERS, Lane, Output
from tests.opened import Opened

LANE = Lane(VIEWERS, 0)
DAY_MS = 86_400_000


@pytest.fixture
def parts(data_dir: Path) -> Iterator[Opened]:
    made = Opened(Settings(data_dir=str(data_dir), taste_kept_days=10))
    made.server.start()
    title = Title(id="t", artworks=(Artwork(id="a", description="rockets"),))
    made.catalogue.put([title], now_ms=now_ms())
    yield made
    made.close()
    made.server.stop()


def like(parts: Opened, who: int, ago_ms: int = 0) -> str:
    viewer = f"{who:032x}"
    at_ms = now_ms() - ago_ms
    event = Like(id=f"l{who}{at_ms}", viewer=viewer, title="t", occurred_at_ms=at_ms)
    parts.log.append([Output(EVENTS, viewer, codec.encode(event))])
    parts.driver.drain()
    return parts.keys.item(LANE, "taste", viewer)


def rounds(parts: Opened, days: Iterable[float]) -> None:
    """Let housekeeping do rounds at clocks so many days ahead."""
    ahead: list[float] = []
    keeper = keeper_of(
        parts.settings, parts.client, clock=lambda: now_ms() + round(ahead[-1] * DAY_MS)
    )
    for each in days:
        ahead.append(each)
        keeper.round()


def test_a_taste_that_nothing_moves_goes_and_an_event_puts_that_off(parts: Opened) -> None:
    parts.driver.open()
    idle, moved = like(parts, 1, ago_ms=9 * DAY_MS), like(parts, 2, ago_ms=9 * DAY_MS)
    rounds(parts, [0, 0.5])
    assert parts.client.exists(idle, moved) == 2
    like(parts, 2)
    rounds(parts, [1.5])
    assert not parts.client.exists(idle)
    assert parts.client.exists(moved)
    assert parts.client.pttl(moved) == -1
    rounds(parts, [3, 5, 7, 9, 9.9])
    assert parts.client.exists(moved)
    rounds(parts, [11.1])
    assert not parts.client.exists(moved)


def test_a_clock_that_leaps_ahead_and_comes_back_costs_no_taste(parts: Opened) -> None:
    parts.driver.open()
    kept = like(parts, 1, ago_ms=7 * DAY_MS)
    rounds(parts, [0, 4_000, 0, 0.5, 4_000, 0])
    assert parts.client.exists(kept)
    assert parts.rebuilding.check().differences == []
    rounds(parts, [1.1, 2.2, 3.3])
    assert not parts.client.exists(kept)


def test_a_check_does_not_miss_what_has_gone_and_misses_what_should_be_there(parts: Opened) -> None:
    parts.driver.open()
    gone, lost = like(parts, 1, ago_ms=20 * DAY_MS), like(parts, 2)
    parts.client.delete(gone)
    assert parts.rebuilding.check().differences == []
    parts.client.delete(lost)
    assert [f"{2:032x}" in each for each in parts.rebuilding.check().differences] == [True]
