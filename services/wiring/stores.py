"""The state store: its server, a connection to it, and each port that is kept there.

Whoever connects owns the connection and closes it; each function opens one thing on it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from keyart.services.wiring.places import SERVER, data_dir
from keyart.services.wiring.settings import Settings, is_setting
from keyart.streams.ports import OnLoop
from keyart.streams.room import half_of_the_machine
from keyart.streams.site import Catalogue, Lease, MadeWith, Opinions, Register, StoreServer
from keyart.streams.valkey.admin import ValkeyAdmin
from keyart.streams.valkey.catalogue import ValkeyCatalogue
from keyart.streams.valkey.connect import connect
from keyart.streams.valkey.keys import Keys
from keyart.streams.valkey.log import ValkeyLog
from keyart.streams.valkey.made import ValkeyMadeWith
from keyart.streams.valkey.opinions import ValkeyOpinions
from keyart.streams.valkey.register import ValkeyRegister
from keyart.streams.valkey.server import EmbeddedServer
from keyart.streams.valkey.store import ValkeyStore

TASTE_TIMEOUT_S = 0.25


def server_of(settings: Settings) -> EmbeddedServer:
    """Return the embedded server, not started yet."""
    # no setting, and so no secret, is any of its business
    environ = {name: text for name, text in os.environ.items() if not is_setting(name)}
    return EmbeddedServer(
        data_dir(settings) / SERVER,
        fsync=settings.redis_fsync,
        environ=environ,
        most_bytes=settings.redis_memory_mb * 1_000_000 or half_of_the_machine(),
    )


def _address(settings: Settings) -> str:
    return settings.redis_url or server_of(settings).url


def client_of(settings: Settings) -> Any:
    """Return a client of the state store, for whoever closes it."""
    return connect(_address(settings), cluster=settings.redis_cluster)


@contextmanager
def connected(settings: Settings) -> Iterator[Any]:
    """Yield a client of the state store, whose server is somebody else's matter."""
    client = client_of(settings)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def running(settings: Settings) -> Iterator[Any]:
    """Yield a client of the state store; an embedded server that does not run is up meanwhile.

    Raises
    ------
    StoreAway, SettingsError
        The embedded server did not start.
    """
    server = None if settings.redis_url else server_of(settings)
    if server is not None:
        server.start()
    try:
        with connected(settings) as client:
            yield client
    finally:
        if server is not None:
            server.stop()


def keys_of(settings: Settings) -> Keys:
    """Return the names of keys."""
    return Keys(settings.topic_prefix)


def store_of(settings: Settings, client: Any) -> ValkeyStore:
    """Return the lanes' state."""
    return ValkeyStore(
        client,
        keys_of(settings),
        streams=settings.embedded,
        partitions=settings.partitions,
    )


def catalogue_of(settings: Settings, client: Any) -> Catalogue:
    """Return the titles."""
    return ValkeyCatalogue(
        client, keys_of(settings), streams=settings.embedded, partitions=settings.partitions
    )


def opinions_of(settings: Settings, client: Any) -> Opinions:
    """Return what priors think of titles."""
    return ValkeyOpinions(client, keys_of(settings))


def register_of(settings: Settings, client: Any) -> Register:
    """Return erasures and rebuilds under way, and what else the site notes of itself."""
    return ValkeyRegister(client, keys_of(settings))


def made_with_of(settings: Settings, client: Any) -> MadeWith:
    """Return with which settings each lane's state was made."""
    return ValkeyMadeWith(client, keys_of(settings))


def admin_of(client: Any) -> StoreServer:
    """Return the state store's server, as whoever runs it sees it."""
    return ValkeyAdmin(client)


def lease_of(settings: Settings, client: Any, name: str, owner: str) -> Lease:
    """Return the right to do something that one process at a time may do, not taken yet."""
    from keyart.streams.valkey.lease import Lease as ValkeyLease

    return ValkeyLease(client, keys_of(settings), name, owner)


def partitions_there(settings: Settings, client: Any) -> int | None:
    """Return how many partitions an embedded log has, None if unknown; nothing is made."""
    return ValkeyLog(client, keys_of(settings)).made_with() if settings.embedded else None


def on_loop(settings: Settings) -> OnLoop:
    """Connect the running event loop to store and log."""
    from keyart.streams.valkey.aio import ValkeyAsyncLog, ValkeyTastes, connect_async

    keys = keys_of(settings)
    client = connect_async(_address(settings), cluster=settings.redis_cluster)
    tastes = ValkeyTastes(
        client,
        keys,
        partitions=settings.partitions,
        timeout_s=TASTE_TIMEOUT_S,
        cluster=settings.redis_cluster,
    )
    if settings.embedded:
        log = ValkeyAsyncLog(client, keys, partitions=settings.partitions)
        return OnLoop(tastes, log, (client.aclose,))
    from keyart.services.wiring.logs import kafka_of
    from keyart.streams.kafka.producer import KafkaLog

    kafka = KafkaLog(kafka_of(settings), partitions=settings.partitions)
    return OnLoop(tastes, kafka, (kafka.stop, client.aclose))
