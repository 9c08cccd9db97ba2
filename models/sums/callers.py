"""What one caller's key says of a title counts no more than its share, where others say otherwise.

Whoever holds one key can make up viewers without end, and viewers who are older than an hour are
not watched as bursts are. So what each key has told stands apart, and when a title is believed a
key that says what the others do not (the two-sample likelihood ratio of `rates`, at one in ten
thousand) holds hardly a larger share of an artwork than it holds of the other titles. Its sums are
weighted down to that share; they are not thrown away.

It is a function of sums, so no order of rewards moves it, a replay ends in the same, and it lets go
by itself when the others come to say the same. A key that says nothing unusual is never bounded,
nor one that holds its usual share, however large that is.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from keyart.models.sums.rates import Array, luck
from keyart.schemas.posterior import NOBODY

LUCK: Final = 1e-4
"""So rarely would a key that says the same as the others be taken for one that does not."""
SLACK: Final = 1.25
"""Odds so many times its usual ones are no excess: shares of a title vary by themselves."""
LEAST_SHARE: Final = 0.05
"""A key may always hold so much of an artwork."""
EQUAL: Final = 50.0
"""So many expected takes' worth of equal shares stand beside what the other titles tell."""


def usual_share(elsewhere: Mapping[str, float], caller: str) -> float:
    """Return a key's share of what the other titles stand on, among all keys; 0 to 1.

    Parameters
    ----------
    elsewhere
        What each key has told of all other titles, as expected takes; this key is among them.
    """
    total = sum(max(told, 0.0) for name, told in elsewhere.items() if name != NOBODY)
    keys = len(elsewhere.keys() - {NOBODY})
    told = max(elsewhere.get(caller, 0.0), 0.0)
    return (told + EQUAL / keys) / (total + EQUAL)


def weights(told: Mapping[str, Array], elsewhere: Mapping[str, float]) -> dict[str, Array]:
    """Return caller -> (K,) what of its sums counts, 0 to 1; only callers who are bounded.

    Parameters
    ----------
    told
        Caller -> (2, K) rewards, and what was expected of them, by artwork; all of a title.
        What came without a key, or before keys were kept, is `NOBODY`'s and never bounded.
    elsewhere
        Caller -> expected takes told of all other titles.
    """
    named = [name for name in told if name != NOBODY]
    if len(named) < 2:
        return {}
    shares = {**dict.fromkeys(named, 0.0), **elsewhere}
    odds = {name: SLACK * _odds(max(usual_share(shares, name), LEAST_SHARE)) for name in named}
    counted = dict(told)
    found: dict[str, Array] = {}
    # the one with the largest excess first: beside a flood everybody else seems to contradict
    while named:
        whole = np.asarray(sum(counted.values()))
        others = {name: np.maximum(whole - counted[name], 0.0) for name in named}
        parts = {name: _part(counted[name][1], odds[name] * others[name][1]) for name in named}
        name = min(named, key=lambda each: (parts[each].min(), each))
        if parts[name].min() >= 1.0:
            break
        named.remove(name)
        if luck(others[name], counted[name]) < LUCK:
            found[name] = parts[name]
            counted[name] = counted[name] * parts[name]
    return found


def _odds(share: float) -> float:
    return share / (1.0 - share) if share < 1.0 else np.inf


def _part(shown: Array, limit: Array) -> Array:
    """Return (K,) what part of what was shown is within the limit, 0 to 1."""
    some = shown > 0.0
    return np.where(some, np.minimum(1.0, limit / np.where(some, shown, 1.0)), 1.0)
