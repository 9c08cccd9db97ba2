"""Attributes as numbers: the same for the same value, as long as a title stays as it is."""

import pytest

from keyart.models.decide.coding import MAX_CELLS, Coding
from keyart.schemas.catalogue import Artwork, StoredArtwork, StoredTitle
from keyart.schemas.slates import Slate

SLATE = Slate(alike={"mood": 1.0, "face": 0.5})


def title(name: str, *attributes: dict[str, str]) -> StoredTitle:
    artworks = tuple(
        StoredArtwork(artwork=Artwork(id=f"a{at}", attributes=its), history=())
        for at, its in enumerate(attributes)
    )
    return StoredTitle(id=name, artworks=artworks, updated_at_ms=0)


@pytest.mark.parametrize("most", [0, MAX_CELLS])
def test_equal_values_have_equal_numbers_until_a_title_changes(most: int) -> None:
    coding = Coding(most=most)
    known = {
        "s": title("s", {"mood": "dark"}, {"mood": "calm", "face": "dark"}),
        "t": title("t", {"mood": "calm", "face": ""}),
    }
    asked = [("s", ("a1", "a0")), ("t", ("a0",)), ("gone", ("a0",))]
    for _ in range(2):
        found = coding.slating(SLATE, known, asked, [("s", "a0")])
        codes = [its.codes for its in found.titles]
        assert [each.shape for each in codes] == [(2, 2), (1, 2), (1, 2)]
        assert codes[0][0, 0] == codes[1][0, 0] != codes[0][1, 0]
        assert codes[0][0, 1] not in (0, codes[0][1, 0])  # of another attribute
        assert codes[1][0, 1] == 0 and not codes[2].any()
        assert found.kept.tolist() == [codes[0][1].tolist()]
    known["t"] = title("t", {"mood": "dark"})
    codes = [its.codes for its in coding.slating(SLATE, known, asked, []).titles]
    assert codes[1][0, 0] == codes[0][1, 0] != codes[0][0, 0]
