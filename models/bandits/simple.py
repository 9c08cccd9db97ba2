"""Policies that need no index: uniform, epsilon-greedy and the pure prior."""

from dataclasses import dataclass
from typing import ClassVar

from keyart.models.bandits.parameters import check_parameters, number
from keyart.models.bandits.protocol import (
    Floats,
    Page,
    even_argmax,
    mix,
    uniform_propensities,
    version_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform:
    """Every artwork equally often: the control, and what evaluation stands on."""

    name: ClassVar[str] = "uniform"

    @property
    def version(self) -> str:
        """Return the name and the digest of the parameters."""
        return version_of(self)

    def propensities(self, page: Page) -> Floats:
        """Return (T, K) equal shares."""
        return uniform_propensities(page.mask, page.mean.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpsilonGreedy:
    """The largest mean, but for a share epsilon of uniform choices.

    Parameters
    ----------
    epsilon
        In 0 to 1.
    """

    name: ClassVar[str] = "epsilon_greedy"
    epsilon: float = number(0.1, high=1.0)

    def __post_init__(self) -> None:
        """Raise SettingsError when a parameter is out of its range."""
        check_parameters(self)

    @property
    def version(self) -> str:
        """Return the name and the digest of the parameters."""
        return version_of(self)

    def propensities(self, page: Page) -> Floats:
        """Return (T, K): (1 - epsilon) on the best, epsilon spread over all."""
        return mix(even_argmax(page.mean, page.mask), page.mask, self.epsilon)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorOnly:
    """The largest take that the prior expects, whatever viewers did since: the control for it."""

    name: ClassVar[str] = "prior_only"

    @property
    def version(self) -> str:
        """Return the name and the digest of the parameters."""
        return version_of(self)

    def propensities(self, page: Page) -> Floats:
        """Return (T, K): all on the prior's favourite, ties split evenly."""
        return even_argmax(page.prior_mean, page.mask)
