"""Visits: the same whoever asks, fair to every policy, and acted on as the truth says."""

import numpy as np
import pytest

from keyart.models.embed import load_space
from keyart.services.demo.visits import BAIT, LIKED, PAGE, Visits, acts
from keyart.services.demo.world import World, make_world


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(load_space("static"), seed=5, viewers=50)


def test_a_visit_does_not_depend_on_who_asks_when(world: World) -> None:
    forwards, backwards = Visits(world, seed=5), Visits(world, seed=5)
    first = [forwards[at] for at in range(60)]
    second = [backwards[at] for at in reversed(range(60))][::-1]
    for one, other in zip(first, second, strict=True):
        assert one.viewer == other.viewer
        for name in ("titles", "luck", "uniform", "minutes"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (Visits(world, seed=6)[0].luck != first[0].luck).all()


def test_every_viewer_comes_once_a_round(world: World) -> None:
    visits = Visits(world, seed=5)
    for turn in range(3):
        order = [visits[turn * 50 + at].viewer for at in range(50)]
        assert sorted(order) == list(range(50))


def test_pages_hold_distinct_titles_and_uniform_artworks_of_theirs(world: World) -> None:
    starts = world.audience.catalogue.starts
    visits = Visits(world, seed=5)
    places: list[float] = []
    for at in range(400):
        visit = visits[at]
        assert len(set(visit.titles.tolist())) == PAGE
        assert (starts[visit.titles] <= visit.uniform).all()
        assert (visit.uniform < starts[visit.titles + 1]).all()
        sizes = np.diff(starts)[visit.titles]
        places += ((visit.uniform - starts[visit.titles] + 0.5) / sizes).tolist()
    assert np.mean(places) == pytest.approx(0.5, abs=0.01)


def test_acts_are_what_luck_and_take_say(world: World) -> None:
    visits = Visits(world, seed=5)
    quality = clicks = likes = 0
    expected = 0.0
    for at in range(300):
        visit = visits[at]
        takes = world.audience.takes[visit.viewer, visit.uniform] * 20
        takes = np.minimum(takes, 0.7)
        expected += float(takes.sum())
        done = acts(visit, takes)
        plays = {act.place: act.minutes for act in done if act.kind == "play"}
        good = {place for place, minutes in plays.items() if minutes >= 2}
        assert good == set(np.flatnonzero(visit.luck < takes).tolist())
        assert {act.place for act in done if act.kind == "click"} == set(plays)
        liked = {act.place for act in done if act.kind == "like"}
        assert liked <= good
        quality, clicks, likes = quality + len(good), clicks + len(plays), likes + len(liked)
    assert quality == pytest.approx(expected, rel=0.1)
    assert clicks == pytest.approx(expected * (1 + BAIT), rel=0.1)
    assert likes == pytest.approx(expected * LIKED, rel=0.25)


def test_nobody_acts_on_what_nobody_takes(world: World) -> None:
    visit = Visits(world, seed=5)[0]
    assert acts(visit, np.zeros(PAGE)) == []
