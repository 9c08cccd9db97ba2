"""From marks to a page: what is proposed, what is left out, and how likely each place was."""

from itertools import permutations
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyart.models.serendipity.advice.atlas import Atlas, atlas_of
from keyart.models.serendipity.advice.interests import Interests, interests_of
from keyart.models.serendipity.advice.page import Dose, compose
from keyart.models.serendipity.advice.plan import proposals_of
from keyart.models.serendipity.advice.words import why
from keyart.models.serendipity.table import Manifest, Row, Table, Words
from keyart.models.taste.features import NO_TASTE, TasteVectors
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.explored import ALLOWED, DECLINED, HID, TOOK, mark_of
from tests.unit.models.serendipity.counting import assert_as_often_as_told

NAMES = ("jazz", "soul", "metal", "folk", "opera")


def table(planner: str = "blend", titles: dict[str, int] | None = None) -> Table:
    """Five clusters; after (a, b) come the others, the one after b first, for 9 of 20 people."""
    rows = {}
    for one, two in permutations(range(5), 2):
        others = sorted({*range(5)} - {one, two}, key=lambda each: (each - two) % len(NAMES))
        rows[one, two] = Row(one, two, tuple(others), (20, 20, 9), (9, 4, 9))
    manifest = Manifest(
        vocabulary="v",
        planner=planner,
        clusters=5,
        rows=20,
        words_sha256="",
        rows_sha256="0" * 64,
    )
    words = Words(identity="v", names=NAMES, keywords=tuple((name,) for name in NAMES))
    return Table(manifest=manifest, words=words, rows=rows, titles=titles or {})


def world(each: int = 3, planner: str = "blend") -> Atlas:
    titles = {f"{name}-{at}": place for place, name in enumerate(NAMES) for at in range(each)}
    vectors = np.zeros((len(titles), 64), np.float32)
    for row, (title, place) in enumerate(titles.items()):
        vectors[row, [place, 10]] = 1.0, 0.1 * int(title[-1])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return atlas_of(table(planner, titles), list(titles), vectors)


def of(*explored: int, declined: tuple[int, ...] = (), seen: tuple[int, ...] = ()) -> Interests:
    return Interests(explored, (1,) * len(explored), frozenset(declined), frozenset(seen))


def likes(dimension: int) -> TasteVectors:
    directions = np.zeros((6, 64), np.float32)
    directions[[0, 3], dimension] = 0.5
    return TasteVectors(directions=directions)


def test_marks_become_clusters_in_the_order_in_which_they_were_entered() -> None:
    atlas = world()
    marks = {
        mark_of("folk-0", TOOK): 50,
        mark_of("jazz-1", TOOK): 10,
        mark_of("jazz-2", TOOK): 90,
        mark_of("opera-0", TOOK): 5,
        mark_of("opera-0", HID): 6,
        mark_of("soul-1", HID): 1,
        mark_of("a title that is gone", TOOK): 1,
        mark_of("metal", DECLINED): 7,
        mark_of("soul", DECLINED): 7,
        mark_of("soul", ALLOWED): 8,
        mark_of("opera", ALLOWED): 3,
    }
    found = interests_of(marks, atlas)
    assert found.explored == (0, 3) and found.depths == (2, 1)
    assert found.declined == {2}
    assert {atlas.titles[row] for row in found.seen} == {
        *("folk-0", "jazz-1", "jazz-2", "opera-0", "soul-1")
    }


def test_the_latest_pair_is_followed_and_nothing_explored_is_proposed() -> None:
    found = proposals_of(table(), (0, 1))
    assert found == [2, 3, 4]
    # after (3, 1) comes 2, then 4; the pair before, (0, 3), says 4 first, half as loud
    assert proposals_of(table(), (0, 3, 1)) == [2, 4]
    assert proposals_of(table(), (1,)) == [2, 3, 4, 0]
    assert proposals_of(table(), ()) == []


def test_a_title_that_came_later_is_of_the_cluster_that_it_is_like() -> None:
    atlas = world()
    later = np.zeros((2, 64), np.float32)
    later[0, [2, 1]] = 0.9, 0.1
    more = atlas_of(
        atlas.table, [*atlas.titles, "new", "mute"], np.concatenate([atlas.vectors, later])
    )
    assert more.clusters[-2] == 2 and more.clusters[-1] == -1
    assert more.places["new"] in more.rows[2]


