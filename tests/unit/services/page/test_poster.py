"""Posters: well-formed whatever the words, always the same, and kin within a title."""

import re
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.services.page.poster import HEIGHT, MARGIN, MAX_CHARACTERS, WIDTH, poster_svg

PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=400)
SVG = "{http://www.w3.org/2000/svg}"


def lines_of(svg: str) -> list[tuple[int, str]]:
    root = ElementTree.fromstring(svg)
    return [(int(each.get("y") or 0), each.text or "") for each in root.iter(f"{SVG}tspan")]


@settings(max_examples=60, deadline=None)
@given(title=PRINTABLE, artwork=PRINTABLE)
def test_any_words_make_a_well_formed_poster(title: str, artwork: str) -> None:
    svg = poster_svg(title, artwork)
    assert svg == poster_svg(title, artwork)
    assert len(svg) < 12_000
    lines = lines_of(svg)
    assert lines
    assert all(MARGIN < y < HEIGHT - 60 for y, _ in lines)


def test_markup_in_words_stays_words() -> None:
    svg = poster_svg("<b>Title</b>", "\"><script>alert('x')</script> & more")
    assert "<script" not in svg
    assert "script" in " ".join(text for _, text in lines_of(svg))


def test_all_words_of_a_headline_are_there() -> None:
    headline = "What A Cheery 13-Year-Old Girl Said To Matt Damon Devastated Him"
    assert " ".join(text for _, text in lines_of(poster_svg("Water", headline))) == headline


def test_a_very_long_text_is_cut_and_a_very_long_word_broken() -> None:
    lines = lines_of(poster_svg("t", "word " * 200))
    assert len(" ".join(text for _, text in lines)) <= MAX_CHARACTERS
    broken = lines_of(poster_svg("t", "x" * 120))
    assert len(broken) > 3


def test_artworks_of_a_title_share_a_hue_and_differ_in_picture() -> None:
    first, second = (poster_svg("One title", words) for words in ("A shark", "A girl and a shark"))
    assert first != second

    def hue(svg: str) -> float:
        found = re.search(r'stop-color="#(..)(..)(..)"', svg)
        assert found is not None
        red, green, blue = (int(part, 16) / 255 for part in found.groups())
        import colorsys

        return colorsys.rgb_to_hls(red, green, blue)[0]

    assert abs(hue(first) - hue(second)) < 0.01
    assert f'viewBox="0 0 {WIDTH} {HEIGHT}"' in first


def test_near_vectors_give_near_hues() -> None:
    near = [poster_svg("t", "a", [0.2 + step, 0.1, 0.0])[:900] for step in (0.0, 1e-6)]
    assert near[0] == near[1]
    assert poster_svg("t", "a", [0.2, 0.1]) != poster_svg("t", "a", [-0.2, 0.1])
