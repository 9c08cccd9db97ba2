"""The one place where settings meet parts. Each process builds what it needs, and only that."""

import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from keyart.models.embed import Concepts, Space, load_space
from keyart.models.sums.rewards import RewardRules, reward_names
from keyart.models.taste.update import TasteRates
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.errors import SettingsError
from keyart.schemas.topics import CATALOGUE, partition_of
from keyart.services.wiring.folder import own_folder
from keyart.services.wiring.settings import Settings, is_setting
from keyart.services.wiring.viewer_key import ViewerKeys, find_keys
from keyart.streams.catalogue.history import titles_of
from keyart.streams.catalogue.view import CatalogueView
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.ports import AsyncLog, LogRecord, StateStore, TasteReader
from keyart.streams.room import half_of_the_machine
from keyart.streams.site import Catalogue, Lease, MadeWith, Opinions, Register, StoreServer
from keyart.streams.steps.bandit import BanditRules
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

# the api runs no lane and never reads the archive: what packs pages and reads Parquet would be a
# tenth of its memory
if TYPE_CHECKING:
    from keyart.streams.archive.archiver import Archiver
    from keyart.streams.archive.files import Passed
    from keyart.streams.archive.ledger import Ledger
    from keyart.streams.embedded.driver import EmbeddedDriver
    from keyart.streams.kafka.archiver import KafkaArchiver
    from keyart.streams.lanes.titles import TitlesLane
    from keyart.streams.lanes.viewers import ViewersLane
    from keyart.streams.steps.join import JoinRules

READ_CHUNK = 5000
TASTE_TIMEOUT_S = 0.25


class Connected(NamedTuple):
    """Tastes and log on an event loop, and what to await at the end, in that order."""

    tastes: TasteReader
    log: AsyncLog
    close: tuple[Callable[[], Awaitable[Any]], ...]


