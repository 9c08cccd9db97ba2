"""What is left to do after a viewer asked to be erased: the log and the archive.

The api deletes the state, appends an `Erasure`, and registers it here with the offset at which it
stands. Once the viewers' lane has read that far nothing new of the viewer can be written.
"""

from keyart.schemas.topics import EVENTS, partition_of
from keyart.services.bootstrap import Parts
from keyart.streams.ports import VIEWERS, Lane, sortable

REGISTER = "erasures"


def register_key(parts: Parts) -> str:
    """Return the key of the hash viewer -> offset of the erasure in its partition of `events`."""
    return parts.keys.shared(REGISTER)


def register(parts: Parts, viewer: str, offset: str) -> None:
    """Note that a viewer's erasure stands at this offset of their partition of `events`."""
    parts.client.hset(register_key(parts), viewer, offset)


def forget_now(parts: Parts, viewer: str, partition: int) -> None:
    """Delete a viewer's taste at once; the lane does it again when it reads the erasure."""
    parts.client.delete(parts.keys.item(Lane(VIEWERS, partition), "taste", viewer))


def finish_erasures(parts: Parts) -> int:
    """Erase from log and archive all viewers whose lane has read their erasure; return how many.

    A viewer whose rewards still wait to be archived stays registered for the next round.
    """
    key = register_key(parts)
    registered = parts.client.hgetall(key)
    if not registered:
        return 0
    ready = {
        viewer.decode()
        for viewer, offset in registered.items()
        if _has_read(parts, viewer.decode(), offset.decode())
    }
    if not ready:
        return 0
    from keyart.streams.archive.erase import erase_from_archive, erase_from_log

    parts.archiver.run()
    done = ready - erase_from_log(parts.log, ready)
    erase_from_archive(parts.archive_dir, ready)
    if done:
        parts.client.hdel(key, *sorted(done))
    return len(done)


def _has_read(parts: Parts, viewer: str, offset: str) -> bool:
    partition = partition_of(viewer, parts.settings.partitions)
    reached = parts.store.offsets(Lane(VIEWERS, partition)).get(EVENTS)
    return reached is not None and sortable(reached) >= sortable(offset)
