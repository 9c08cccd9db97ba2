"""Responses against an independent fit, the spread that is learned, and none where none is."""

import numpy as np
import pytest
from scipy.optimize import minimize

from keyart.models.belief.responses import (
    BLOCKS,
    SPREADS,
    Coordinates,
    ResponseSums,
    coordinates,
    first_odds,
    learned_odds,
    respond,
    tell,
)
from keyart.schemas.context import AXES, SIZE, SKETCH

Array = np.ndarray


class Site:
    """T titles of K artworks, each shown N times with its own true response to situations."""

    def __init__(
        self,
        spread: float,
        *,
        titles: int,
        shown: int,
        context: float = 0.0,
        usual: float = 0.3,
        even: float = 20.0,
        seed: int = 0,
    ) -> None:
        rng = np.random.default_rng(seed)
        artworks, base = 4, 0.1
        shape = (titles, artworks, shown, SIZE)
        mixed = np.linalg.qr(rng.normal(size=(AXES, AXES)))[0]
        widths = np.r_[np.linspace(1.6, 0.4, AXES), np.ones(SIZE - AXES)]
        z = rng.normal(size=shape) * widths
        z[..., :AXES] = z[..., :AXES] @ mixed
        z += rng.normal(0.0, usual, SIZE)
        self.true = np.empty((titles, artworks, SIZE))
        self.true[..., :AXES] = rng.normal(0.0, spread, (titles, artworks, AXES))
        self.true[..., AXES:] = rng.normal(0.0, context, (titles, artworks, SIZE - AXES))
        # what was expected is wrong by a factor that no response should answer for
        self.level = rng.gamma(even, 1 / even, (titles, artworks))
        rate = base * self.level[..., None] * np.exp(np.einsum("tknz,tkz->tkn", z, self.true))
        self.z, self.base, self.y = z, base, rng.poisson(rate).astype(float)
        e = np.full(self.y.shape, base)
        self.sums = ResponseSums(
            taken=self.y.sum(axis=2),
            expected=e.sum(axis=2),
            shown=(e[..., None] * z).sum(axis=2),
            told=(self.y[..., None] * z).sum(axis=2),
            squares=np.stack(
                [
                    (e[..., None] * z[..., :AXES] ** 2).sum(axis=(2, 3)),
                    (e[..., None] * z[..., AXES:] ** 2).sum(axis=(2, 3)),
                ],
                axis=2,
            ),
        )
        flat = z.reshape(-1, SIZE)
        self.at = coordinates(np.cov(flat.T), flat.mean(axis=0))

    def own(self) -> Array:
        """Return the true responses around what the artworks of a title share."""
        return np.asarray(self.true - self.true.mean(axis=1, keepdims=True))


def learned(site: Site) -> tuple[Array, Array]:
    told = tell(site.sums, site.at)
    odds = learned_odds(told.evidence)
    return respond(told, odds, site.at), odds


def test_responses_are_those_of_an_independent_fit() -> None:
    """Penalised Poisson regression, artwork by artwork, by a general optimiser."""
    site = Site(0.1, titles=2, shown=4000)
    site.at = coordinates(np.cov(site.z.reshape(-1, SIZE).T))
    told = tell(site.sums, site.at)
    odds = np.full((2, len(SPREADS)), 1e-99)
    odds[:, SPREADS.index(0.1)] = 1.0
    found = respond(told, odds, site.at)
    for title in range(2):

        def lost(parts: Array, title: int = title) -> tuple[float, Array]:
            level, own = parts[:4], parts[4:].reshape(4, SIZE)
            log = level[:, None] + np.einsum("knz,kz->kn", site.z[title], own)
            rate = site.base * np.exp(log)
            # isotropic where a coordinate varies by 1, around a mean that is as far from nothing
            scaled = own * site.at.scale
            off = scaled - scaled.sum(axis=0) / 5.0
            value = (rate - site.y[title] * log).sum() + 0.5 * (off * scaled).sum() / 0.1**2
            slope = rate - site.y[title]
            d_own = np.einsum("kn,knz->kz", slope, site.z[title])
            return value, np.r_[slope.sum(axis=1), (d_own + off * site.at.scale / 0.1**2).ravel()]

        fit = minimize(lost, np.zeros(4 + 4 * SIZE), jac=True, method="L-BFGS-B")
        own = fit.x[4:].reshape(4, SIZE)
        own = own - own.mean(axis=0)
        mine = found[title] - found[title].mean(axis=0)
        assert np.corrcoef(mine.ravel(), own.ravel())[0, 1] > 0.97
        assert (mine * own).sum() / (own * own).sum() == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("true", [0.1, 0.2])
