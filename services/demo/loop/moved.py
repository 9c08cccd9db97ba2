"""The loop's site moves from memory into a state store, where `keyart serve` shows it as it ended.

Its registry, training log and retrainings are on disk already. What serving goes on from moves, and
not what only steps that are at work need: events of a log that is gone.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from keyart.services.demo.loop.log import PARTITION
from keyart.services.demo.loop.site import Site
from keyart.services.wiring.stores import (
    catalogue_of,
    opinions_of,
    register_of,
    running,
    store_of,
)
from keyart.streams.families import ASSIGNED, EXPLORED, META, TASTE, TIMELINE, TITLE
from keyart.streams.ports import TITLES, VIEWERS, Commit, Lane, StateStore
from keyart.streams.site import Note

FAMILIES: Final = {VIEWERS: (TASTE, ASSIGNED, EXPLORED), TITLES: (TITLE, TIMELINE, META)}
BATCH: Final = 500
ROLLED: Final = Note.ROLLED
"""How the last canary went. What is out, or watched, is left: days have passed, and the story is
told."""


def move(site: Site) -> None:
    """Write the site's state into the embedded store of its own data folder.

    Raises
    ------
    StoreAway, SettingsError
        The store did not start.
    """
    with running(site.settings) as client:
        _, titles = site.catalogue.changed(0)
        catalogue_of(site.settings, client).apply(titles)
        opinions = opinions_of(site.settings, client)
        for version in site.deployment.registry.versions():
            if site.opinions.known(version.name):
                opinions.put_card(site.opinions.card(version.name))
                opinions.put(list(site.opinions.titles(version.name)))
        opinions.make_current(site.opinions.current)
        if (rolled := site.register.read(ROLLED)) is not None:
            register_of(site.settings, client).write(ROLLED, rolled)
        store = store_of(site.settings, client)
        for kind, families in FAMILIES.items():
            _move_lane(site.store, store, Lane(kind, PARTITION), families)


def _move_lane(held: StateStore, store: StateStore, lane: Lane, families: tuple[str, ...]) -> None:
    epoch, number = store.acquire(lane)
    every = _puts(held, lane, families)
    while puts := dict(islice(every, BATCH)):
        number += 1
        store.commit(Commit(lane=lane, epoch=epoch, number=number, puts=puts))
    counts = held.counts(lane)
    store.commit(Commit(lane=lane, epoch=epoch, number=number + 1, puts={}, counts=counts))


def _puts(
    held: StateStore, lane: Lane, families: tuple[str, ...]
) -> Iterator[tuple[tuple[str, str], bytes | None]]:
    for family in families:
        for key, value in held.scan(lane, family):
            yield (family, key), value
