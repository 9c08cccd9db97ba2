"""What only the store can tell of the settings: its partitions, and its registered priors."""

import redis

from keyart.schemas.errors import SettingsError
from keyart.schemas.topics import EVENTS
from keyart.services.wiring.bootstrap import Parts
from keyart.streams.valkey.connect import translated
from keyart.streams.valkey.opinions import NEUTRAL

PARTITIONS = "partitions"
"""Under this key the store holds the number of partitions that its state was made with."""


def check_store(parts: Parts) -> None:
    """Look at the settings that have to fit what the store holds.

    Raises
    ------
    SettingsError
        The store refuses the user or password, the state is of another number of partitions, or
        the prior is not registered.
    StoreAway
        The store does not answer: then nothing is known.
    """
    with translated():
        try:
            parts.client.ping()
        except (redis.AuthenticationError, redis.exceptions.AuthorizationError):
            raise SettingsError(
                "KEYART_REDIS_URL: the store refuses this user or password"
            ) from None
    _check_partitions(parts)
    _check_prior(parts)


def _check_partitions(parts: Parts) -> None:
    given, key = parts.settings.partitions, parts.keys.shared(PARTITIONS)
    with translated():
        held = parts.client.get(key)
        made = int(held) if held else _made_with(parts)
        if made is not None and made != given:
            raise SettingsError(
                f"KEYART_PARTITIONS is {given}, and the state was made with {made}: set {made}, or "
                "begin in another folder or under another KEYART_TOPIC_PREFIX"
            )
        if held is None:
            try:
                parts.client.set(key, given, nx=True)
            except redis.ResponseError:
                return  # full or read-only: it is noted another time


def _made_with(parts: Parts) -> int | None:
    """Return the number of partitions of a state that is older than its note, None if unknown."""
    if not parts.embedded:
        return None
    count = 0
    while parts.client.exists(parts.keys.stream(EVENTS, count)):
        count += 1
    return count or None


def _check_prior(parts: Parts) -> None:
    name = parts.settings.prior
    if name not in ("auto", NEUTRAL) and not parts.opinions.known(name):
        raise SettingsError(
            f"KEYART_PRIOR is {name!r}, and no prior of that name is registered: use auto, "
            "neutral, or one of `keyart prior list`"
        )
