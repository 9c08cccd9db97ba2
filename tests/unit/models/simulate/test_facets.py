"""Films with facet artworks: three audiences that differ in nothing but whom taste concerns."""

import numpy as np
import pytest

from keyart.models.embed import load_space
from keyart.models.embed.concepts import read_vocabulary
from keyart.models.simulate import KINDS, FacetWorld, facet_world
from keyart.models.simulate.facets import FACETS, FEWEST_FACETS, MOST_FACETS, SOME

TITLES = 60


@pytest.fixture(scope="module")
def worlds() -> dict[str, FacetWorld]:
    space = load_space()
    return {
        kind: facet_world(space, kind=kind, seed=4, titles=TITLES, viewers=80) for kind in KINDS
    }


def test_only_taste_differs_between_the_audiences_of_a_seed(worlds: dict[str, FacetWorld]) -> None:
    first = worlds["matters"]
    for world in worlds.values():
        assert world.titles == first.titles
        np.testing.assert_array_equal(world.audience.appeal.level, first.audience.appeal.level)
        np.testing.assert_array_equal(
            world.audience.tastes.interests, first.audience.tastes.interests
        )
        np.testing.assert_allclose(
            world.audience.takes.mean(axis=0), first.audience.takes.mean(axis=0), rtol=1e-9
        )


def test_taste_concerns_all_films_or_none_or_some(worlds: dict[str, FacetWorld]) -> None:
    share = {}
    for kind, world in worlds.items():
        varies = world.audience.takes.std(axis=0) > 1e-12
        by_title = [
            varies[start:stop]
            for start, stop in zip(
                world.audience.catalogue.starts[:-1],
                world.audience.catalogue.starts[1:],
                strict=True,
            )
        ]
        assert all(each.all() or not each.any() for each in by_title)
        share[kind] = float(np.mean([each.all() for each in by_title]))
    assert share["matters"] == 1.0
    assert share["does not"] == 0.0
    assert 0.5 * SOME < share["for some"] < 1.5 * SOME


def test_each_artwork_shows_one_facet_of_its_film(worlds: dict[str, FacetWorld]) -> None:
    told = dict(read_vocabulary())
    assert set(FACETS) <= set(told)
    for title in worlds["matters"].titles:
        assert FEWEST_FACETS <= len(title.artworks) <= MOST_FACETS
        shown = [
            [name for name in FACETS if f"{name}: {told[name]}" in artwork.description]
            for artwork in title.artworks
        ]
        assert all(len(names) == 1 for names in shown)
        assert len({names[0] for names in shown}) == len(shown)
