"""Connections to Valkey or Redis, and the translation of their errors into ours."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import redis
from redis.backoff import ExponentialBackoff
from redis.cluster import RedisCluster
from redis.connection import parse_url
from redis.retry import Retry

from keyart.schemas.errors import StoreAway, StoreError

TIMEOUT_S = 5.0


def asked_of(url: str) -> dict[str, Any]:
    """Return what an address asks of the client: host, path, database, certificates.

    Raises
    ------
    ValueError
        The client cannot read it.
    """
    found: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    return found


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
    """Turn the client's errors into `StoreAway` (try again) and `StoreError`.

    A server that is full, read-only, without a disk or closed to us is away: what it refuses now it
    takes when that is mended. What it refuses for what is in the command, it refuses for ever.
    """
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, OSError) as away:
        raise StoreAway(f"the state store cannot be reached: {away}") from None
    except redis.exceptions.RedisClusterException as away:
        raise StoreAway(f"the cluster cannot be reached: {away}") from None
    except redis.RedisError as failed:
        if found := _FOR_NOW.search(_code_of(failed)):
            raise StoreAway(f"the state store {_WAITS[found.group()]}: {failed}") from None
        raise StoreError(f"the state store refused: {failed}") from None


_WAITS: Final = {
    "MISCONF": "cannot write to its disk for now",
    "OOM": "is full for now",
    "READONLY": "is read-only for now",
    "NOREPLICAS": "has too few replicas for now",
    "MASTERDOWN": "has lost its primary for now",
    "CLUSTERDOWN": "is a cluster that is down for now",
    "TRYAGAIN": "is moving slots for now",
    "BUSY": "is busy for now",
    "LOADING": "is loading for now",
    "NOPERM": "lets keyart's user not do this for now",
    "WRONGPASS": "does not take keyart's password for now",
    "NOAUTH": "wants a password for now",
}
"""By the code of its answer, why a store takes no write until its operator has mended it."""
_FOR_NOW: Final = re.compile(r"\b(" + "|".join(_WAITS) + r")\b")
_CODES: Final = {
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.MasterDownError: "MASTERDOWN",
    redis.exceptions.ClusterDownError: "CLUSTERDOWN",
    redis.exceptions.TryAgainError: "TRYAGAIN",
    redis.exceptions.NoPermissionError: "NOPERM",
}


def _code_of(failed: redis.RedisError) -> str:
    """Return the text that holds the answer's code: the client keeps some in the type alone."""
    for kind, code in _CODES.items():
        if isinstance(failed, kind):
            return code
    return str(failed)
