"""Playing: what is sent is valid, what is counted is true, and a failure is told."""

import threading
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from keyart.models.embed import load_space
from keyart.schemas.catalogue import Title
from keyart.schemas.errors import KeyartError
from keyart.schemas.events import Event as StoredEvent
from keyart.schemas.events import Impression, Play
from keyart.schemas.ids import pseudonym
from keyart.services.client import Choice, Event, Page
from keyart.services.demo.play import MOST_EVENTS, Crowd, Player
from keyart.services.demo.tally import Tally
from keyart.services.demo.visits import PAGE, Visits
from keyart.services.demo.world import World, make_world


class LastArtwork:
    """A server that always shows a title's last artwork, and keeps what it is sent."""

    def __init__(self, titles: Sequence[Title]) -> None:
        self.last = {title.id: title.artworks[-1].id for title in titles}
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.events: list[Event] = []
        self.largest = 0

    def put_title(self, title: Title) -> None:
        self.last[title.id] = title.artworks[-1].id

    def decide(self, viewer: str, titles: Sequence[str], *, surface: str) -> Page:
        self.asked.append((viewer, tuple(titles)))
        number = len(self.asked)
        return Page(
            decisions=tuple(
                Choice(id=f"d{number}-{title}", title=title, artwork=self.last[title])
                for title in titles
            )
        )

    def send(self, events: Sequence[Event]) -> int:
        self.largest = max(self.largest, len(events))
        self.events += events
        return len(events)


class Away(LastArtwork):
    def decide(self, viewer: str, titles: Sequence[str], *, surface: str) -> Page:
        raise KeyartError("the server is away")


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(load_space("static"), seed=7, viewers=30)


def player(world: World, client: LastArtwork, tally: Tally, lock: threading.Lock) -> Player:
    return Player(world=world, client=client, tally=tally, lock=lock, run="r")


def test_events_are_valid_once_each_and_tell_what_was_counted(world: World) -> None:
    server, tally = LastArtwork(world.titles), Tally(30, world.audience.catalogue)
    crowd = Crowd([player(world, server, tally, threading.Lock())], Visits(world, seed=7))
    crowd.play(until=lambda: False, most=120)
    stored = [
        msgspec.convert(
            {**event, "viewer": pseudonym(str(event["viewer"]), b"0" * 16)},
            StoredEvent,
        )
        for event in server.events
    ]
    assert len({event.id for event in stored}) == len(stored)
    impressions = [event for event in stored if isinstance(event, Impression)]
    assert len(impressions) == 120 * PAGE == int(tally.shown.sum())
    quality = [event for event in stored if isinstance(event, Play) and event.minutes >= 2]
    assert len(quality) == int(tally.taken[0].sum()) > 0
    assert server.largest <= 1000
    shown = {event.decision: event.artwork for event in impressions}
    assert all(shown[event.decision] == event.artwork for event in quality)


def test_policies_are_counted_on_the_same_luck(world: World) -> None:
    server, tally = LastArtwork(world.titles), Tally(30, world.audience.catalogue)
    visits, audience = Visits(world, seed=7), world.audience
    Crowd([player(world, server, tally, threading.Lock())], visits).play(
        until=lambda: False, most=40
    )
    last = audience.catalogue.starts[1:] - 1
    expected = np.zeros(3, int)
    for at in range(40):
        visit = visits[at]
        for row, chosen in enumerate(
            (last[visit.titles], visit.uniform, audience.best_fixed[visit.titles])
        ):
            expected[row] += int((visit.luck < audience.takes[visit.viewer, chosen]).sum())
    np.testing.assert_array_equal(tally.taken.sum(axis=1), expected)


def test_several_players_share_the_visits_and_lose_none(world: World) -> None:
    server, tally, lock = (
        LastArtwork(world.titles),
        Tally(30, world.audience.catalogue),
        threading.Lock(),
    )
    crowd = Crowd([player(world, server, tally, lock) for _ in range(4)], Visits(world, seed=7))
    seen: list[int] = []
    crowd.play(until=lambda: False, most=100, watch=lambda: seen.append(crowd.played))
    assert crowd.played == 100 == len(server.asked)
    crowd.play(until=lambda: crowd.played >= 110)
    assert 110 <= crowd.played <= 114
    sent = sum(event["type"] == "impression" for event in server.events)
    assert sent == int(tally.shown.sum()) == crowd.played * PAGE
    alone, quiet = LastArtwork(world.titles), Tally(30, world.audience.catalogue)
    Crowd([player(world, alone, quiet, lock)], Visits(world, seed=7)).play(
        until=lambda: False, most=crowd.played
    )
    np.testing.assert_array_equal(quiet.taken, tally.taken)


def test_events_do_not_wait_for_ever(world: World) -> None:
    server, tally = LastArtwork(world.titles), Tally(30, world.audience.catalogue)
    clock = iter(range(0, 10_000_000, 150))
    one = Player(
        world=world,
        client=server,
        tally=tally,
        lock=threading.Lock(),
        run="r",
        now_ms=lambda: next(clock),
    )
    visits = Visits(world, seed=7)
    one.play(visits[0])
    one.play(visits[1])
    assert 0 < len(server.events) < MOST_EVENTS


def test_a_failure_ends_the_play_and_is_told(world: World) -> None:
    tally, lock = Tally(30, world.audience.catalogue), threading.Lock()
    good, bad = LastArtwork(world.titles), Away(world.titles)
    players = [player(world, each, tally, lock) for each in (good, bad)]
    with pytest.raises(KeyartError, match="away"):
        Crowd(players, Visits(world, seed=7)).play(until=lambda: False)


def test_an_interrupt_ends_the_play_after_the_visits_at_hand(world: World) -> None:
    server, tally = LastArtwork(world.titles), Tally(30, world.audience.catalogue)
    crowd = Crowd([player(world, server, tally, threading.Lock())], Visits(world, seed=7))

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crowd.play(until=lambda: False, watch=interrupt)
    sent = sum(event["type"] == "impression" for event in server.events)
    assert sent == int(tally.shown.sum()) == crowd.played * PAGE
