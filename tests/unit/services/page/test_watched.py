"""Watched rewards on the page: by policy, filtered as the other figures are."""

from keyart.models.statistics.timeline import EXPLORE
from keyart.schemas.posterior import Noted, Part, PolicyBucket
from keyart.services.page.strata import Filter
from keyart.services.page.watched import watched_of


def bucket(**by_surface: dict[str, Noted]) -> PolicyBucket:
    return PolicyBucket(parts={f"|{at}": Part(watched=its) for at, its in by_surface.items()})


def noted(count: int, gain: float, loss: float) -> Noted:
    return Noted(count, gain, loss, [count] * 32, [gain] * 32, [loss] * 32)


HELD = {
    (0, "optimistic"): bucket(
        home={"left": noted(100, 0.0, 10.0)}, row={"left": noted(50, 0.0, 0.0)}
    ),
    (60, "optimistic"): bucket(home={"left": noted(100, 0.0, 30.0), "likes": noted(100, 5.0, 0.0)}),
    (60, EXPLORE): bucket(home={"left": noted(10, 0.0, 5.0)}),
    (60, "lola"): bucket(home={}),
}


def test_each_is_by_policy_the_control_last() -> None:
    left, likes = watched_of(HELD, Filter(), "optimistic")
    assert (left.reward, likes.reward) == ("left", "likes")
    assert [each.policy for each in left.policies] == ["optimistic", "uniform"]
    ours, control = left.policies
    assert (ours.impressions, ours.mean) == (250, -40 / 250)
    assert ours.low < ours.mean < ours.high < 0.0
    assert (control.impressions, control.mean, control.role) == (10, -0.5, "control")


def test_they_are_of_the_surface_and_time_that_are_asked_for() -> None:
    (left,) = watched_of(HELD, Filter(surface="row"), "optimistic")
    assert [(each.impressions, each.mean) for each in left.policies] == [(50, 0.0)]
    (left,) = watched_of(HELD, Filter(to_ms=60), "optimistic")
    assert [(each.impressions, each.mean) for each in left.policies] == [(150, -10 / 150)]
    assert watched_of({}, Filter(), "optimistic") == ()
