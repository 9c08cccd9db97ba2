"""What is left to do after a viewer asked to be erased: the log and the archive.

The api deletes the state, appends an `Erasure`, and registers it here with the offset at which it
stands. Once the viewers' lane has read that far nothing new of the viewer can be written.
"""

import time
from typing import Final

from keyart.schemas.topics import EVENTS, partition_of
from keyart.services.wiring.bootstrap import Parts, now_ms
from keyart.streams.ports import VIEWERS, Lane, sortable
from keyart.streams.valkey.connect import translated

REGISTER = "erasures"
REWRITE = "erasures-to-rewrite"
COUNT = "erasure-count"
REWRITE_S: Final = 120.0
AGAIN = "again"
"""In place of an offset: the archive was gone through once."""


def register_key(parts: Parts) -> str:
    """Return the key of the hash viewer -> offset of the erasure in its partition of `events`.

    And, after a bar, the time up to which the viewer is erased: who plays on is a viewer again.
    """
    return parts.keys.shared(REGISTER)


def register(parts: Parts, viewer: str, offset: str) -> None:
    """Note that a viewer's erasure stands at this offset of their partition of `events`."""
    with translated():
        parts.client.hset(register_key(parts), viewer, f"{offset}|{now_ms()}")


def forget_now(parts: Parts, viewer: str, partition: int) -> None:
    """Delete what is stored of a viewer at once; the lane does it again once it reads of it."""
    lane = Lane(VIEWERS, partition)
    with translated():
        parts.client.delete(
            *(parts.keys.item(lane, each, viewer) for each in ("taste", "assigned"))
        )
        parts.client.incr(parts.keys.shared(COUNT))


def erasures(parts: Parts) -> int:
    """Return how often `forget_now` was called, by whatever process: then all forget more."""
    with translated():
        return int(parts.client.get(parts.keys.shared(COUNT)) or 0)


def finish_erasures(parts: Parts) -> int:
    """Erase from log and archive all viewers whose lane has read their erasure; return how many.

    A viewer whose rewards still wait to be archived stays registered for the next round. In Kafka
    records go with their topic's retention; the archive is gone through twice, so that rewards that
    were on their way to Kafka when the erasure was read are met by the second round.
    """
    key = register_key(parts)
    with translated():
        registered = parts.client.hgetall(key)
    if not registered:
        return 0
    ready: dict[str, int] = {}
    for viewer, noted in registered.items():
        offset, _, until = noted.decode().partition("|")
        if offset == AGAIN or _has_read(parts, viewer.decode(), offset):
            # an older keyart noted no time
            ready[viewer.decode()] = int(until or now_ms())
    if not ready:
        return 0
    from keyart.streams.archive.erase import erase_from_archive, erase_from_log

    parts.archiver.run()
    if parts.embedded:
        done = ready.keys() - erase_from_log(parts.log, ready)
    else:
        again = AGAIN.encode()
        done = {viewer for viewer in ready if registered[viewer.encode()].startswith(again)}
        with translated():
            for viewer in sorted(ready.keys() - done):
                parts.client.hset(key, viewer, f"{AGAIN}|{ready[viewer]}")
    erase_from_archive(parts.archive_dir, ready)
    if done:
        with translated():
            pipeline = parts.client.pipeline(transaction=True)
            pipeline.set(parts.keys.shared(REWRITE), 1)
            pipeline.hdel(key, *sorted(done))
            pipeline.execute()
    return len(done)


def rewrite_if_due(parts: Parts) -> bool:
    """Let the embedded server write its file anew when viewers were erased; return if it did.

    The file holds every command since it was last written, those about an erased viewer too. Of a
    server of your own that is your matter (infra/README.md).
    """
    if not parts.embedded or parts.settings.redis_url:
        return False
    flag = parts.keys.shared(REWRITE)
    with translated():
        if not parts.client.exists(flag):
            return False
        before = parts.client.info("persistence")
        if before["aof_rewrite_in_progress"] or before["aof_rewrite_scheduled"]:
            return False
        # what is written from here on stands in the new file: a later erasure sets it again
        parts.client.delete(flag)
        parts.client.bgrewriteaof()
    deadline = time.monotonic() + REWRITE_S
    while time.monotonic() < deadline:
        time.sleep(0.05)
        with translated():
            now = parts.client.info("persistence")
        if not (now["aof_rewrite_in_progress"] or now["aof_rewrite_scheduled"]):
            break
    if now["aof_last_bgrewrite_status"] != "ok" or now["aof_rewrite_in_progress"]:
        with translated():
            parts.client.set(flag, 1)
        return False
    return True


def _has_read(parts: Parts, viewer: str, offset: str) -> bool:
    partition = partition_of(viewer, parts.settings.partitions)
    reached = parts.store.offsets(Lane(VIEWERS, partition)).get(EVENTS)
    return reached is not None and sortable(reached) >= sortable(offset)
