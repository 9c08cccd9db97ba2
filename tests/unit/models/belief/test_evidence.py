"""The evidence against direct integration, and the belief against Bayes by numbers."""

import numpy as np
import pytest
from scipy import integrate, stats

from keyart.models.belief.beliefs import Learned, refresh
from keyart.models.belief.evidence import weigh
from keyart.models.belief.hyper import Hyper
from keyart.models.sums.arrays import Sums

HYPER = Hyper(trusts=(-1.0, 0.0, 1.0), spreads=(0.2, 0.4))
TAKES = np.array([[12.0, 3.0, 0.0], [1.0, 0.0, 0.0], [40.0, 55.0, 0.0]])
SHOWN = np.array([[500.0, 200.0, 0.0], [60.0, 10.0, 90.0], [2000.0, 2100.0, 0.0]])
OPINION = np.array([[0.3, -0.3, 0.0], [0.2, 0.1, -0.3], [-0.2, 0.2, 0.0]])
MASK = np.array([[True, True, False], [True, True, True], [True, True, False]])


def sums(takes: np.ndarray = TAKES, shown: np.ndarray = SHOWN) -> Sums:
    return Sums.of(takes=takes, expected=shown, opinion=OPINION, mask=MASK)


def by_quadrature(title: int, trust: float, spread: float, mean: float, sd: float) -> float:
    """Return log p(takes) by integrating negative binomials over the level, scipy only."""
    of = MASK[title]
    takes, shown, opinion = TAKES[title, of], SHOWN[title, of], OPINION[title, of]
    share = np.exp(trust * (opinion - opinion.mean()))
    share /= (share * shown).sum() / shown.sum()
    shape = 1.0 / spread**2

    def integrand(log_level: float) -> float:
        expected = np.exp(log_level) * share * shown
        like = stats.nbinom.pmf(takes, shape, shape / (shape + expected)).prod()
        return float(like * stats.norm.pdf(log_level, mean, sd))

    value, _ = integrate.quad(integrand, mean - 8 * sd, mean + 8 * sd, limit=400, epsabs=0.0)
    return float(np.log(value))


@pytest.mark.parametrize("title", [0, 1, 2])
def test_evidence_is_the_integral_up_to_a_constant(title: int) -> None:
    mean, sd = np.log(0.02), 0.7
    grid = np.full((1, 1, HYPER.size), 1.0)
    found = weigh(sums(), level_mean=grid * mean, level_sd=grid * sd, hyper=HYPER)
    mine = found.log_evidence[:, title].reshape(HYPER.shape)
    true = np.array(
        [
            [by_quadrature(title, trust, spread, mean, sd) for spread in HYPER.spreads]
            for trust in HYPER.trusts
        ]
    )
    # Laplace's approximation of one lognormal level is good to a few hundredths of a nat
    assert np.allclose(mine - mine[0, 0], true - true[0, 0], atol=0.05)


def test_two_surfaces_of_one_level_are_one_surface() -> None:
    split = np.stack([TAKES * 0.5, TAKES * 0.5], axis=2), np.stack([SHOWN * 0.5] * 2, axis=2)
    grid = np.full((1, 1, HYPER.size), 1.0)
    # with levels all but free, two surfaces with the same take fraction teach what one teaches
    wide = {"level_mean": grid * np.log(0.02), "level_sd": grid * 50.0}
    one = weigh(sums(), hyper=HYPER, **wide)
    both = {name: np.concatenate([value, value], axis=1) for name, value in wide.items()}
    two = weigh(sums(*split), hyper=HYPER, **both)
    assert np.allclose(two.log_level[0], two.log_level[1])
    assert np.allclose(two.log_level[0], one.log_level[0], atol=0.02)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    learned = Learned.start(HYPER)
    whole, _ = refresh(sums(), HYPER, learned)
    monkeypatch.setattr("keyart.models.belief.evidence.CHUNK", 2)
    monkeypatch.setattr("keyart.models.belief.beliefs.CHUNK", 2)
    parts, _ = refresh(sums(), HYPER, learned)
    for name in ("level", "log_relative", "prior_log", "cv", "trust", "spread"):
        assert np.allclose(getattr(whole, name), getattr(parts, name))


def test_belief_given_trust_and_spread_is_gamma() -> None:
    hyper = Hyper(trusts=(0.0,), spreads=(0.3,), level_mean=float(np.log(0.02)), level_sd=0.05)
    beliefs, _ = refresh(sums(), hyper, Learned.start(hyper))
    shape, rate = 1 / 0.3**2, 1 / 0.3**2 + beliefs.level[0, 0] * SHOWN[0, :2]
    posterior = stats.gamma(shape + TAKES[0, :2], scale=1 / rate)
    assert np.allclose(np.exp(beliefs.log_relative[0, :2]), posterior.mean())
    assert np.allclose(beliefs.cv[0, :2], posterior.std() / posterior.mean())
    assert beliefs.log_relative[0, 2] == 0.0
    assert beliefs.cv[0, 2] == 0.0


def test_nothing_seen_means_the_prior_as_far_as_it_is_trusted() -> None:
    nothing = sums(TAKES * 0, SHOWN * 0)
    beliefs, learned = refresh(nothing, HYPER, Learned.start(HYPER))
    weights = np.exp(HYPER.start()).reshape(HYPER.shape).sum(axis=1)
    weights = Hyper(trusts=HYPER.trusts, spreads=(0.3,)).kernel().T @ weights
    shares = np.exp(np.multiply.outer(np.array(HYPER.trusts), OPINION[0, :2]))
    shares /= shares.mean(axis=1, keepdims=True)
    assert np.allclose(np.exp(beliefs.prior_log[0, :2]), weights @ shares)
    assert np.allclose(beliefs.log_relative, beliefs.prior_log)
    assert np.allclose(learned.level_titles, HYPER.level_titles)