def test_the_spread_is_learned_from_all_titles(true: float) -> None:
    site = Site(true, titles=60, shown=600)
    found, odds = learned(site)
    assert odds[0].argmax() == SPREADS.index(true) and odds[0].max() > 0.5
    # of context nothing is to be learned here
    assert odds[1].argmax() == 0
    own = site.own()[..., :AXES]
    wrong = ((found[..., :AXES] - own) ** 2).sum()
    assert wrong < 0.75 * (own**2).sum()


def test_where_nothing_responds_nothing_is_learned() -> None:
    site = Site(0.0, titles=60, shown=600)
    found, odds = learned(site)
    assert odds[:, 0].min() > 0.9
    moved = np.einsum("tknz,tkz->tkn", site.z[:, :, :20], found)
    assert np.abs(moved).mean() < 0.03


def test_a_level_that_was_far_off_is_no_response() -> None:
    """A new site expects a fifth of what is taken, until it knows better."""
    site = Site(0.0, titles=200, shown=40)
    less = {
        name: getattr(site.sums, name) / 5.0 for name in FIELDS if name not in ("taken", "told")
    }
    sums = ResponseSums(taken=site.sums.taken, told=site.sums.told, **less)
    told = tell(sums, site.at)
    odds = learned_odds(told.evidence)
    assert odds[:, 0].min() > 0.9
    moved = np.einsum("tknz,tkz->tkn", site.z[:, :, :20], respond(told, odds, site.at))
    assert np.abs(moved).mean() < 0.05


def test_one_that_is_taken_less_often_does_not_respond_to_what_is_usual() -> None:
    """Viewers of a site are alike in most of what they like: situations lie far from zero."""
    site = Site(0.0, titles=200, shown=150, usual=1.0, even=4.0)
    found, odds = learned(site)
    assert odds[:, 0].min() > 0.9
    level = np.einsum("tkz,z->tk", found, site.z.mean(axis=(0, 1, 2)))
    assert np.abs(level).max() < 0.3 and np.abs(level).mean() < 0.02


def test_what_grows_while_viewers_become_known_is_no_response() -> None:
    rng = np.random.default_rng(3)
    known = np.linspace(0.05, 1.0, 4000)[:, None]
    away = np.r_[np.full(AXES, 0.5), np.zeros(SKETCH)]
    own = np.r_[np.full(AXES, 0.4), np.zeros(SKETCH)]
    z = known * (away + own * rng.normal(size=(2, 4000, SIZE)))
    # one of two is taken ever more often, by all alike
    y = np.stack((np.full(4000, 0.1), 0.1 * np.exp(known[:, 0])))
    sums = ResponseSums(
        taken=y.sum(axis=1)[None],
        expected=np.full((1, 2), 400.0),
        shown=0.1 * z.sum(axis=1)[None],
        told=np.einsum("kn,knz->kz", y, z)[None],
        squares=0.1 * np.stack([(z[..., of] ** 2).sum(axis=(1, 2)) for of in BLOCKS], axis=1)[None],
    )
    flat = z.reshape(-1, SIZE)
    at = coordinates(np.cov(flat.T), flat.mean(axis=0))
    odds = np.full((2, len(SPREADS)), 1e-99)
    odds[:, SPREADS.index(0.2)] = 1.0
    seen = respond(tell(sums, at), odds, at)
    blind = coordinates(np.cov(flat.T))
    led = respond(tell(sums, blind), odds, blind)
    far = [float(np.abs(each[0] @ flat.mean(axis=0)).max()) for each in (seen, led)]
    assert far[0] < 1e-9 and far[1] > 0.05


def test_what_was_not_seen_does_not_respond_and_an_even_error_is_none() -> None:
    site = Site(0.2, titles=3, shown=600)
    zeros = ResponseSums(**{name: 0.0 * getattr(site.sums, name) for name in FIELDS})
    assert not respond(tell(zeros, site.at), first_odds(), site.at).any()
    # an artwork that is taken more often than expected, whatever the situation, has no response
    twice = ResponseSums(
        taken=50.0 * site.sums.expected,
        expected=site.sums.expected,
        shown=site.sums.shown,
        told=50.0 * site.sums.shown,
        squares=site.sums.squares,
    )
    odds = np.full((2, len(SPREADS)), 1.0 / len(SPREADS))
    assert np.abs(respond(tell(twice, site.at), odds, site.at)).max() < 0.01


def test_before_anything_is_known_of_situations_nothing_responds() -> None:
    site = Site(0.2, titles=2, shown=50)
    blank: Coordinates = coordinates(np.zeros((SIZE, SIZE)))
    assert not respond(tell(site.sums, blank), first_odds(), blank).any()


FIELDS = ("taken", "expected", "shown", "told", "squares")
