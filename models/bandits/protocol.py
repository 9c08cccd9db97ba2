"""What every policy is given, what it returns, and how a choice is read off its propensities."""

import hashlib
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.decisions import Terms

Floats = NDArray[Any]
"""float32 or float64, as the caller chose; policies compute in what they are given."""
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]
REASONS: Final = ("taste", "prior", "own", "bonus")
"""What may be named as the reason of a choice: factors of the expected take, and the bonus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Beliefs about all artworks of T titles, padded to K artworks: one viewer, one surface.

    What stands where `mask` is False is arbitrary but finite; every title has at least one artwork.

    Parameters
    ----------
    mask
        (T, K) bool. Which entries are artworks that may be chosen.
    mean
        (T, K) in 0 to 1. Expected take probability: level x prior x taste x own deviation.
    sd
        (T, K), at least 0. Standard deviation of that belief.
    seen
        (T, K), at least 0. Effective impressions.
    taken
        (T, K), at least 0. Effective takes.
    prior_mean
        (T, K) in 0 to 1. Expected take by level and prior alone.
    prior_strength
        (T, 1) or (T, K), at least 0. What the prior is worth, in impressions.
    impressions
        (T,) at least 0. Effective impressions of the whole title.
    features
        (T, K, D) centred over the title's artworks; any memory order.
    weights
        (D,) shared weights of the features, mean of their posterior.
    weight_covariance
        (D, D) their posterior covariance.
    """

    mask: Mask
    mean: Floats
    sd: Floats
    seen: Floats
    taken: Floats
    prior_mean: Floats
    prior_strength: Floats
    impressions: Floats
    features: Floats
    weights: Floats
    weight_covariance: Floats

    @property
    def counts(self) -> Floats:
        """(T, 1) number of artworks that may be chosen."""
        total: Floats = self.mask.sum(axis=1, keepdims=True).astype(self.mean.dtype)
        return total


@runtime_checkable
class Policy(Protocol):
    """A known distribution over the artworks of each title of a page."""

    @property
    def name(self) -> str:
        """Return the name it is registered under."""
        ...

    @property
    def version(self) -> str:
        """Return a text that changes whenever a parameter does."""
        ...

    def propensities(self, page: Page) -> Floats:
        """Return (T, K) exact probabilities: rows sum to one, zero where masked."""
        ...

    def bonus(self, page: Page) -> Floats:
        """Return (T, K) takes that it adds to what is expected, for what is not known; at least 0.

        It is logged with the decision. What is masked is arbitrary but finite.
        """
        ...

    @classmethod
    def reasons(cls) -> tuple[str, ...]:
        """Return the `REASONS` that can move its choices; others are no answer to "why"."""
        ...

    @classmethod
    def why(cls, terms: Terms, count: int) -> str:
        """Return its own sentence for a choice among `count` artworks; "" for the usual words."""
        ...


def version_of(policy: Any) -> str:
    """Return `name-xxxxxxxx`, a digest over the parameters of a policy that is a dataclass."""
    if not is_dataclass(policy) or isinstance(policy, type):
        raise TypeError("a policy's parameters are the fields of a dataclass instance")
    text = repr(sorted((field.name, getattr(policy, field.name)) for field in fields(policy)))
    return f"{policy.name}-{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}"  # type: ignore[attr-defined]


def uniform_propensities(mask: Mask, dtype: Any = np.float64) -> Floats:
    """Return (T, K) equal shares of what the mask allows."""
    shares: Floats = mask.astype(dtype)
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def even_argmax(index: Floats, mask: Mask) -> Floats:
    """Return (T, K): all probability on the largest index of each row, ties split evenly.

    Equal means equal to the last bit: two artworks nobody has told apart tie, nothing else does.
    """
    held = np.where(mask, index, -np.inf)
    best: Floats = (held == held.max(axis=1, keepdims=True)) & mask
    return uniform_propensities(best, index.dtype)


def mix(propensities: Floats, mask: Mask, share: float) -> Floats:
    """Return the propensities when a `share` (0 to 1) of the choices is made uniformly instead."""
    if share == 0.0:
        return propensities
    mixed: Floats = propensities * (1.0 - share)
    mixed += mask * (share / mask.sum(axis=1, keepdims=True)).astype(mixed.dtype)
    return mixed


def choose(propensities: Floats, uniforms: Floats) -> Indices:
    """Return (T,) chosen indices: the inverse of each row's cumulative distribution.

    Parameters
    ----------
    propensities
        (T, K), rows sum to one up to rounding.
    uniforms
        (T,) in [0, 1). The same uniform and the same propensities give the same choice; a small
        change of the propensities changes the choice of few viewers.

    Returns
    -------
    numpy.ndarray
        (T,) never an entry of probability zero.
    """
    cumulative = propensities.cumsum(axis=1)
    # strictly below the total, whatever the rounding: padding and zeros at the end are never hit
    below = 1.0 - 4.0 * float(np.finfo(cumulative.dtype).eps)
    target = (uniforms * (cumulative[:, -1] * below)).astype(cumulative.dtype)
    chosen: Indices = (cumulative > target[:, None]).argmax(axis=1)
    return chosen