def test_the_page_follows_the_table_and_the_taste() -> None:
    atlas = world()
    page = compose(
        atlas,
        of(0, 1, seen=(8,)),
        proposals_of(atlas.table, (0, 1)),
        likes(10),
        count=5,
        dose=Dose(share=1.0, random=0.0),
        drawn=Random(0),
    )
    # closest to what is liked, `metal-2` but that it was seen; then nothing new is left
    assert [atlas.titles[each.row] for each in page] == [
        *("metal-1", "folk-2", "opera-2"),
        *("jazz-2", "soul-2"),
    ]
    assert [each.propensity for each in page] == [1.0] * 5
    assert (
        why(page[0], atlas, of(0, 1))
        == "You watch jazz and soul; people who do often come to metal."
    )
    # 4 of 20 is not often, and 9 people are too few to say anything of
    for place in page[1:3]:
        name = atlas.names[place.cluster]
        said = f"You watch jazz and soul; {name} is proposed for that."
        assert why(place, atlas, of(0, 1)) == said
    assert why(page[3], atlas, of(0, 1)) == "You watch jazz."


@pytest.mark.parametrize("liked", [10, 2])
@pytest.mark.parametrize("among", [None, (0, 1, 6, 9, 10, 12)])
@pytest.mark.parametrize(("share", "random"), [(1.0, 0.2), (0.4, 0.5), (0.7, 0.0)])
def test_places_come_as_often_as_their_propensities_say(
    share: float, random: float, among: tuple[int, ...] | None, liked: int
) -> None:
    # who likes metal, which the table says first, comes to it both ways
    atlas, drawn, times = world(), Random(7), 4000
    interests, proposals = of(0, 1, declined=(3,)), proposals_of(table(), (0, 1))
    assert_as_often_as_told(
        lambda: compose(
            atlas,
            interests,
            proposals,
            likes(liked),
            count=2,
            dose=Dose(share=share, random=random),
            drawn=drawn,
            among=among,
        ),
        times,
    )


def test_what_is_not_proposed_is_the_closest_of_all_that_is_left() -> None:
    atlas, interests = world(), of(0, 1, declined=(3,), seen=(6,))
    scores = atlas.vectors[:, 2] + 0.0
    page = compose(
        atlas,
        interests,
        proposals_of(table(), (0, 1)),
        likes(2),
        count=4,
        dose=Dose(share=0.0),
        drawn=Random(0),
    )
    left = [row for row in range(15) if row != 6 and atlas.clusters[row] != 3]
    assert [each.row for each in page] == sorted(left, key=lambda row: (-scores[row], row))[:4]
    assert [each.new for each in page] == [True, True, False, False]
    assert not any(each.proposed for each in page)
    assert why(page[0], atlas, interests) == (
        "It is the closest to what you watch, of all that is left; it is of metal."
    )


clusters = st.lists(st.integers(0, 4), unique=True, max_size=5)


@given(clusters, clusters, st.sets(st.integers(0, 14)), st.integers(1, 20), st.randoms())
def test_no_page_has_what_was_seen_or_declined_or_anything_twice(
    explored: list[int], declined: list[int], seen: set[int], count: int, drawn: Random
) -> None:
    atlas = world()
    interests = of(*explored, declined=tuple(declined), seen=tuple(seen))
    proposals = proposals_of(atlas.table, explored)
    dose = Dose(share=0.5, random=0.3)
    page = compose(atlas, interests, proposals, NO_TASTE, count=count, dose=dose, drawn=drawn)
    rows = [each.row for each in page]
    new = [each.cluster for each in page if each.proposed]
    assert len({*rows}) == len(rows) <= count and not {*rows} & seen
    assert len({*new}) == len(new) and not {*new} & {*explored}
    assert not {each.cluster for each in page} & {*declined}
    assert all(0 < each.propensity <= 1 for each in page)
    assert not page or explored


def test_what_a_planner_did_not_learn_from_people_is_not_said_of_people() -> None:
    for planner, said in (("likeness", "is like that"), ("popular", "Many viewers")):
        atlas = world(planner=planner)
        (place,) = compose(
            atlas,
            of(0, 1),
            proposals_of(atlas.table, (0, 1)),
            NO_TASTE,
            count=1,
            dose=Dose(random=0.0),
            drawn=Random(0),
        )
        assert said in why(place, atlas, of(0, 1)) and "people" not in why(place, atlas, of(0, 1))


def test_a_draw_is_told_as_one() -> None:
    atlas = world()
    (place,) = compose(
        atlas,
        of(0, 1),
        proposals_of(atlas.table, (0, 1)),
        NO_TASTE,
        count=1,
        dose=Dose(random=1.0),
        drawn=Random(0),
    )
    assert place.random and place.propensity == pytest.approx(1 / 3)
    assert "drawn at random" in why(place, atlas, of(0, 1))


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_dose_is_a_share(share: float) -> None:
    with pytest.raises(InvalidRecord):
        Dose(share=share)
