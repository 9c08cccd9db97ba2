"""The demo's world: real titles, an audience that is not keyart's mirror, a past."""

from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest

from keyart.models.embed import Concepts, load_space
from keyart.schemas.catalogue import Title
from keyart.schemas.events import Play
from keyart.schemas.ids import pseudonym
from keyart.services.demo.history import DAYS, PLAYS, past_events
from keyart.services.demo.world import DATA, World, make_world, read_titles


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(load_space("static"), seed=3, viewers=120)


def test_titles_are_150_real_ones_with_three_to_ten_artworks(world: World) -> None:
    assert len(world.titles) == 150
    for title in world.titles:
        assert 3 <= len(title.artworks) <= 10
        assert title.name and all(artwork.description for artwork in title.artworks)
        assert len({artwork.description for artwork in title.artworks}) == len(title.artworks)
        assert title == msgspec.json.decode(msgspec.json.encode(title), type=Title)
    assert len({title.id for title in world.titles}) == 150


def test_the_attribution_stands_beside_the_data() -> None:
    said = (DATA / "ATTRIBUTION.txt").read_text()
    assert "CC BY 4.0" in said and "Upworthy Research Archive" in said


def test_levels_are_the_archives_own(world: World) -> None:
    _, table = read_titles()
    first = table.filter(table["title"] == world.titles[0].id)
    level = int(first["clicks"].sum()) / int(first["impressions"].sum())
    count = len(world.titles[0].artworks)
    assert world.audience.takes[:, :count].mean() == pytest.approx(level, rel=0.02)


def test_a_world_is_its_seed(world: World) -> None:
    again = make_world(load_space("static"), seed=3, viewers=120)
    np.testing.assert_array_equal(again.audience.takes, world.audience.takes)
    other = make_world(load_space("static"), seed=4, viewers=120)
    assert np.abs(other.audience.takes - world.audience.takes).max() > 0.001


def test_taste_matters_and_keyart_cannot_see_it_all(world: World) -> None:
    """Even one who knew every viewer's interests by name could not tell all that they take."""
    audience = world.audience
    fixed, best = (
        audience.expected_take(each) for each in (audience.best_fixed, audience.best_for_each)
    )
    uniform = audience.expected_take_of(audience.uniform)
    assert uniform < fixed < best
    space = load_space("static")
    concepts = Concepts(space)
    texts = [artwork.description for title in world.titles for artwork in title.artworks]
    seen = space.encode(texts)
    by_name = np.stack(
        [
            max_similarity(seen, np.stack([concepts.vectors[concepts.index(name)] for name in own]))
            for own in world.interests
        ]
    )
    by_name -= by_name.mean(axis=0)
    true = np.log(audience.takes) - np.log(audience.takes).mean(axis=0)
    likeness = np.corrcoef(by_name.ravel(), true.ravel())[0, 1]
    assert 0.4 < likeness < 0.9


def max_similarity(artworks: np.ndarray, interests: np.ndarray) -> np.ndarray:
    best: np.ndarray = (interests @ artworks.T).max(axis=0)
    return best


def test_the_past_is_plays_of_known_artworks_before_now(world: World) -> None:
    now_ms = 1_800_000_000_000
    events = past_events(world, seed=3, now_ms=now_ms)
    artworks = {(title.id, each.id) for title in world.titles for each in title.artworks}
    times = []
    for event in events:
        stored = msgspec.convert(
            {**event, "viewer": pseudonym(str(event["viewer"]), b"0" * 16)}, Play
        )
        assert (stored.title, stored.artwork) in artworks
        assert stored.decision is None and stored.minutes >= 2
        times.append(stored.occurred_at_ms)
    assert times == sorted(times)
    assert now_ms - DAYS * 86_400_000 <= times[0] and times[-1] < now_ms
    assert len({event["id"] for event in events}) == len(events)
    plays = Counter(event["viewer"] for event in events)
    assert 0.05 < 1 - len(plays) / 120 < 0.4
    assert PLAYS * 0.7 < len(events) / 120 < PLAYS * 1.3


def test_the_package_data_is_small() -> None:
    assert sum(path.stat().st_size for path in Path(DATA).iterdir()) < 600_000
