"""Which decisions of a viewer stand: a picture is kept for the dwell period.

What the viewer's lane has read stands in the store, beside the taste. Between an answer and the
lane's commit there is a gap, and while the steps or the store are away it is a long one: what this
process has decided it holds itself as well, a bounded part of memory, the latest viewers in it.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from keyart.models.bandits.uniforms import surface_number
from keyart.models.decide.index import Place
from keyart.models.decide.page import DecidedPage
from keyart.models.decide.swaps import Shown, swaps_on
from keyart.schemas.assigned import MAX_ASSIGNED, MAX_PAGES, Assigned, Kept, mark
from keyart.schemas.decisions import DecisionPage

MAX_BYTES: Final = 16_000_000
OWN_BYTES: Final = 600
"""What an entry takes beside its arrays, about."""
AHEAD_MS: Final = 300_000
"""A decision from further ahead was made by a wrong clock."""


class Standing(NamedTuple):
    """A decision that stands, the id of its artwork, and how many artworks the title has now."""

    kept: Kept
    artwork: str
    candidates: int


class Recent:
    """What this process decided of late, by viewer.

    Parameters
    ----------
    dwell_ms
        How long a decision stands.
    most_bytes
        How much of it is held; the viewers who were here longest ago go first.
    """

    def __init__(self, *, dwell_ms: int, most_bytes: int = MAX_BYTES) -> None:
        self._dwell_ms = dwell_ms
        self._most = most_bytes
        self._held: OrderedDict[str, Assigned] = OrderedDict()
        self.held_bytes = 0

    def __len__(self) -> int:
        """Return the number of viewers."""
        return len(self._held)

    def add(self, page: DecisionPage, places: Sequence[int]) -> None:
        """Hold the decisions of a page in columns; `places` (T,) are of title and surface."""
        assert page.columns is not None
        held = self._held.get(page.viewer, Assigned())
        self.forget(page.viewer)
        held = held.without(held.decided_by(page.decided_at_ms - self._dwell_ms))
        if held.page_count >= MAX_PAGES or len(held) + len(places) > MAX_ASSIGNED:
            held = Assigned()
        last = held.last_number
        held = held.with_columns(
            page.columns,
            places,
            number=0 if last is None else (last + 1) % 65_536,
            decided_at_ms=page.decided_at_ms,
            policy=page.versions.policy,
        )
        self._held[page.viewer] = held
        self.held_bytes += _size(held)
        while self.held_bytes > self._most and len(self._held) > 1:
            self.forget(next(iter(self._held)))

    def of(self, viewer: str, stored: Assigned | None) -> Assigned | None:
        """Return what is held of a viewer beyond what is stored; None for nothing.

        Once the store has all of it, it is held no longer.
        """
        held = self._held.get(viewer)
        if held is None or stored is None or not len(stored):
            return held
        if held.nonces() <= stored.nonces():
            self.forget(viewer)
            return None
        return held

    def forget(self, viewer: str) -> None:
        """Hold nothing of a viewer."""
        held = self._held.pop(viewer, None)
        if held is not None:
            self.held_bytes -= _size(held)

    def clear(self) -> None:
        """Hold nothing of anybody."""
        self._held.clear()
        self.held_bytes = 0


class Before(NamedTuple):
    """What stands of the titles asked for; and (T,) 64 bits of what stood and does not any more.

    `outlived` are those that do not stand, and whose artwork may still be shown.
    """

    standing: dict[str, Standing]
    replaced: list[int]
    outlived: dict[str, Standing]


def swaps_today(assigned: Sequence[Assigned | None], *, now_ms: int, horizon_ms: int) -> int:
    """Return how many pictures of a viewer changed today (UTC), by the store and this process."""
    found = {
        nonce: Shown(place, artwork, at_ms)
        for each in assigned
        if each is not None
        for nonce, place, artwork, at_ms in each.shown()
    }
    return swaps_on(found.values(), now_ms=now_ms, horizon_ms=horizon_ms)


def places_of(places: Sequence[Place], surface: str) -> list[int]:
    """Return (T,) the numbers of title and surface."""
    number = surface_number(surface)
    return [place.number ^ number for place in places]


def before(
    assigned: Sequence[Assigned | None],
    titles: Sequence[str],
    places: Sequence[Place],
    surface: str,
    *,
    policy: str,
    now_ms: int,
    dwell_ms: int,
    horizon_ms: int = 0,
) -> Before:
    """Return which decisions stand, of those in the store and in this process.

    One stands for the dwell period while its artwork can be chosen and its policy is the viewer's.
    One that is younger than `horizon_ms` has outlived that, and is told as well.
    """
    sources = [(each, each.latest()) for each in assigned if each is not None and len(each)]
    standing: dict[str, Standing] = {}
    outlived: dict[str, Standing] = {}
    replaced = [0] * len(titles)
    if not sources:
        return Before(standing, replaced, outlived)
    made_by = mark(policy)
    for at, (title, place, number) in enumerate(
        zip(titles, places, places_of(places, surface), strict=True)
    ):
        found = [each.kept(its[number]) for each, its in sources if number in its]
        if not found:
            continue
        kept = max(found, key=lambda each: each.decided_at_ms)
        replaced[at] = int(kept.id[:16], 16)
        fresh = now_ms - dwell_ms < kept.decided_at_ms <= now_ms + AHEAD_MS
        stands = fresh and kept.policy == made_by
        if not stands and not (
            horizon_ms and now_ms - horizon_ms <= kept.decided_at_ms <= now_ms + AHEAD_MS
        ):
            continue
        same = [artwork for artwork in place.artworks if mark(artwork) == kept.artwork]
        if len(same) == 1:
            kind = standing if stands else outlived
            kind[title] = Standing(kept, same[0], len(place.artworks))
    return Before(standing, replaced, outlived)


def changes(decided: DecidedPage, before: Mapping[str, Standing]) -> list[bool | None]:
    """Return (T,) whether what was drawn is another picture than before; None where none was."""
    drawn = [names[at] for names, at in zip(decided.artworks, decided.chosen.tolist(), strict=True)]
    return [
        None if (its := before.get(title)) is None else its.artwork != artwork
        for title, artwork in zip(decided.titles, drawn, strict=True)
    ]


def _size(assigned: Assigned) -> int:
    return OWN_BYTES + len(assigned.pages) + len(assigned.entries)
