"""Rebuilding the state from the log: `keyart replay`, its check, and a change of space."""

import logging

from keyart.schemas.topics import EVENTS
from keyart.services.bootstrap import Parts
from keyart.streams import replay
from keyart.streams.archive import files
from keyart.streams.memory.store import MemoryStore
from keyart.streams.ports import TITLES, VIEWERS, Lane
from keyart.streams.replay import Check
from keyart.streams.valkey.connect import translated

_REBUILDING = "rebuilding"
log = logging.getLogger(__name__)


def check_state(parts: Parts) -> Check:
    """Rebuild every taste and posterior in memory up to the committed offsets, and compare.

    The state is read while it may be moving: stop the steps first for an exact answer.
    """
    check = Check()
    parts.view.refresh()
    _, _, twice = replay.rewarded(parts.history, parts.settings.partitions)
    for name in twice:
        check.differ(f"decision {name} was rewarded twice")
    for partition in range(parts.settings.partitions):
        store = MemoryStore()
        viewers = parts.viewers_lane(store, partition)
        upto = parts.store.offsets(Lane(VIEWERS, partition))
        replay.rebuild_viewers(viewers, parts.history, upto=upto)
        replay.compare_tastes(parts.store, store, partition, check)
        titles = parts.titles_lane(store, partition)
        upto = parts.store.offsets(Lane(TITLES, partition))
        check.rewards += replay.rebuild_titles(titles, parts.history, upto=upto)
        replay.compare_titles(parts.store, store, partition, check)
    return check


def rebuild_state(parts: Parts) -> tuple[int, int]:
    """Rebuild the stored state from the log; return how many viewer records and rewards were read.

    Running steps are fenced and lose their lanes; start them again afterwards. Rewards that are in
    the log are not made again.
    """
    parts.view.refresh()
    partitions = range(parts.settings.partitions)
    # until this is gone again the state is not whole, and whoever starts next rebuilds it
    with translated():
        parts.client.set(parts.keys.shared(_REBUILDING), 1)
    ids, last, _ = replay.rewarded(parts.history, parts.settings.partitions)
    records = rewards = 0
    for partition in partitions:
        parts.store.clear(Lane(VIEWERS, partition))
        lane = parts.viewers_lane(parts.store, partition, already=ids)
        lane.start_after(last.get(partition, 0))
        records += replay.rebuild_viewers(lane, parts.history)
    for partition in partitions:
        parts.store.clear(Lane(TITLES, partition))
        rewards += replay.rebuild_titles(parts.titles_lane(parts.store, partition), parts.history)
    with translated():
        parts.client.delete(parts.keys.shared(_REBUILDING))
    return records, rewards


def rebuild_if_needed(parts: Parts) -> str:
    """Rebuild the state when it is not what the log says; return why, "" when there was no need.

    It is not when a rebuild was cut off, when the tastes are of another space than the one set
    now, or when a store that holds nothing stands before an archive.
    """
    key = parts.keys.shared("space")
    now = parts.space.identity.encode()
    with translated():
        before = parts.client.get(key)
        cut_off = parts.client.exists(parts.keys.shared(_REBUILDING))
    why = ""
    if cut_off:
        why = "a rebuild was cut off"
    elif before is not None and before != now:
        why = "the embedding space changed"
    elif before is None and files.paths(parts.archive_dir, EVENTS):
        why = "the store is empty and the archive is not"
    if why:
        log.warning("rebuilding every taste and posterior from the log: %s", why)
        rebuild_state(parts)
    with translated():
        parts.client.set(key, now)
    return why
