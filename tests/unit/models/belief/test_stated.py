"""What a prior says that it is worth: it moves the spread that is believed, and nothing else."""

import numpy as np
import pytest

from keyart.models.belief.beliefs import Learned, TitleBeliefs, refresh, stated
from keyart.models.belief.hyper import Hyper
from keyart.models.sums.arrays import Sums
from keyart.schemas.errors import SettingsError

HYPER = Hyper(spreads=(0.1, 0.3, 0.9), level_mean=float(np.log(0.02)), stated_within=2.0)
OPINION = np.array([[0.3, -0.3]])


def believed(strength: float, takes: tuple[float, float] = (0.0, 0.0)) -> TitleBeliefs:
    sums = Sums.of(
        takes=np.array([takes]),
        expected=np.array([[400.0, 400.0]]) if sum(takes) else np.zeros((1, 2)),
        opinion=OPINION,
        mask=np.ones((1, 2), bool),
        strength=np.array([strength]),
    )
    return refresh(sums, HYPER, Learned.start(HYPER))[0]


def test_an_opinion_worth_much_leaves_little_to_the_artwork_itself() -> None:
    strengths = [1 / (0.02 * spread**2) for spread in HYPER.spreads]  # 5,000, 556 and 62
    spreads = [float(believed(strength).spread[0]) for strength in strengths]
    assert sorted(spreads) == spreads
    assert spreads[0] < 0.5 * spreads[-1]
    moved = [float(believed(s, (16.0, 4.0)).log_relative[0, 0]) for s in strengths]
    assert moved == sorted(moved)  # the same takes move a weak opinion further


def test_nothing_said_is_nothing_assumed() -> None:
    sums = Sums.of(
        takes=np.zeros((2, 2)),
        expected=np.zeros((2, 2)),
        opinion=np.repeat(OPINION, 2, axis=0),
        mask=np.ones((2, 2), bool),
        strength=np.array([0.0, 500.0]),
    )
    words = stated(sums, HYPER, Learned.start(HYPER).level_mean).reshape(*HYPER.shape, 2)
    assert np.abs(words[..., 0]).max() < 1e-12
    assert np.abs(words[HYPER.trusts.index(0.0)]).max() < 1e-12
    # no trust is favoured: over the spreads a statement is a distribution
    np.testing.assert_allclose(np.exp(words).mean(axis=1), 1.0)


def test_a_statement_does_not_move_trust_before_takes_do() -> None:
    assert believed(60.0).trust[0] == pytest.approx(believed(0.0).trust[0])


def test_takes_overrule_what_was_said() -> None:
    far = believed(5000.0, (60.0, 1.0))
    assert far.spread[0] > 0.3


def test_a_factor_of_one_is_refused() -> None:
    with pytest.raises(SettingsError, match="stated_within"):
        Hyper(stated_within=1.0)
