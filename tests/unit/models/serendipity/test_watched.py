"""Guardrails of pages of proposals: what they are held against, and when they may speak."""

import pytest

from keyart.models.serendipity.measure.lived import FREE, TABLE
from keyart.models.serendipity.measure.watched import (
    FINE,
    LEAST_VIEWERS,
    LOOK,
    NOVELTY,
    SATISFACTION,
    UNTOLD,
    Came,
    Guard,
    engaged_elsewhere,
    watched,
)
from keyart.schemas import codec
from keyart.schemas.events import Event, Finish, Impression, Like, Play
from tests.unit.models.serendipity.test_lived import EVENTS, T, act, page, place

MANY = LEAST_VIEWERS + 20


def guard(came: Came, name: str) -> Guard:
    return next(each for each in came.guards if each.name == name)


def site(viewers: int, *, new: int, known: int, liked: int) -> list[Event]:
    """Each sees so many places; of proposals played, every `liked`-th viewer finishes theirs."""
    events: list[Event] = []
    for viewer in map(str, range(viewers)):
        titles = [f"n{at}" for at in range(new)] + [f"k{at}" for at in range(known)]
        places = [place(title, title, proposed=title.startswith("n")) for title in titles]
        events.append(page(viewer, *places))
        for title in titles:
            events.append(act(Impression, viewer, title))
            events.append(act(Play, viewer, title, minutes=5.0))
            if title.startswith("k") or int(viewer) % liked == 0:
                events.append(act(Finish, viewer, title))
    return events


def test_the_account_by_hand() -> None:
    came = watched(EVENTS, {"ann": (2, 1), "bob": (1, 1)})
    assert (came.seen, came.new) == (6, 5)
    # 2 pairs of 5 places proposed, none of the one that was not
    assert came.more is not None and came.more.estimate == pytest.approx(400.0)
    (home,) = came.surfaces
    assert (home.surface, home.places, home.dose) == ("home", 6, 0.5)
    assert home.proposed == pytest.approx(5 / 6) and home.random == pytest.approx(1 / 6)
    novelty, satisfaction = guard(came, NOVELTY), guard(came, SATISFACTION)
    assert novelty.share is not None and novelty.share.estimate == pytest.approx(5 / 6)
    assert novelty.beside == 0.5 and novelty.says == UNTOLD and novelty.viewers == 3
    # of three proposals engaged with two were finished or liked; of three others two
    assert satisfaction.share is not None
    assert satisfaction.share.estimate == pytest.approx(2 / 3)
    assert satisfaction.beside == pytest.approx(2 / 3)
    assert satisfaction.over is not None and satisfaction.over.estimate == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("new", "known", "liked", "novelty", "satisfaction"),
    [
        (2, 2, 1, FINE, FINE),  # as new as half of the places, and all is finished
        (1, 5, 1, LOOK, FINE),  # a sixth, where half is meant
        (2, 2, 2, FINE, LOOK),  # half of what was proposed is finished, all that was not
    ],
)
def test_a_guardrail_speaks(
    new: int, known: int, liked: int, novelty: str, satisfaction: str
) -> None:
    came = watched(site(MANY, new=new, known=known, liked=liked))
    assert guard(came, NOVELTY).says == novelty
    assert guard(came, SATISFACTION).says == satisfaction


def test_of_few_viewers_nothing_is_said() -> None:
    few, enough = (
        watched(site(viewers, new=2, known=2, liked=1))
        for viewers in (LEAST_VIEWERS - 1, LEAST_VIEWERS)
    )
    assert {each.says for each in few.guards} == {UNTOLD}
    assert {each.says for each in enough.guards} == {FINE}


def test_an_interval_on_both_sides_cannot_be_told() -> None:
    # three of thirty viewers do not finish what was proposed: a tenth less, and perhaps nothing
    events = [
        each
        for each in site(LEAST_VIEWERS, new=1, known=1, liked=1)
        if not (isinstance(each, Finish) and each.title == "n0" and int(each.viewer) < 3)
    ]
    found = guard(watched(events), SATISFACTION)
    assert found.over is not None and found.over.low < -0.1 < found.over.high
    assert found.says == UNTOLD


def test_what_viewers_find_themselves_is_no_place_of_theirs() -> None:
    events = [
        *(act(Play, "ann", "x", minutes=minutes) for minutes in (1.0, 3.0)),
        act(Like, "ann", "x"),
        act(Play, "ann", "y", minutes=9.0),
        act(Finish, "ann", "shown"),
        act(Finish, "eve", "x"),
        act(Play, "bob", "x", minutes=1.9),
    ]
    found = engaged_elsewhere(events, {"ann", "bob"}, {("ann", "shown")})
    assert found == {"ann": (2, 1)}


def test_nothing_comes_of_no_pages() -> None:
    came = watched([act(Impression, "ann", "a")], since_ms=3, at_ms=T)
    assert (came.seen, came.new, came.more, came.surfaces) == (0, 0, None, ())
    assert [each.says for each in came.guards] == [UNTOLD, UNTOLD]


def test_it_is_kept_as_it_is() -> None:
    came = watched(EVENTS, since_ms=1, at_ms=T)
    assert codec.unpack(codec.pack(came), Came) == came
    assert came.kinds[TABLE].places == 4 and came.kinds[FREE].places == 1
