"""The sample-ratio check of arms, looked at after every step."""

import numpy as np
import pytest

from keyart.models.statistics.ratio import ALARM
from keyart.models.statistics.shares import SharesCheck, check_shares
from keyart.models.statistics.splits import read_split, split_text
from keyart.models.statistics.timeline import REPLICATES
from keyart.schemas.posterior import PolicyBucket

SHARES = {"optimistic": 0.8, "lola": 0.2}


class Viewers:
    """Viewers who are in one arm each, come back, and of one arm lose a share of impressions."""

    def __init__(
        self, rng: np.random.Generator, size: int, lost: float = 0.0, doubled: float = 0.0
    ) -> None:
        self.rng = rng
        self.often = rng.gamma(2.0, 0.5, size)
        self.lola = rng.random(size) < SHARES["lola"]
        self.weights = rng.poisson(1.0, (size, REPLICATES))
        self.shown = np.zeros(size, np.int64)
        self.lost = lost

    def step(self) -> dict[str, PolicyBucket]:
        shown = self.rng.poisson(0.3 * self.often)
        self.shown += np.where(self.lola, self.rng.binomial(shown, 1 - self.lost), shown)
        return {
            arm: PolicyBucket(
                count=int(self.shown[own].sum()),
                counts=(self.shown[own] @ self.weights[own]).tolist(),
            )
            for arm, own in (("optimistic", ~self.lola), ("lola", self.lola))
        }


def check(buckets: dict[str, PolicyBucket]) -> SharesCheck:
    found = check_shares([(SHARES, buckets)])
    assert found is not None
    return found


def test_right_shares_are_not_called_wrong_at_any_look() -> None:
    """A level of 5 % stands for the alarm's 0.1 %, which no suite has the time to see."""
    rng = np.random.default_rng(3)
    lowest = []
    for _ in range(200):
        viewers = Viewers(rng, 800)
        lowest.append(min(check(viewers.step()).p_value for _ in range(40)))
    assert np.mean(np.array(lowest) <= 0.05) <= 0.05


def test_an_arm_that_loses_impressions_is_called_out() -> None:
    viewers = Viewers(np.random.default_rng(4), 20_000, lost=0.15)
    for _ in range(40):
        found = check(viewers.step())
    assert found.p_value < ALARM and not found.passed
    lola = found.arms[1]
    assert lola.arm == "lola"
    assert lola.meant == pytest.approx(0.2)
    assert lola.seen == pytest.approx(0.17 / 0.97, abs=0.01)


def test_a_viewer_who_comes_a_thousand_times_is_one_viewer() -> None:
    """Were impressions counted as if independent, one heavy viewer would ring the alarm."""
    weights = np.random.default_rng(5).poisson(1.0, (501, REPLICATES))
    shown = np.ones(501, np.int64)
    shown[0] = 1000
    own = {"lola": np.r_[0:101], "optimistic": np.r_[101:501]}
    buckets = {
        arm: PolicyBucket(count=int(shown[at].sum()), counts=(shown[at] @ weights[at]).tolist())
        for arm, at in own.items()
    }
    assert check(buckets).passed


def test_shares_that_changed_are_held_against_their_own_time() -> None:
    def half(count: int) -> PolicyBucket:
        return PolicyBucket(count=count, counts=[count + at % 5 - 2 for at in range(REPLICATES)])

    before = ({"a": 0.9, "b": 0.1}, {"a": half(9000), "b": half(1000)})
    after = ({"a": 0.5, "b": 0.5}, {"a": half(5000), "b": half(5000)})
    found = check_shares([before, after])
    assert found is not None and found.passed and found.p_value == 1.0
    assert [each.meant for each in found.arms] == pytest.approx([0.7, 0.3])
    assert check_shares([({"a": 1.0}, {"a": half(10)})]) is None
    assert check_shares([]) is None


def test_a_split_is_read_as_it_was_written() -> None:
    text = split_text(0.05, {"optimistic": 0.9, "lola": 0.1, "uniform": 0.0})
    assert text == "explore=0.05;optimistic=0.9;lola=0.1"
    split = read_split(text)
    assert split.explore == 0.05
    assert list(split.arms.items()) == [("optimistic", 0.9), ("lola", 0.1)]
    assert read_split(split_text(0.0, {"optimistic": 0.0, "lola": 1.0})).arms["optimistic"] == 0.0
    for odd in ("", "x", "explore=a", "=0.5", "explore=0.1;lola=7"):
        assert read_split(odd).arms == {} and read_split(odd).explore is None
