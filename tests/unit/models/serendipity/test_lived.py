"""What came of pages, against an account by hand."""

from random import Random

import pytest

from keyart.models.serendipity.measure.lived import FREE, KINDS, RANDOM, TABLE, WINDOW_MS, lived
from keyart.schemas.events import Event, Finish, Hide, Impression, Like, Play, Proposed
from keyart.schemas.events import ProposedTitle as Place

T = 1_000_000


def page(viewer: str, *places: Place, at_ms: int = T) -> Proposed:
    return Proposed(
        id=f"{viewer}{at_ms}",
        viewer=viewer,
        occurred_at_ms=at_ms,
        surface="home",
        table="t",
        titles=places,
        dose=0.5,
        random=0.1,
    )


def act(kind: type, viewer: str, title: str, at_ms: int = T + 5, **more: float) -> Event:
    name = f"{kind.__name__}{viewer}{title}{at_ms}"
    made: Event = kind(
        id=name, viewer=viewer, title=title, artwork="a", occurred_at_ms=at_ms, **more
    )
    return made


def place(title: str, cluster: str, **more: bool) -> Place:
    return Place(title=title, cluster=cluster, propensity=0.5, **more)


EVENTS: list[Event] = [
    # two titles of one cluster are one pair; a third place was not seen
    page("ann", place("a", "jazz"), place("b", "jazz"), place("c", "soul")),
    act(Impression, "ann", "a"),
    act(Impression, "ann", "b"),
    act(Play, "ann", "a", minutes=3.0),
    act(Finish, "ann", "b"),
    act(Finish, "ann", "c"),
    # a minute is a look; a hide is told; what comes after the window is of no page
    page("bob", place("a", "jazz"), place("c", "soul"), place("d", "folk", explored=True)),
    act(Impression, "bob", "a"),
    act(Impression, "bob", "c"),
    act(Impression, "bob", "d"),
    act(Play, "bob", "a", minutes=1.0),
    act(Hide, "bob", "c"),
    act(Like, "bob", "a", at_ms=T + WINDOW_MS + 1),
    act(Like, "bob", "d"),
    # what was done before the page, or by somebody else, is not of it
    page("cat", place("e", "opera", proposed=False)),
    act(Impression, "cat", "e"),
    act(Finish, "cat", "e", at_ms=T - 1),
    act(Finish, "dan", "e"),
]


def test_pairs_are_counted_once_of_places_that_were_seen() -> None:
    found = lived(EVENTS)
    table = found[TABLE]
    assert (table.places, table.viewers) == (4, 2)
    assert table.ueuc is not None and table.ueuc.estimate == pytest.approx(1000 * 1 / 4)
    assert table.engaged is not None and table.engaged.estimate == pytest.approx(2 / 4)
    assert table.hidden is not None and table.hidden.estimate == pytest.approx(1 / 4)
    assert table.satisfied == pytest.approx(1 / 2)
    drawn = found[RANDOM].ueuc
    assert drawn is not None and drawn.estimate == 1000.0
    known = found[FREE]
    assert (known.places, known.viewers) == (1, 1) and known.engaged is not None
    assert known.engaged.estimate == 0.0 and known.satisfied == 0.0


def test_what_was_free_is_a_discovery_where_its_cluster_was_new() -> None:
    places = (place("a", "jazz", proposed=False, new=True), place("b", "soul", proposed=False))
    events = [page("eve", *places), *(act(Impression, "eve", title) for title in "ab")]
    events += [act(Finish, "eve", "a"), act(Finish, "eve", "b")]
    free = lived(events)[FREE]
    assert (free.places, free.satisfied) == (2, 1.0)
    assert free.ueuc is not None and free.ueuc.estimate == 500.0


def test_the_order_of_events_says_nothing() -> None:
    shuffled = EVENTS.copy()
    Random(4).shuffle(shuffled)
    one, other = lived(EVENTS), lived(shuffled)
    for kind in KINDS:
        here, there = one[kind], other[kind]
        assert (here.places, here.viewers) == (there.places, there.viewers)
        assert here.satisfied == there.satisfied


def test_of_no_pages_nothing_is_said() -> None:
    found = lived([act(Impression, "ann", "a"), act(Finish, "ann", "a")])
    assert all(each.places == 0 and each.ueuc is None for each in found.values())


def test_a_page_seen_twice_is_two_pages_and_one_pair() -> None:
    later = T + 1000
    found = lived(
        [
            page("ann", place("a", "jazz")),
            page("ann", place("a", "jazz"), at_ms=later),
            act(Impression, "ann", "a"),
            act(Impression, "ann", "a", at_ms=later + 5),
            act(Finish, "ann", "a", at_ms=later + 6),
        ]
    )[TABLE]
    assert found.places == 2 and found.ueuc is not None
    assert found.ueuc.estimate == pytest.approx(500.0)
