"""The locator of one process, on its way out: what still asks for it gets its parts from here."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyart.models.embed import Space
from keyart.models.taste.update import TasteRates
from keyart.services.wiring import lanes, logs, places, stores
from keyart.services.wiring.clock import now_ms as now_ms
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.titles import current_titles
from keyart.services.wiring.viewer_key import ViewerKeys, keys_of_site
from keyart.streams.catalogue.current import CurrentCatalogue
from keyart.streams.catalogue.view import CatalogueView
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.ports import LogRecord, StateStore
from keyart.streams.site import Catalogue, Lease, MadeWith, Opinions, Register, StoreServer
from keyart.streams.valkey.keys import Keys
from keyart.streams.valkey.log import ValkeyLog
from keyart.streams.valkey.server import EmbeddedServer
from keyart.streams.valkey.store import ValkeyStore

if TYPE_CHECKING:
    from keyart.streams.archive.archiver import Archiver
    from keyart.streams.archive.ledger import Ledger
    from keyart.streams.embedded.driver import EmbeddedDriver
    from keyart.streams.history import Passed
    from keyart.streams.kafka.archiver import KafkaArchiver
    from keyart.streams.lanes.titles import TitlesLane
    from keyart.streams.lanes.viewers import ViewersLane

READ_CHUNK = 5000


@dataclass
class Parts:
    """The parts of one process, each built when it is first asked for."""

    settings: Settings

    @cached_property
    def data_dir(self) -> Path:
        """The folder for everything on disk."""
        return places.data_dir(self.settings)

    @property
    def is_there(self) -> bool:
        """Whether the folder holds a site."""
        return places.is_there(self.settings)

    @cached_property
    def server(self) -> EmbeddedServer:
        """The embedded server; who starts it is `keyart serve`."""
        return stores.server_of(self.settings)

    @cached_property
    def client(self) -> Any:
        """A client of the state store."""
        return stores.client_of(self.settings)

    @cached_property
    def keys(self) -> Keys:
        """Names of keys."""
        return stores.keys_of(self.settings)

    @cached_property
    def embedded(self) -> bool:
        """Whether the log is in the state store's server."""
        return self.settings.embedded

    @cached_property
    def store(self) -> ValkeyStore:
        """The state store."""
        return stores.store_of(self.settings, self.client)

    @cached_property
    def log(self) -> ValkeyLog:
        """The embedded log, with its streams and groups."""
        return logs.log_of(self.settings, self.client)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The catalogue's store."""
        return stores.catalogue_of(self.settings, self.client)

    @cached_property
    def opinions(self) -> Opinions:
        """What priors think of titles."""
        return stores.opinions_of(self.settings, self.client)

    @cached_property
    def register(self) -> Register:
        """Erasures and rebuilds under way, and what else the site notes of itself."""
        return stores.register_of(self.settings, self.client)

    @cached_property
    def made_with(self) -> MadeWith:
        """With which settings each lane's state was made."""
        return stores.made_with_of(self.settings, self.client)

    @cached_property
    def admin(self) -> StoreServer:
        """The state store's server, as whoever runs it sees it."""
        return stores.admin_of(self.client)

    def lease(self, name: str, owner: str) -> Lease:
        """Return the right to do something that one process at a time may do, not taken yet."""
        return stores.lease_of(self.settings, self.client, name, owner)

    def partitions_there(self) -> int | None:
        """Return how many partitions an embedded log has, None if unknown; nothing is made."""
        return stores.partitions_there(self.settings, self.client)

    @property
    def space(self) -> Space:
        """The embedding space."""
        return self.view.space

    @cached_property
    def view(self) -> CurrentCatalogue:
        """The catalogue with its vectors, brought up to date on demand."""
        return current_titles(self.settings, self.client)

    @cached_property
    def taste_rates(self) -> TasteRates:
        """How fast taste forgets."""
        return lanes.taste_rates(self.settings)

    @cached_property
    def viewer_keys(self) -> ViewerKeys:
        """The secrets that pseudonymise viewers."""
        return keys_of_site(self.settings)

    @property
    def viewer_key(self) -> bytes:
        """The secret that pseudonymises viewers now."""
        return self.viewer_keys.current

    def viewers_lane(
        self,
        store: StateStore,
        partition: int,
        *,
        catalogue: CatalogueView | None = None,
        **more: Any,
    ) -> "ViewersLane":
        """Return a lane of viewers on the given store, with the current catalogue by default."""
        view = self.view.view if catalogue is None else catalogue
        return lanes.viewers_lane(self.settings, store, partition, catalogue=view, **more)

    def titles_lane(self, store: StateStore, partition: int) -> "TitlesLane":
        """Return a lane of titles on the given store."""
        return lanes.titles_lane(self.settings, store, partition)

    @cached_property
    def driver(self) -> "EmbeddedDriver":
        """The embedded driver of all lanes."""
        from keyart.services.wiring.steps import driver_of

        return driver_of(self.settings, self.client, self.view)

    @cached_property
    def kafka(self) -> KafkaAccess:
        """How Kafka is reached."""
        return logs.kafka_of(self.settings)

    @cached_property
    def archive_dir(self) -> Path:
        """The folder of the archive."""
        return places.archive_dir(self.settings)

    @cached_property
    def archiver(self) -> "Archiver | KafkaArchiver":
        """Writes the archive."""
        return logs.archiver_of(self.settings, self.client)

    @cached_property
    def ledger(self) -> "Ledger":
        """Which files the archive of the embedded log should have."""
        return logs.ledger_of(self.settings, self.client)

    def history(
        self, topic: str, partition: int, *, passed: "Passed | None" = None
    ) -> Iterator[LogRecord]:
        """Yield all records of a partition: the archive's, then those only the log has."""
        return logs.history_of(self.settings, self.client).read(topic, partition, passed=passed)
