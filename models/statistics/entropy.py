"""How undecided the choices are."""

from collections.abc import Sequence
from math import exp, log


def entropy(propensities: Sequence[float]) -> float:
    """Return the entropy, in nats, of one decision's propensities: 0 to log(K)."""
    return -sum(p * log(p) for p in propensities if p > 0.0)


def effective_choices(nats: float) -> float:
    """Return how many equally likely artworks have this entropy: 1 (settled) to K (uniform)."""
    return exp(nats)
