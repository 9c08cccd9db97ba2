"""What a site's own viewers did, as tables of proposals learn from it."""

from typing import Any

from keyart.models.serendipity.world import World
from keyart.services.jobs.serendipity.own import world_of_site
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.stores import catalogue_of, store_of
from keyart.streams.families import EXPLORED
from keyart.streams.ports import VIEWERS, Lane


def site_world(settings: Settings, client: Any, *, since_ms: int = 0) -> World:
    """Return the titles that can be chosen, and who took which, as the steps keep it."""
    store = store_of(settings, client)
    lanes = (Lane(VIEWERS, partition) for partition in range(settings.partitions))
    _, titles = catalogue_of(settings, client).changed(0)
    records = (each for lane in lanes for each in store.scan(lane, EXPLORED))
    return world_of_site(titles, records, since_ms=since_ms)
