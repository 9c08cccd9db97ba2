"""The log of a site, embedded or Kafka's, and what goes through all of it."""

from functools import cache
from typing import TYPE_CHECKING, Any

from keyart.services.jobs.letters import KafkaLetters, Letters, OwnLetters
from keyart.services.wiring.places import archive_dir
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.stores import keys_of
from keyart.streams.history import History
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.valkey.log import ValkeyLog

# the api never reads the archive
if TYPE_CHECKING:
    from keyart.streams.archive.archiver import Archiver
    from keyart.streams.archive.ledger import Ledger
    from keyart.streams.kafka.archiver import KafkaArchiver


def log_of(settings: Settings, client: Any) -> ValkeyLog:
    """Return the embedded log, with its streams and groups.

    Raises
    ------
    StoreAway
        The server does not answer.
    """
    log = ValkeyLog(client, keys_of(settings), partitions=settings.partitions)
    log.create()
    return log


def kafka_of(settings: Settings) -> KafkaAccess:
    """Return how Kafka is reached."""
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


def ledger_of(settings: Settings, client: Any) -> "Ledger":
    """Return which files the archive of the embedded log should have."""
    from keyart.streams.archive.ledger import Ledger

    return Ledger(client, keys_of(settings).shared("archived"), archive_dir(settings))


def archiver_of(settings: Settings, client: Any) -> "Archiver | KafkaArchiver":
    """Return what writes the archive: of the embedded log, kept short, or of Kafka's rewards."""
    folder = archive_dir(settings)
    if not settings.embedded:
        from keyart.streams.kafka.archiver import KafkaArchiver

        return KafkaArchiver(kafka_of(settings), folder, partitions=settings.partitions)
    from keyart.streams.archive.archiver import Archiver

    return Archiver(log_of(settings, client), folder, ledger_of(settings, client))


def letters_of(settings: Settings, client: Any) -> Letters:
    """Return the records that could not be read.

    Raises
    ------
    StoreAway
        The embedded log does not answer.
    """
    if settings.embedded:
        return OwnLetters(log_of(settings, client))
    return KafkaLetters(kafka_of(settings), partitions=settings.partitions)


def history_of(settings: Settings, client: Any) -> History:
    """Return all records that there ever were."""
    if not settings.embedded:
        from keyart.streams.kafka.history import KafkaHistory

        return KafkaHistory(kafka_of(settings))
    from keyart.streams.archive.history import ArchivedHistory

    log = cache(lambda: log_of(settings, client))
    return ArchivedHistory(archive_dir(settings), log, ledger_of(settings, client))
