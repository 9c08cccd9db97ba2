"""What titles teach each other: trust that follows the truth, levels, and how fast."""

import numpy as np
import pytest

from keyart.models.belief.beliefs import Learned, TitleBeliefs, refresh
from keyart.models.belief.hyper import Hyper
from keyart.models.sums.arrays import Sums
from keyart.schemas.errors import SettingsError

HYPER = Hyper()


def world(truth: float, *, titles: int = 400, shown: float = 400.0, seed: int = 0) -> Sums:
    """Return sums of a world in which the opinions hold to the power `truth`."""
    rng = np.random.default_rng(seed)
    opinion = rng.normal(0.0, 0.2, (titles, 5))
    opinion -= opinion.mean(axis=1, keepdims=True)
    level = np.exp(rng.normal(np.log(0.02), 0.5, (titles, 1)))
    own = rng.gamma(1 / 0.2**2, 0.2**2, (titles, 5))
    expected = rng.integers(1, int(2 * shown), (titles, 5)).astype(float)
    takes = rng.poisson(level * np.exp(truth * opinion) * own * expected).astype(float)
    return Sums.of(takes=takes, expected=expected, opinion=opinion, mask=np.ones((titles, 5), bool))


def believed(sums: Sums) -> tuple[TitleBeliefs, Learned]:
    return refresh(sums, HYPER, Learned.start(HYPER), rounds=6)


@pytest.mark.parametrize("truth", [-1.0, 0.0, 1.0])
def test_trust_finds_the_truth(truth: float) -> None:
    beliefs, learned = believed(world(truth))
    weights = np.exp(learned.version[0] - learned.version[0].max()).reshape(HYPER.shape)
    weights = weights.sum(axis=1) / weights.sum()
    assert HYPER.trusts[int(weights.argmax())] == truth
    assert weights.max() > 0.95
    assert abs(float(beliefs.trust.mean()) - truth) < 0.15


def test_what_is_carried_protects_the_next_title() -> None:
    _, carried = believed(world(-1.0))
    fresh = world(-1.0, titles=1, seed=9)
    nothing = Sums.of(
        takes=fresh.takes * 0, expected=fresh.expected * 0, opinion=fresh.opinion, mask=fresh.mask
    )
    naive, _ = refresh(nothing, HYPER, Learned.start(HYPER))
    warned, _ = refresh(nothing, HYPER, carried)
    assert naive.trust[0] > 0.5
    assert warned.trust[0] < -0.8


def test_levels_are_learned() -> None:
    _, learned = believed(world(1.0))
    assert np.allclose(learned.level_mean, np.log(0.02), atol=0.1)
    assert np.allclose(learned.level_sd, 0.5, atol=0.1)


def test_versions_do_not_teach_each_other() -> None:
    good, bad = world(1.0, titles=200), world(-1.0, titles=200, seed=1)
    both = Sums.of(
        takes=np.concatenate([good.takes, bad.takes]),
        expected=np.concatenate([good.expected, bad.expected]),
        opinion=np.concatenate([good.opinion, bad.opinion]),
        mask=np.concatenate([good.mask, bad.mask]),
        version=np.repeat([0, 1], 200),
    )
    beliefs, _ = refresh(both, HYPER, Learned.start(HYPER, versions=2), rounds=4)
    assert beliefs.trust[:200].mean() > 0.8
    assert beliefs.trust[200:].mean() < -0.8


def test_a_link_of_level_and_opinions_is_no_evidence() -> None:
    """Titles whose opinions differ most have the lowest level; only the best artwork is shown."""
    rng = np.random.default_rng(5)
    spread = rng.uniform(0.05, 0.5, 600)
    opinion = spread[:, None] * np.array([1.0, 0.0, -1.0])
    level = 0.03 * np.exp(-2.0 * spread)
    expected = np.zeros((600, 3))
    expected[:, 0] = 400.0
    takes = np.zeros((600, 3))
    takes[:, 0] = rng.poisson(level * np.exp(opinion[:, 0]) * 400.0)
    sums = Sums.of(takes=takes, expected=expected, opinion=opinion, mask=np.ones((600, 3), bool))
    _, learned = believed(sums)
    by_trust = np.exp(learned.version[0] - learned.version[0].max()).reshape(HYPER.shape)
    by_trust = by_trust.sum(axis=1) / by_trust.sum()
    start = np.exp(HYPER.start()).reshape(HYPER.shape).sum(axis=1)
    assert np.allclose(by_trust, start, atol=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"trusts": (0.5, 1.0)},
        {"spreads": ()},
        {"spreads": (0.1, 0.1)},
        {"trust_kept": 0.0},
        {"level_sd": 0.0},
    ],
)
def test_settings_out_of_range_are_named(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        Hyper(**wrong)  # type: ignore[arg-type]
