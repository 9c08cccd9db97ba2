"""What recently worked: found where it is so, said of other titles alone, and of no one viewer."""

import random

import pytest
from msgspec import structs

from keyart.models.dataset.lately import (
    LEAST_VIEWERS,
    NOTHING,
    Lately,
    Shown,
    keeping,
    lately_of,
    words_of,
)
from keyart.schemas.catalogue import Artwork

TITLES = 12


def seen(
    *, liked: str = "space", odds: float = 2.0, viewers: int = 60, seed: int = 0
) -> list[Shown]:
    """Return titles of three artworks, 400 impressions each, of which one shows what is liked."""
    rng = random.Random(seed)
    found = []
    for at in range(TITLES):
        level = 0.03 * (1 + at % 4)
        for place, kind in enumerate(("space", "tax", "music")):
            takes = sum(rng.random() < level * (odds if kind == liked else 1.0) for _ in range(400))
            takers = frozenset(f"v{rng.randrange(viewers)}" for _ in range(takes))
            words = frozenset({kind, "the", f"own{at}", f"only{at}{place}"})
            found.append(Shown(f"t{at}", words, 400.0, float(takes), takers))
    return found


def told(shown: list[Shown]) -> Lately:
    return lately_of(shown, from_ms=1, to_ms=2)


def test_what_was_taken_more_and_less_is_said_and_nothing_else() -> None:
    found = told(seen())
    assert found.said == "more often than others: space; less often: music, tax"
    assert found.of("new title") == found.said
    assert told(seen(odds=1.0)) == Lately(from_ms=1, to_ms=2)


def test_levels_of_titles_and_how_often_it_was_shown_are_not_taken_for_it() -> None:
    """Space is in the titles that are liked as a whole, and is shown more: in itself it is not."""
    rng = random.Random(1)
    found = []
    for at in range(TITLES):
        level = 0.2 if at % 2 else 0.02
        for kind in ("space", "music") if at % 2 else ("tax", "music"):
            shown = 900 if kind == "space" else 300
            takes = sum(rng.random() < level for _ in range(shown))
            takers = frozenset(f"v{rng.randrange(99)}" for _ in range(takes))
            found.append(Shown(f"t{at}", frozenset({kind}), float(shown), float(takes), takers))
    assert told(found).said == ""


@pytest.mark.parametrize("title", ["t0", "t7"])
def test_a_title_hears_nothing_of_its_own_takes(title: str) -> None:
    shown = seen()
    turned = [
        each._replace(takes=200.0 if "tax" in each.words else 0.0) if each.title == title else each
        for each in shown
    ]
    assert told(turned).of(title) == told(shown).of(title) != ""
    without = [each for each in shown if each.title != title]
    assert told(shown).of(title) == told(without).said


def test_what_few_viewers_took_is_not_said_whoever_is_left_out() -> None:
    few = seen(viewers=LEAST_VIEWERS - 1)
    assert told(few) == Lately(from_ms=1, to_ms=2)
    # many took it in one title, few in all the others: those others hear of it, that one does not
    loud = [
        each._replace(takers=frozenset(f"w{at}" for at in range(40)))
        if each.title == "t0" and "space" in each.words
        else each
        for each in few
    ]
    assert told(loud).of("t0") == told(loud).of("t1") == ""


def test_what_worked_in_few_titles_or_takes_is_not_said() -> None:
    assert told([each for each in seen() if int(each.title[1:]) < 5]).said == ""
    rare = [each._replace(takes=each.takes / 40, takers=each.takers) for each in seen()]
    assert told(rare).said == ""


def test_titles_that_are_left_hear_what_they_heard() -> None:
    former = Lately(said="a", texts=("b",), titles={"t1": 0})
    fresh = Lately(said="c", texts=("d",), titles={"t2": 0})
    found = keeping(fresh, former, ["t1", "t3"])
    said = {title: found.of(title) for title in ("t1", "t2", "t3", "t4")}
    assert said == {"t1": "b", "t2": "d", "t3": "a", "t4": "c"}
    assert keeping(fresh, NOTHING, []) == fresh


def test_words_are_attributes_and_what_describes_it() -> None:
    artwork = Artwork(id="a", description="A red Rocket, in 2024!", attributes={"Kind": "Action"})
    assert words_of(artwork) == {"red", "rocket", "kind action"}
    long = structs.replace(artwork, description="x" * 50, attributes={"a": "b" * 60})
    assert words_of(long) == frozenset()
