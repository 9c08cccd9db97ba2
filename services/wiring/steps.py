"""The steps of the embedded default: one driver for all lanes."""

from typing import Any

from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.lanes import titles_lane, viewers_lane
from keyart.services.wiring.logs import log_of
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.stores import store_of
from keyart.streams.catalogue.current import CurrentCatalogue
from keyart.streams.embedded.driver import EmbeddedDriver


def driver_of(settings: Settings, client: Any, titles: CurrentCatalogue) -> EmbeddedDriver:
    """Return the driver of all lanes, which keeps the titles up to date for them.

    Raises
    ------
    StoreAway
        The server does not answer.
    """
    store, partitions = store_of(settings, client), range(settings.partitions)
    return EmbeddedDriver(
        log_of(settings, client),
        viewers=[viewers_lane(settings, store, each, catalogue=titles.view) for each in partitions],
        titles=[titles_lane(settings, store, each) for each in partitions],
        refresh=titles.refresh,
        clock=now_ms,
        batch=settings.batch,
    )
