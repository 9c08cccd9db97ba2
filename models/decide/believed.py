"""From beliefs and features to the page that a policy is given: one way, served or evaluated."""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyart.models.bandits.protocol import Floats, Mask, Page, Policy
from keyart.models.belief.beliefs import TitleBeliefs
from keyart.models.decide.index import BELIEF_COLUMNS, MAX_TAKE
from keyart.models.decide.rows import belief_rows
from keyart.models.decide.weights import Shared
from keyart.models.taste.features import F32

LOG_MULTIPLIER: Final = float(np.log(4.0))
"""Taste moves an expected take by a factor of 4 at most, either way."""
_AT: Final = {name: at for at, name in enumerate(BELIEF_COLUMNS)}


class Believed(NamedTuple):
    """A page; beside it, (K, T), the taste multiplier and the expected take without taste."""

    page: Page
    multiplier: Floats
    expected: Floats


def believed(
    x: F32, beliefs: F32, *, mask: Mask, shared: Shared, response: F32 | None = None
) -> Believed:
    """Return what a policy is given of one viewer's page.

    Parameters
    ----------
    x
        (D, K, T) features, centred over each title's artworks.
    beliefs
        (len(BELIEF_COLUMNS), K, T).
    mask
        (K, T).
    response
        (K, T) log of the artworks' own responses; None for none.
    """
    products = shared.rows @ x.reshape(len(x), -1)  # (1 + D, K T)
    log_taste = products[0].reshape(mask.shape)
    if response is not None:
        log_taste += response
    np.minimum(log_taste, LOG_MULTIPLIER, out=log_taste)
    np.maximum(log_taste, -LOG_MULTIPLIER, out=log_taste)
    multiplier = np.exp(log_taste)
    roots = products[1:]
    roots *= roots
    doubt = (_ones(len(roots)) @ roots).reshape(mask.shape)
    return _given(x, beliefs, multiplier, doubt, mask=mask, shared=shared)


def _given(
    x: F32, beliefs: F32, multiplier: Floats, doubt: Floats, *, mask: Mask, shared: Shared
) -> Believed:
    """Return the page of taste factors (K, T) and their relative variances, which are changed."""
    relative = doubt
    relative += beliefs[_AT["relative_variance"]]
    most = np.float32(MAX_TAKE)
    prior_mean = beliefs[_AT["level"]] * beliefs[_AT["prior"]]
    expected = prior_mean * beliefs[_AT["own"]]
    mean = expected * multiplier
    # factors of what is almost always taken may have a product above 1
    for product in (prior_mean, expected, mean):
        np.minimum(product, most, out=product)
    sd = mean * np.sqrt(relative)
    seen = beliefs[_AT["seen"]]
    page = Page(
        mask=mask.T,
        mean=mean.T,
        sd=sd.T,
        seen=seen.T,
        taken=beliefs[_AT["taken"]].T,
        prior_mean=prior_mean.T,
        prior_strength=beliefs[_AT["strength"]].T,
        impressions=(seen * mask).sum(axis=0),
        features=x.transpose(2, 1, 0),
        weights=shared.weights,
        weight_covariance=shared.covariance,
    )
    return Believed(page, multiplier, expected)


class LoggedTaste(NamedTuple):
    """What taste did to each artwork: factors (T, K), and their relative standard deviations."""

    factors: Floats
    doubts: Floats


def page_of(beliefs: TitleBeliefs, taste: LoggedTaste | None = None) -> Page:
    """Return the page of a viewer on the beliefs' first surface; without a taste, of a stranger.

    Features are zeros: with taste, a policy that reads them (LinUCB) is not to be judged on it.
    """
    surfaces = tuple(f"surface {at}" for at in range(beliefs.level.shape[1]))
    table = belief_rows(beliefs, surfaces)[surfaces[0]]
    columns = np.ascontiguousarray(table.transpose(2, 1, 0))
    mask = np.ascontiguousarray(beliefs.mask.T)
    nothing = np.zeros((1, *mask.shape), np.float32)
    factors, doubts = np.ones(mask.shape, np.float32), np.zeros(mask.shape, np.float32)
    if taste is not None:
        factors = np.ascontiguousarray(taste.factors.T, np.float32)
        doubts = np.ascontiguousarray(taste.doubts.T, np.float32) ** 2
    return _given(nothing, columns, factors, doubts, mask=mask, shared=_INDIFFERENT).page


def propensities_on(
    policy: Policy, beliefs: TitleBeliefs, taste: LoggedTaste | None = None
) -> NDArray[np.float64]:
    """Return (T, K): with which probability the policy shows each artwork, as to `page_of`.

    Uniform exploration is not part of it.
    """
    return propensities_of(policy, page_of(beliefs, taste))


def propensities_of(policy: Policy, page: Page) -> NDArray[np.float64]:
    """Return (T, K) the policy's propensities, whose rows sum to one in double precision."""
    wide = np.asarray(policy.propensities(page), np.float64)
    return np.asarray(wide / wide.sum(axis=1, keepdims=True))


@lru_cache(maxsize=64)
def _ones(count: int) -> F32:
    return np.ones(count, dtype=np.float32)


_INDIFFERENT: Final = Shared(
    weights=np.zeros(1, np.float32), covariance=np.zeros((1, 1), np.float32)
)


def centre(x: F32, mask: Mask, *, full: bool) -> None:
    """Centre features (D, K, T) over each title's artworks, in place; masked entries become 0."""
    if full:
        total = x.sum(axis=1, keepdims=True)
        total *= np.float32(1 / x.shape[1])
        x -= total
        return
    x *= mask
    x -= np.divide(x.sum(axis=1, keepdims=True), mask.sum(axis=0).astype(np.float32))
    x *= mask
