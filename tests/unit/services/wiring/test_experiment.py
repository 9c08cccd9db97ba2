"""Who is in which arm, and what is logged of it."""

from collections import Counter

import pytest

from keyart.models.statistics.splits import read_split
from keyart.schemas.errors import SettingsError
from keyart.services.wiring.experiment import experiment_of
from keyart.services.wiring.settings import Settings


def test_the_split_that_is_logged_is_the_one_that_viewers_get() -> None:
    experiment = experiment_of(Settings(experiment="lola=0.2,uniform=0.1", explore_share=0.05))
    split = read_split(experiment.split)
    assert split.explore == 0.05
    assert list(split.arms) == ["optimistic", "lola", "uniform", "holdback"]
    served = Counter(experiment.arm(f"{at:032x}").name for at in range(20_000))
    for arm, share in split.arms.items():
        assert served[arm] / 20_000 == pytest.approx(share, abs=0.01)


def test_without_an_experiment_the_split_is_the_default_policy() -> None:
    assert experiment_of(Settings(holdback=0)).split == "explore=0.05;optimistic=1"
    assert experiment_of(Settings()).split == "explore=0.05;optimistic=0.99;holdback=0.01"


def test_the_default_policy_cannot_be_an_arm_beside_itself() -> None:
    with pytest.raises(SettingsError, match="optimistic is KEYART_POLICY"):
        experiment_of(Settings(experiment="optimistic=0.2"))
