"""Arms handed in: who gets which, and what cannot be an experiment."""

from collections import Counter

import pytest

from keyart.models.bandits.holdback import Holdback
from keyart.models.bandits.registry import build_policy
from keyart.models.decide.engine import Decider
from keyart.models.decide.experiment import Arm, Experiment
from keyart.models.statistics.splits import read_split
from keyart.schemas.errors import SettingsError


def arms(**shares: float) -> list[Arm]:
    return [Arm(share, name, Decider(policy=build_policy(name))) for name, share in shares.items()]


def test_a_viewer_stays_and_a_larger_share_only_adds_viewers() -> None:
    one = Experiment(arms(optimistic=0.8, uniform=0.2), explore_share=0.05)
    two = Experiment(arms(optimistic=0.7, uniform=0.3), explore_share=0.05)
    viewers = [f"{at:032x}" for at in range(5_000)]
    first, second = ([each.arm(viewer).name for viewer in viewers] for each in (one, two))
    assert [one.arm(viewer).name for viewer in viewers] == first
    assert Counter(first)["uniform"] / 5_000 == pytest.approx(0.2, abs=0.02)
    assert all(now == "uniform" for was, now in zip(first, second, strict=True) if was == "uniform")


@pytest.mark.parametrize(
    "wrong", [[], arms(optimistic=0.5), arms(optimistic=1.5, uniform=-0.5), arms(uniform=0.5) * 2]
)
def test_what_is_no_experiment(wrong: list[Arm]) -> None:
    with pytest.raises(SettingsError):
        Experiment(wrong, explore_share=0.05)


def test_the_holdback_is_drawn_before_the_arms_and_apart_from_them() -> None:
    held = Arm(0.1, "holdback", Decider(policy=Holdback(), explore_share=0.0))
    made = Experiment(arms(uniform=0.5, thompson=0.5), explore_share=0.05, holdback=held)
    plain = Experiment(arms(uniform=0.5, thompson=0.5), explore_share=0.05)
    viewers = [f"{at:032x}" for at in range(20_000)]
    names = [made.arm(viewer).name for viewer in viewers]
    shares = {name: names.count(name) / len(names) for name in set(names)}
    # five standard deviations
    assert shares["holdback"] == pytest.approx(0.1, abs=0.011)
    assert shares["uniform"] == pytest.approx(0.45, abs=0.018)
    for viewer, name in zip(viewers, names, strict=True):
        assert name in ("holdback", plain.arm(viewer).name), "the others stay where they were"
    in_hold = [
        plain.arm(viewer).name
        for viewer, name in zip(viewers, names, strict=True)
        if name == "holdback"
    ]
    assert in_hold.count("uniform") / len(in_hold) == pytest.approx(0.5, abs=0.056)
    assert read_split(made.split).arms == {"uniform": 0.45, "thompson": 0.45, "holdback": 0.1}
    larger = Experiment(
        arms(uniform=1.0),
        explore_share=0.05,
        holdback=Arm(0.2, "holdback", held.decider),
    )
    assert all(
        larger.arm(v).name == "holdback"
        for v, name in zip(viewers, names, strict=True)
        if name == "holdback"
    )