def now_ms() -> int:
    """Return the time in milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


@dataclass
class Parts:
    """The parts of one process, each built when it is first asked for."""

    settings: Settings

    @cached_property
    def data_dir(self) -> Path:
        """The folder for everything on disk."""
        return Path(self.settings.data_dir)

    @property
    def is_there(self) -> bool:
        """Whether the folder holds a site: an embedded server's state and log, or an archive."""
        return any((self.data_dir / name).is_dir() for name in ("valkey", "archive"))

    @cached_property
    def server(self) -> EmbeddedServer:
        """The embedded server; who starts it is `keyart serve`."""
        # no setting, and so no secret, is any of its business
        environ = {name: text for name, text in os.environ.items() if not is_setting(name)}
        return EmbeddedServer(
            self.data_dir / "valkey",
            fsync=self.settings.redis_fsync,
            environ=environ,
            most_bytes=self.settings.redis_memory_mb * 1_000_000 or half_of_the_machine(),
        )

    @cached_property
    def redis_url(self) -> str:
        """Where state is kept."""
        return self.settings.redis_url or self.server.url

    @cached_property
    def client(self) -> Any:
        """A client of the state store."""
        return connect(self.redis_url, cluster=self.settings.redis_cluster)

    @cached_property
    def keys(self) -> Keys:
        """Names of keys."""
        return Keys(self.settings.topic_prefix)

    @cached_property
    def embedded(self) -> bool:
        """Whether the log is in the state store's server."""
        return self.settings.log == "embedded"

    @cached_property
    def store(self) -> ValkeyStore:
        """The state store."""
        return ValkeyStore(
            self.client,
            self.keys,
            streams=self.embedded,
            partitions=self.settings.partitions,
        )

    @property
    def taste_ms(self) -> int:
        """How long a taste that nothing moves is kept, in milliseconds; 0: for ever."""
        return round(self.settings.taste_kept_days * 86_400_000)

    @cached_property
    def log(self) -> ValkeyLog:
        """The embedded log, with its streams and groups."""
        log = ValkeyLog(self.client, self.keys, partitions=self.settings.partitions)
        log.create()
        return log

    @cached_property
    def catalogue(self) -> Catalogue:
        """The catalogue's store."""
        settings = self.settings
        return ValkeyCatalogue(
            self.client, self.keys, streams=self.embedded, partitions=settings.partitions
        )

    @cached_property
    def opinions(self) -> Opinions:
        """What priors think of titles."""
        return ValkeyOpinions(self.client, self.keys)

    @cached_property
    def register(self) -> Register:
        """Erasures and rebuilds under way, and what else the site notes of itself."""
        return ValkeyRegister(self.client, self.keys)

    @cached_property
    def made_with(self) -> MadeWith:
        """With which settings each lane's state was made."""
        return ValkeyMadeWith(self.client, self.keys)

    @cached_property
    def admin(self) -> StoreServer:
        """The state store's server, as whoever runs it sees it."""
        return ValkeyAdmin(self.client)

    def lease(self, name: str, owner: str) -> Lease:
        """Return the right to do something that one process at a time may do, not taken yet."""
        from keyart.streams.valkey.lease import Lease as ValkeyLease

        return ValkeyLease(self.client, self.keys, name, owner)

    def partitions_there(self) -> int | None:
        """Return how many partitions an embedded log has, None if unknown; nothing is made."""
        return ValkeyLog(self.client, self.keys).made_with() if self.embedded else None

    def connected(self) -> "Connected":
        """Return how the api reaches store and log on its event loop."""
        from keyart.streams.valkey.aio import ValkeyAsyncLog, ValkeyTastes, connect_async

        settings = self.settings
        client = connect_async(self.redis_url, cluster=settings.redis_cluster)
        tastes = ValkeyTastes(
            client,
            self.keys,
            partitions=settings.partitions,
            timeout_s=TASTE_TIMEOUT_S,
            cluster=settings.redis_cluster,
        )
        if self.embedded:
            log = ValkeyAsyncLog(client, self.keys, partitions=settings.partitions)
            return Connected(tastes, log, (client.aclose,))
        from keyart.streams.kafka.producer import KafkaLog

        kafka = KafkaLog(self.kafka, partitions=settings.partitions)
        return Connected(tastes, kafka, (kafka.stop, client.aclose))

    @cached_property
    def space(self) -> Space:
        """The embedding space."""
        return load_space(self.settings.space)

    @cached_property
    def view(self) -> "CurrentCatalogue":
        """The catalogue with its vectors, brought up to date on demand."""
        view = CatalogueView(self.space, Concepts(self.space), recall=self.past)
        return CurrentCatalogue(self.catalogue, view)

    @cached_property
    def join_rules(self) -> "JoinRules":
        """How rewards are made."""
        from keyart.streams.steps.join import JoinRules

        settings = self.settings
        if settings.reward not in reward_names():
            raise SettingsError(f"reward must be one of {', '.join(reward_names())}")
        return JoinRules(
            rewards=RewardRules(
                definition=settings.reward,
                window_ms=round(settings.reward_window_s * 1000),
                minutes=settings.reward_minutes,
            ),
            lateness_ms=round(settings.lateness_s * 1000),
            dwell_ms=settings.dwell_s * 1000,
            hourly=settings.viewer_hourly_rewards,
        )

    @cached_property
    def taste_rates(self) -> TasteRates:
        """How fast taste forgets."""
        return TasteRates(
            long_hours=self.settings.taste_long_half_life_days * 24,
            short_hours=self.settings.taste_short_half_life_hours,
        )

    @cached_property
    def bandit_rules(self) -> BanditRules:
        """How fast the bandit forgets."""
        return BanditRules(
            half_life_ms=self.settings.posterior_half_life_days * 86_400_000,
            bucket_ms=self.settings.bucket_s * 1000,
            hold_bursts=self.settings.hold_bursts,
        )

    @cached_property
    def viewer_keys(self) -> ViewerKeys:
        """The secrets that pseudonymise viewers; in the embedded default made once and kept.

        Raises
        ------
        SettingsError
            A key is too short or too long, or the log is Kafka and there is none.
        """
        settings = self.settings
        if self.embedded and not settings.viewer_key:
            own_folder(self.data_dir)
        return find_keys(
            settings.viewer_key,
            settings.viewer_key_previous,
            self.data_dir,
            make=self.embedded,
        )

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
        from keyart.streams.lanes.viewers import ViewersLane

        return ViewersLane(
            store,
            partition,
            catalogue=self.view.view if catalogue is None else catalogue,
            rules=self.join_rules,
            rates=self.taste_rates,
            **more,
        )

    def titles_lane(self, store: StateStore, partition: int) -> "TitlesLane":
        """Return a lane of titles on the given store."""
        from keyart.streams.lanes.titles import TitlesLane

        return TitlesLane(store, partition, rules=self.bandit_rules)

    @cached_property
    def driver(self) -> "EmbeddedDriver":
        """The embedded driver of all lanes."""
        from keyart.streams.embedded.driver import EmbeddedDriver

        partitions = range(self.settings.partitions)
        return EmbeddedDriver(
            self.log,
            viewers=[self.viewers_lane(self.store, each) for each in partitions],
            titles=[self.titles_lane(self.store, each) for each in partitions],
            refresh=self.view.refresh,
            clock=now_ms,
            batch=self.settings.batch,
        )

    @cached_property
    def kafka(self) -> KafkaAccess:
        """How Kafka is reached."""
        settings = self.settings
        return KafkaAccess(
            bootstrap=settings.kafka_bootstrap,
            security=settings.kafka_security,
            mechanism=settings.kafka_mechanism,
            user=settings.kafka_user,
            password=settings.kafka_password,
            ca_file=settings.kafka_ca_file,
            prefix=settings.topic_prefix,
            group=settings.kafka_group,
        )

    @cached_property
    def archive_dir(self) -> Path:
        """The folder of the archive."""
        return self.data_dir / "archive"

    @cached_property
    def archiver(self) -> "Archiver | KafkaArchiver":
        """Writes the archive: of the embedded log, which it keeps short, or of Kafka's rewards."""
        if not self.embedded:
            from keyart.streams.kafka.archiver import KafkaArchiver

            partitions = self.settings.partitions
            return KafkaArchiver(self.kafka, self.archive_dir, partitions=partitions)
        from keyart.streams.archive.archiver import Archiver

        return Archiver(self.log, self.archive_dir, self.ledger)

    @cached_property
    def ledger(self) -> "Ledger":
        """Which files the archive of the embedded log should have."""
        from keyart.streams.archive.ledger import Ledger

        return Ledger(self.client, self.keys.shared("archived"), self.archive_dir)

    def history(
        self, topic: str, partition: int, *, passed: "Passed | None" = None
    ) -> Iterator[LogRecord]:
        """Yield all records of a partition: the archive's, then those only the log has.

        `passed` is told of files of the archive that cannot be read; by default they are logged.
        """
        if not self.embedded:
            from keyart.streams.kafka.source import read_all

            yield from read_all(self.kafka, topic, partition)
            return
        from keyart.streams.archive import files

        last: str | None = None
        more = {} if passed is None else {"passed": passed}
        for record in files.read(self.archive_dir, topic, partition, **more):
            last = record.offset
            yield record
        while records := self.log.read(topic, partition, after=last, count=READ_CHUNK):
            yield from records
            last = records[-1].offset

    def past(self, title: str) -> StoredTitle | None:
        """Return a title with its whole past, from the catalogue's log; None if it is not there."""
        partition = partition_of(title, self.settings.partitions)
        records = self.history(CATALOGUE, partition)
        return titles_of(record for record in records if record.key == title).get(title)


class CurrentCatalogue:
    """A view of the catalogue, the version at which it stands, and what changed in it last."""

    def __init__(self, store: Catalogue, view: CatalogueView) -> None:
        self.view = view
        self.version = 0
        self.latest: tuple[str, ...] = ()
        self._store = store

    def refresh(self) -> bool:
        """Read what has changed since; return whether anything had."""
        if (version := self._store.version()) == self.version:
            return False
        # a version that went back: the store was emptied and filled again
        since = self.version if version > self.version else 0
        self.version, titles = self._store.changed(since)
        self.view.put(titles)
        self.latest = tuple(title.id for title in titles)
        return bool(titles)
