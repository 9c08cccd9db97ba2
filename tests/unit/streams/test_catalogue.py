"""Upserting titles: artworks join, change and leave without loss."""

import pytest

from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.errors import InvalidRecord
from keyart.streams.catalogue.upsert import MAX_DESCRIPTIONS, upsert, withdraw
from keyart.streams.catalogue.view import CatalogueView


def title(**artworks: str) -> Title:
    return Title(
        id="t",
        name="a title",
        artworks=tuple(Artwork(id=k, description=d) for k, d in artworks.items()),
    )


def test_a_new_artwork_joins_and_a_removed_one_keeps_its_history() -> None:
    first = upsert(None, title(a="rockets", b="pasta"), now_ms=10)
    second = upsert(first, title(b="pasta", c="football"), now_ms=20)
    assert [artwork.id for artwork in second.choosable] == ["b", "c"]
    gone = next(kept for kept in second.artworks if kept.artwork.id == "a")
    assert gone.removed_at_ms == 20
    back = upsert(second, title(a="rockets", b="pasta"), now_ms=30)
    assert [artwork.id for artwork in back.choosable] == ["a", "b"]
    assert next(k for k in back.artworks if k.artwork.id == "a").history == gone.history


def test_putting_the_same_title_again_changes_only_the_time() -> None:
    first = upsert(None, title(a="x"), now_ms=10)
    again = upsert(first, title(a="x"), now_ms=20)
    assert again.artworks == first.artworks
    assert again.updated_at_ms == 20


def test_two_artworks_with_one_id_are_refused_with_their_place() -> None:
    twice = Title(id="t", artworks=(Artwork(id="a"), Artwork(id="b"), Artwork(id="a")))
    with pytest.raises(InvalidRecord) as caught:
        upsert(None, twice, now_ms=1)
    assert caught.value.path == "$.artworks[2].id"


def test_a_history_of_descriptions_is_bounded() -> None:
    held = upsert(None, title(a="0"), now_ms=0)
    for at in range(1, 30):
        held = upsert(held, title(a=str(at)), now_ms=at)
    assert len(held.artworks[0].history) == MAX_DESCRIPTIONS
    assert held.artworks[0].history[-1].description == "29"


def test_a_withdrawn_title_has_nothing_to_choose() -> None:
    held = upsert(None, title(a="x", b="y"), now_ms=1)
    assert withdraw(held, now_ms=2).choosable == ()


def test_the_view_reads_an_artwork_as_it_was_when_the_event_was_logged(
    catalogue_view: CatalogueView,
) -> None:
    held = upsert(None, title(a="rockets and planets"), now_ms=100)
    held = upsert(held, title(a="cooking pasta"), now_ms=200)
    catalogue_view.put([held])
    before, after = (catalogue_view.row("t", "a", at) for at in (150, 200))
    assert catalogue_view.row("t", "a", 99) is None
    assert catalogue_view.row("t", "none", 150) is None
    assert catalogue_view.row("none", None, 150) is None
    assert before is not None
    assert after is not None
    names = catalogue_view.names.names
    assert names[catalogue_view.concepts[before][0]] != names[catalogue_view.concepts[after][0]]
    space = catalogue_view.space
    expected = space.encode(["rockets and planets", "cooking pasta"])
    assert (catalogue_view.vectors[[before, after]] == expected).all()
