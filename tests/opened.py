"""A site as tests look at it: each thing opened as a process opens it, when first asked for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from litestar import Litestar

from keyart.models.embed import Space
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.priors import NEUTRAL
from keyart.services.api.snapshots import Snapshots
from keyart.services.jobs.canary import Canaries
from keyart.services.jobs.deploy import Deployment
from keyart.services.jobs.erasure import Erasures
from keyart.services.jobs.gate import Gate
from keyart.services.jobs.priors.fitting import Fitting
from keyart.services.jobs.rebuild import Rebuilding
from keyart.services.jobs.retrain.due import Due
from keyart.services.jobs.retrain.run import Retraining
from keyart.services.wiring import logs, stores
from keyart.services.wiring.api import app_of, snapshots_of
from keyart.services.wiring.erasing import erasures_of
from keyart.services.wiring.places import archive_dir, data_dir
from keyart.services.wiring.priors import (
    canaries_of,
    deployment_of,
    due_of,
    fitting_of,
    gate_of,
    retraining_of,
)
from keyart.services.wiring.rebuilding import rebuilding_of
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.steps import driver_of
from keyart.services.wiring.telemetry import ApiMetrics
from keyart.services.wiring.titles import current_titles
from keyart.services.wiring.viewer_key import keys_of_site
from keyart.streams.archive.archiver import Archiver
from keyart.streams.catalogue.current import CurrentCatalogue, recalled_from
from keyart.streams.embedded.driver import EmbeddedDriver
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.kafka.archiver import KafkaArchiver
from keyart.streams.ports import LogRecord
from keyart.streams.registry.registry import Registry
from keyart.streams.site import Catalogue, Opinions, Register, StoreServer
from keyart.streams.valkey.keys import Keys
from keyart.streams.valkey.log import ValkeyLog
from keyart.streams.valkey.server import EmbeddedServer
from keyart.streams.valkey.store import ValkeyStore


@dataclass
class Opened:
    """What a site keeps, by its settings; entered, its embedded server is up meanwhile."""

    settings: Settings

    @cached_property
    def server(self) -> EmbeddedServer:
        """Its embedded server, whoever starts it."""
        return stores.server_of(self.settings)

    @cached_property
    def client(self) -> Any:
        """A connection to its store."""
        return stores.client_of(self.settings)

    @property
    def keys(self) -> Keys:
        """The names of keys."""
        return stores.keys_of(self.settings)

    @property
    def data_dir(self) -> Path:
        """Its folder."""
        return data_dir(self.settings)

    @property
    def archive_dir(self) -> Path:
        """The folder of its archive."""
        return archive_dir(self.settings)

    @cached_property
    def store(self) -> ValkeyStore:
        """The lanes' state."""
        return stores.store_of(self.settings, self.client)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The titles."""
        return stores.catalogue_of(self.settings, self.client)

    @cached_property
    def opinions(self) -> Opinions:
        """What priors think of titles."""
        return stores.opinions_of(self.settings, self.client)

    @cached_property
    def register(self) -> Register:
        """What the site notes of itself."""
        return stores.register_of(self.settings, self.client)

    @cached_property
    def admin(self) -> StoreServer:
        """The server, as whoever runs it sees it."""
        return stores.admin_of(self.client)

    @cached_property
    def log(self) -> ValkeyLog:
        """The embedded log."""
        return logs.log_of(self.settings, self.client)

    @property
    def kafka(self) -> KafkaAccess:
        """How Kafka is reached."""
        return logs.kafka_of(self.settings)

    @cached_property
    def archiver(self) -> Archiver | KafkaArchiver:
        """What writes the archive."""
        return logs.archiver_of(self.settings, self.client)

    @property
    def history(self) -> Callable[[str, int], Iterator[LogRecord]]:
        """(topic, partition) -> all its records."""
        return logs.history_of(self.settings, self.client).read

    @cached_property
    def titles(self) -> CurrentCatalogue:
        """The catalogue with its vectors."""
        return current_titles(self.settings, self.client)

    @property
    def space(self) -> Space:
        """The embedding space."""
        return self.titles.space

    @property
    def viewer_key(self) -> bytes:
        """The secret that pseudonymises viewers now."""
        return keys_of_site(self.settings).current

    @cached_property
    def driver(self) -> EmbeddedDriver:
        """The steps of the embedded default."""
        return driver_of(self.settings, self.client, self.titles)

    @cached_property
    def deployment(self) -> Deployment:
        """What moves the prior that serves."""
        return deployment_of(self.settings, self.client)

    @property
    def registry(self) -> Registry:
        """Versions of models, and their aliases."""
        return self.deployment.registry

    @property
    def fitting(self) -> Fitting:
        """What fits priors."""
        return fitting_of(self.settings, self.deployment)

    @property
    def gate(self) -> Gate:
        """What judges versions."""
        return gate_of(self.settings, self.deployment)

    @property
    def retraining(self) -> Retraining:
        """What fits, judges and deploys."""
        return retraining_of(self.settings, self.client, self.deployment)

    @property
    def canaries(self) -> Canaries:
        """What lets versions out."""
        return canaries_of(self.settings, self.client, self.deployment)

    @property
    def due(self) -> Due:
        """What knows when to retrain."""
        return due_of(self.settings, self.deployment)

    def prior_folder(self, version: str) -> Path:
        """Return the folder of a fitted prior."""
        return self.deployment.scoring.folder / version

    def serve_without_registry(self, version: str) -> int:
        """Score all titles with a fitted prior and let it serve, as keyart did at first."""
        if version == NEUTRAL:
            self.opinions.make_current(NEUTRAL)
            return 0
        scoring = self.deployment.scoring
        done = scoring.score(scoring.fitted(version), scoring.choosable())
        self.opinions.make_current(version)
        return done

    def app(self) -> Litestar:
        """Return an api over it, of a process of its own."""
        return app_of(self.settings, self.client)

    def snapshots(self) -> Snapshots:
        """Return what an api would know, in a view of its own; nothing has been read yet."""
        titles = current_titles(self.settings, self.client)
        return snapshots_of(self.settings, self.client, titles, ApiMetrics())

    @property
    def erasures(self) -> Erasures:
        """What erases viewers."""
        return erasures_of(self.settings, self.client)

    @property
    def rebuilding(self) -> Rebuilding:
        """What rebuilds and compares its state."""
        return rebuilding_of(self.settings, self.client, self.space)

    def past(self, title: str) -> StoredTitle | None:
        """Return a title with its whole past, from the catalogue's log."""
        recall = recalled_from(
            lambda: logs.history_of(self.settings, self.client), self.settings.partitions
        )
        return recall(title)

    def close(self) -> None:
        """Close its connection."""
        if "client" in self.__dict__:
            self.client.close()

    def __enter__(self) -> "Opened":
        self.server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        self.server.stop()
