"""A title's rules in words, whether they hold, and the cost that the page tells of them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from msgspec import structs

from keyart.models.decide.index import ANY_SURFACE
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.ruled import BOUNDED, DEFAULTED, NARROWED, PINNED, Ruled
from keyart.schemas.rules import Least, Pin, Rules
from keyart.services.page.title_views import RuledView
from keyart.streams.catalogue.upsert import upsert
from tests.unit.services.page.test_insight import NOW_MS, Stage, Still, reward

NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)
DAY = timedelta(days=1)
LEVEL = 0.1


def with_rules(*rules: Rules | None, default: str = "") -> Stage:
    stage = Stage(Still())
    artworks = tuple(Artwork(id=f"t1-{at}", rules=each) for at, each in enumerate(rules))
    whole = Title(id="t1", default=default, artworks=artworks)
    stage.titles["t1"] = upsert(None, whole, now_ms=1)
    return stage


def said(*rules: Rules | None, default: str = "") -> list[tuple[str, str, str]]:
    view = with_rules(*rules, default=default).insight().title("t1")
    return [(each.words, each.state, each.now) for each in view.rules]


@pytest.mark.parametrize(
    ("rules", "words", "state", "now"),
    [
        (
            Rules(starts=NOW - DAY, ends=NOW + DAY),
            "may be chosen from 13 Nov 2023, 22:15 UTC until 15 Nov 2023, 22:15 UTC",
            "holds",
            "open now",
        ),
        (Rules(starts=NOW + DAY), "may be chosen from 15 Nov 2023, 22:15 UTC", "waits", "not yet"),
        (Rules(ends=NOW), "may be chosen until 14 Nov 2023, 22:15 UTC", "over", "over"),
        (
            Rules(only={"surface": ("home", "row"), "kids": (True,), "hour": (21.0,)}),
            "only where surface is home or row and kids is true and hour is 21",
            "asked",
            "asked of each request",
        ),
        (Rules(pin=Pin(share=0.125)), "pinned to 12.5 % of choices", "holds", "holds now"),
        (
            Rules(pin=Pin(starts=NOW + DAY)),
            "pinned to 100 % of choices from 15 Nov 2023, 22:15 UTC",
            "waits",
            "not yet",
        ),
        (
            Rules(least=Least(share=0.2)),
            "at least 20 % of choices until it has 1,000 impressions",
            "holds",
            "holds now",
        ),
        (Rules(most=0.3), "at most 30 % of choices", "holds", "holds now"),
    ],
)
def test_a_rule_in_words_and_whether_it_holds(
    rules: Rules, words: str, state: str, now: str
) -> None:
    assert said(rules, None) == [(words, state, now)]


def test_what_may_not_be_chosen_has_no_share_either() -> None:
    waiting, over = Rules(starts=NOW + DAY, most=0.5), Rules(ends=NOW - DAY, pin=Pin())
    assert [each[1:] for each in said(waiting, over)] == [
        ("waits", "not yet"),
        ("waits", "not yet"),
        ("over", "over"),
        ("over", "over with it"),
    ]


def test_a_lower_bound_is_met_by_what_was_seen() -> None:
    stage = with_rules(Rules(least=Least(share=0.2, impressions=50.0)), None)
    rows = np.full((3, 8), 0.1, np.float32)
    rows[:, 4] = 60.0
    stage.index.believe("t1", ("t1-0", "t1-1", "t1-2"), {ANY_SURFACE: rows})
    (view,) = stage.insight().title("t1").rules
    assert (view.state, view.now) == ("over", "met: it has 60")


def test_the_default_is_told_of_a_title_with_rules() -> None:
    assert said(None, None, default="t1-1") == []
    assert said(Rules(most=0.3), None, default="t1-1")[1][0].startswith("stands in")


def test_titles_with_rules_are_marked_in_the_list() -> None:
    found = with_rules(Rules(most=0.3), None, Rules(most=0.2)).insight().titles(search="", limit=9)
    assert {row.id: row.ruled for row in found.titles} == {"t1": 2, "t2": 0}


def did(own: tuple[float, float, float], spread: float, *ruled: Ruled | None) -> RuledView | None:
    """Return what is told of one impression each, with these factors of the artworks."""
    stage = with_rules(Rules(most=0.3), None, None)
    rows = np.ones((3, 8), np.float32)
    rows[:, 2], rows[:, 3] = own, spread
    stage.index.believe("t1", ("t1-0", "t1-1", "t1-2"), {ANY_SURFACE: rows})
    stage.learn(
        [structs.replace(reward(at), ruled=each, level=LEVEL) for at, each in enumerate(ruled)]
    )
    return stage.insight().title("t1").ruled


def test_what_rules_changed_is_counted_by_how() -> None:
    found = did(
        (1.0, 1.0, 1.0),
        0.04,
        None,
        Ruled(NARROWED | PINNED, 0.25),
        Ruled(NARROWED | BOUNDED, 0.5),
        Ruled(DEFAULTED, 1.0),
    )
    assert found is not None
    assert (found.impressions, found.touched) == (4, 3)
    assert (found.narrowed, found.bounded, found.pinned, found.defaulted) == (2, 1, 1, 1)
    assert found.changed == pytest.approx(1.75)
    assert did((1.0, 1.0, 1.0), 0.04, None, None) is None


FORGONE = (0.5, -0.25, -0.25)
OWN = (2.0, 1.0, 0.5)


def test_the_cost_is_told_with_the_interval_of_what_is_believed() -> None:
    moved = Ruled(NARROWED, 0.5, ("t1-0", "t1-1", "t1-2"), FORGONE)
    found = did(OWN, 0.04, *[moved] * 20)
    assert found is not None
    # an artwork's belief errs alike in all twenty: its draws are drawn once
    draws = np.random.default_rng(1).normal(1.0, 0.2, (200_000, 3)) * OWN
    costs = 20 * LEVEL * draws @ np.array(FORGONE)
    assert found.cost == pytest.approx(20 * LEVEL * 0.625, rel=1e-6)
    assert found.cost == pytest.approx(costs.mean(), rel=0.01)
    assert (found.low, found.high) == pytest.approx(np.quantile(costs, (0.025, 0.975)), rel=0.02)
    assert found.told


def test_what_is_not_known_well_enough_is_not_told() -> None:
    moved = Ruled(NARROWED, 0.5, ("t1-0", "t1-1"), (0.5, -0.5))
    found = did((1.1, 1.0, 1.0), 0.16, *[moved] * 20)
    assert found is not None and found.low < 0.0 < found.cost < found.high and not found.told


def test_of_an_artwork_that_is_gone_nothing_is_believed() -> None:
    found = did((1.0, 1.0, 1.0), 0.04, Ruled(NARROWED, 0.5, ("gone",), (0.5,)))
    assert found is not None
    assert (found.cost, found.high) == pytest.approx((0.05, 0.05 + 1.96 * 0.05 * 0.4), rel=1e-5)
