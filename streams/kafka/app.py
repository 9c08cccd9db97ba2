"""The Faust application of a worker: lanes for the hot topics, an agent for the catalogue."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faust

from keyart.schemas import codec
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.errors import InvalidRecord, StoreError
from keyart.schemas.topics import CATALOGUE
from keyart.streams.kafka.access import KafkaAccess
from keyart.streams.kafka.driver import LaneDriver
from keyart.streams.kafka.transport import LaneApp
from keyart.streams.letters import dead_letter
from keyart.streams.ports import LogRecord, Output

log = logging.getLogger(__name__)
AWAY_S = 0.5
SESSION_S = 6.0
HEARTBEAT_S = 1.5
DRAIN_S = 8.0


class LaneWorker(faust.Worker):
    """Faust's worker, which ends within `DRAIN_S` of SIGTERM whatever hangs.

    The batches at hand are committed first, which takes a moment. What may hang is taking leave of
    a Kafka that does not answer; and to be cut off there is safe, as to be killed is.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # it would write control characters between the lines of the log
        self.spinner = None

    def _on_sigterm(self) -> None:
        last = threading.Timer(DRAIN_S, os._exit, [0])
        last.daemon = True
        last.start()
        super()._on_sigterm()


def make_app(
    access: KafkaAccess,
    lanes: LaneDriver,
    *,
    put_title: Callable[[StoredTitle], None],
    partitions: int,
    data_dir: Path,
    web_port: int,
) -> LaneApp:
    """Return the application, not started.

    Parameters
    ----------
    put_title
        Writes a title to the catalogue's store unless it has a newer one; called in a thread.
    partitions
        Of each topic.
    data_dir
        An empty folder that Faust wants; nothing of worth is kept there.
    web_port
        Of Faust's web view; 0: none.
    """
    app = LaneApp(
        access.group,
        lanes=lanes,
        **access.for_faust(),
        store="memory://",
        datadir=str(data_dir),
        web_enabled=web_port > 0,
        web_port=web_port or 6066,
        web_bind="0.0.0.0",
        topic_partitions=partitions,
        topic_disable_leader=True,
        topic_allow_declare=False,
        broker_session_timeout=SESSION_S,
        broker_heartbeat_interval=HEARTBEAT_S,
        broker_max_poll_records=4000,
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        worker_redirect_stdouts=False,
        Worker=LaneWorker,
    )
    for topic in sorted(lanes.hot):
        app.topics.add(app.topic(topic, value_type=bytes, value_serializer="raw", acks=False))
    _keep_catalogue(app, access, put_title)
    return app


def _keep_catalogue(
    app: LaneApp, access: KafkaAccess, put_title: Callable[[StoredTitle], None]
) -> None:
    topic = app.topic(
        access.topic(CATALOGUE),
        key_type=bytes,
        key_serializer="raw",
        value_type=bytes,
        value_serializer="raw",
    )

    async def keep(stream: Any) -> None:
        """Write titles to the store as they come; one that cannot be read is a dead letter."""
        async for event in stream.events():
            record = _record(event.message)
            try:
                title = codec.stored_titles.decode(record.value)
            except InvalidRecord as wrong:
                await _send(app, access, dead_letter(record, wrong))
                continue
            while True:
                try:
                    await asyncio.to_thread(put_title, title)
                    break
                except StoreError as away:
                    log.warning("title %s waits: %s", title.id, away)
                    await asyncio.sleep(AWAY_S)

    app.agent(topic, name="catalogue")(keep)


async def _send(app: LaneApp, access: KafkaAccess, letter: Output) -> None:
    topic = app.topic(access.topic(letter.topic), value_serializer="raw", key_serializer="raw")
    await topic.send(key=letter.key.encode(), value=letter.value)


def _record(message: Any) -> LogRecord:
    key = (message.key or b"").decode(errors="replace")
    return LogRecord(
        CATALOGUE,
        message.partition,
        f"{message.offset:020d}",
        key,
        message.value or b"",
        round(message.timestamp * 1000),
    )
