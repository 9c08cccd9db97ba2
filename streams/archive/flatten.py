"""Rewards as columns of the training log."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final

import numpy as np

from keyart.schemas import codec
from keyart.schemas.columns import TASTE_DTYPE, unpack_beliefs
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.rewards import Reward
from keyart.schemas.training import BELIEF_COLUMNS, REWARD_COLUMNS

_NESTED: Final[dict[str, Callable[[Reward], object]]] = {
    "policy_version": attrgetter("versions.policy"),
    "prior_version": attrgetter("versions.prior"),
    "posterior_version": attrgetter("versions.posterior"),
    "space": attrgetter("versions.space"),
    "watched": lambda reward: list(reward.watched),
    "watched_values": lambda reward: list(reward.watched.values()),
    "position": lambda reward: reward.position or None,
    "context": lambda reward: codec.encode(reward.context).decode() if reward.context else None,
}
_TASTE: Final = ("taste_units", "taste_scales")
_PLAIN: Final[dict[str, Callable[[Reward], object]]] = {
    name: _NESTED.get(name) or attrgetter(name)
    for name in REWARD_COLUMNS
    if name not in BELIEF_COLUMNS and name not in _TASTE
}
_NOT_BEFORE_2: Final = frozenset(("segment", "level", "trust", "strength"))
"""Of what the older records say nothing, which is not the same as none."""


def training_columns(records: Sequence[bytes]) -> dict[str, list[Any]]:
    """Return name -> (N,) values, None where a record cannot be read or is of before the column."""
    rewards = [_reward(record) for record in records]
    beliefs = [_beliefs(each) for each in rewards]
    tastes = [_taste(each) for each in rewards]
    found: dict[str, list[Any]] = {}
    for name in REWARD_COLUMNS:
        if name in BELIEF_COLUMNS:
            kept = BELIEF_COLUMNS[name]
            found[name] = [its[kept] if its else None for its in beliefs]
        elif name in _TASTE:
            found[name] = [None if its is None else its[_TASTE.index(name)] for its in tastes]
        else:
            take, later = _PLAIN[name], name in _NOT_BEFORE_2
            found[name] = [
                None if each is None or (later and each.version < 2) else take(each)
                for each in rewards
            ]
    return found


def _reward(value: bytes) -> Reward | None:
    try:
        return codec.rewards.decode(value)
    except InvalidRecord:
        return None


def _beliefs(reward: Reward | None) -> dict[str, Any]:
    """Return what was believed of each candidate; nothing of what does not fit them."""
    if reward is None:
        return {}
    try:
        found = unpack_beliefs(reward.beliefs)
    except InvalidRecord:
        return {}
    if found and len(found["prior"]) != len(reward.candidates):
        return {}
    return found


def _taste(reward: Reward | None) -> tuple[Any, Any] | None:
    if reward is None or len(reward.taste) != TASTE_DTYPE.itemsize:
        return None
    held: Any = np.frombuffer(reward.taste, TASTE_DTYPE)[0]
    return held["units"].ravel(), held["scale"]
