"""Arms handed in: who gets which, and what cannot be an experiment."""

from collections import Counter

import pytest

from keyart.models.bandits.registry import build_policy
from keyart.models.decide.engine import Decider
from keyart.models.decide.experiment import Arm, Experiment
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
