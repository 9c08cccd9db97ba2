"""Policies that need no index: uniform, epsilon-greedy and the pure prior."""

from dataclasses import dataclass
from typing import ClassVar

from keyart.models.bandits.bandit import Bandit
from keyart.models.bandits.parameters import number
from keyart.models.bandits.protocol import (
    Floats,
    Page,
    even_argmax,
    mix,
    uniform_propensities,
)
from keyart.schemas.decisions import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform(Bandit):
    """Every artwork equally often: the control, and what evaluation stands on."""

    name: ClassVar[str] = "uniform"

    def propensities(self, page: Page) -> Floats:
        """Return (T, K) equal shares."""
        return uniform_propensities(page.mask, page.mean.dtype)

    @classmethod
    def why(cls, terms: Terms, count: int) -> str:
        """Say that nothing but chance chose."""
        return f"Drawn evenly from {count} artworks, as this policy does every time."


@dataclass(frozen=True, slots=True, kw_only=True)
class EpsilonGreedy(Bandit):
    """The largest mean, but for a share epsilon of uniform choices.

    Parameters
    ----------
    epsilon
        In 0 to 1.
    """

    name: ClassVar[str] = "epsilon_greedy"
    epsilon: float = number(0.1, high=1.0)

    def propensities(self, page: Page) -> Floats:
        """Return (T, K): (1 - epsilon) on the best, epsilon spread over all."""
        return mix(even_argmax(page.mean, page.mask), page.mask, self.epsilon)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorOnly(Bandit):
    """The largest take that the prior expects, whatever viewers did since: the control for it."""

    name: ClassVar[str] = "prior_only"

    def propensities(self, page: Page) -> Floats:
        """Return (T, K): all on the prior's favourite, ties split evenly."""
        return even_argmax(page.prior_mean, page.mask)

    @classmethod
    def why(cls, terms: Terms, count: int) -> str:
        """Name the prior, which alone chose."""
        return (
            f"Shown because the prior expects most of it: {terms.prior:.2f} times the title's "
            "level."
        )
