"""Connections to Valkey or Redis, and the translation of their errors into ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import ExponentialBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry

from keyart.schemas.errors import StoreAway, StoreError

TIMEOUT_S = 5.0


def connect(url: str, *, cluster: bool = False) -> Any:
    """Return a client that answers in bytes, times out after 5 s and retries once.

    `url` may be redis://, rediss:// (TLS) or unix://, with user and password for access lists, and
    with `?ssl_ca_certs=FILE` for an authority that the system does not know.
    """
    if cluster:
        return RedisCluster.from_url(url, socket_timeout=TIMEOUT_S)
    return redis.Redis.from_url(
        url,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), 1),
    )


@contextmanager
def translated() -> Iterator[None]:
    """Turn the client's errors into `StoreAway` (try again) and `StoreError`."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.BusyLoadingError) as away:
        raise StoreAway(f"the state store cannot be reached: {away}") from None
    except redis.exceptions.ReadOnlyError as moved:
        raise StoreAway(f"the state store is read-only for now: {moved}") from None
    except redis.RedisError as failed:
        raise StoreError(f"the state store refused: {failed}") from None
