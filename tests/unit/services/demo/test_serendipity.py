"""Proposals in the demo: the same of one seed, and figures that are those of the ways."""

import pytest

from keyart.models.embed import load_space
from keyart.services.demo.serendipity import (
    PAGES,
    STAGES,
    TAKEN,
    Proposals,
    propose,
    table_of_proposals,
    ways,
)

FEW = 240
SPACE = load_space("static")


@pytest.fixture(scope="module")
def found() -> Proposals:
    return propose(SPACE, seed=1, viewers=FEW)


def test_viewers_come_to_titles_of_the_demo_in_time() -> None:
    world, other = (ways(SPACE, seed=seed, viewers=FEW) for seed in (1, 2))
    assert len(world.viewers) == FEW and len(world.titles) == 150
    assert world.timed and world.terms
    each = len(world.viewer) / FEW
    # who comes back to an interest may take a title again, which counts once
    assert STAGES * TAKEN[0] * 0.8 < each < STAGES * TAKEN[1]
    assert world.title.tolist() != other.title.tolist()


def test_what_is_told_is_told_of_every_page(found: Proposals) -> None:
    assert [each.recommender for each in found.pages] == list(PAGES.values())
    pages = {each.recommender: each for each in found.pages}
    for each in found.pages:
        assert 0.0 <= each.ueuc.low <= each.ueuc.estimate <= each.ueuc.high <= 1000.0
        assert 0.0 <= each.hr10.low <= each.hr10.estimate <= each.hr10.high <= 1.0
    free = pages["iALS, free"]
    served = pages["keyart's proposals, titles by iALS"]
    assert served.over_ials is not None
    # pages of proposals may run out of titles: of what both show, not of places, is their ratio
    ratio = served.ueuc.estimate / free.ueuc.estimate
    assert served.over_ials.estimate == pytest.approx(100 * ratio - 100, abs=5.0)
    assert found.viewers <= FEW / 3
    shown = table_of_proposals(found)
    assert shown.row_count == len(PAGES)


def test_clusters_tell_something_of_interests_that_keyart_is_not_told(found: Proposals) -> None:
    pages = {each.recommender: each for each in found.pages}
    blind = pages["likeness to what was taken"].ueuc.estimate
    assert pages["keyart's proposals, titles by iALS"].ueuc.estimate > 2 * blind
