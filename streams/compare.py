"""Comparing a state with the one that its log gives: both ways, counted, and saying what it left.

What is learned is compared: tastes and what was explored to the bit, posteriors to rounding. What
the page draws is not, and neither are windows that are open: they close as time goes by.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final

import numpy as np
from msgspec import structs

from keyart.models.sums.responses import response_row
from keyart.schemas import codec
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.explored import explored_until, unpack_explored
from keyart.schemas.posterior import Cells, Responses, SharedSums, TitleSums
from keyart.schemas.taste import TASTE_DTYPE, blank_taste, idle_since
from keyart.streams import families
from keyart.streams.ports import VIEWERS, Lane, StateStore

RELATIVE_TOLERANCE = 1e-9
"""Sums of floats may differ by rounding when batches were cut elsewhere; counts may not."""
SHOWN = 100
TASTES: Final = "tastes"
EXPLORED: Final = "explored"
POSTERIORS: Final = "posteriors"
SHARED: Final = "shared weights"
CATALOGUE_TITLES: Final = "titles"


@dataclass(slots=True)
class Tally:
    """How many of one kind are equal, differ, or are on one side alone."""

    equal: int = 0
    differ: int = 0
    state_alone: int = 0
    log_alone: int = 0

    @property
    def explained(self) -> int:
        """How many the log knows of."""
        return self.equal + self.differ + self.log_alone

    @property
    def whole(self) -> bool:
        """Whether all are equal."""
        return not (self.differ or self.state_alone or self.log_alone)


@dataclass(slots=True)
class Check:
    """What a comparison found.

    Attributes
    ----------
    tallies
        By kind.
    rewards
        How many the log holds, of those that the state has read.
    differences
        The first hundred, each in words; `more` counts the rest.
    not_compared
        What could not be compared, and why: the check is not whole where this is not empty.
    notes
        What explains the figures, and is no difference.
    """

    tallies: dict[str, Tally] = field(
        default_factory=lambda: {
            kind: Tally() for kind in (TASTES, EXPLORED, POSTERIORS, SHARED, CATALOGUE_TITLES)
        }
    )
    rewards: int = 0
    differences: list[str] = field(default_factory=list)
    more: int = 0
    not_compared: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether nothing that was compared differs."""
        return not self.differences

    @property
    def whole(self) -> bool:
        """Whether everything could be compared."""
        return not self.not_compared

    @property
    def tastes(self) -> int:
        """How many tastes the log knows of."""
        return self.tallies[TASTES].explained

    @property
    def titles(self) -> int:
        """How many posteriors the log knows of."""
        return self.tallies[POSTERIORS].explained

    def differ(self, text: str) -> None:
        """Note a difference."""
        if len(self.differences) < SHOWN:
            self.differences.append(text)
        else:
            self.more += 1

    def leave(self, text: str) -> None:
        """Note what could not be compared."""
        if text not in self.not_compared:
            self.not_compared.append(text)

    def note(self, text: str) -> None:
        """Note what explains the figures."""
        if text not in self.notes:
            self.notes.append(text)


@dataclass(slots=True)
class Sides:
    """Both sides of one kind, to be compared key by key.

    `partial` is why the log's side is not all there is, "" when it is: then what the log does not
    explain, or explains otherwise, cannot be held against the state.
    """

    kind: str
    of: str
    state: Mapping[str, bytes]
    log: Mapping[str, bytes]
    partial: str = ""


Same = Callable[[bytes, bytes], str]
"""(state, log) -> how they differ, in words; "" when they are equal."""


def compare(sides: Sides, same: Same, check: Check) -> None:
    """Compare two sides both ways, and count."""
    tally, left = check.tallies[sides.kind], Tally()
    for key in sorted(sides.state.keys() | sides.log.keys()):
        if key not in sides.state:
            tally.log_alone += 1
            check.differ(f"{sides.of} {key} is in the log alone")
            continue
        if key not in sides.log:
            how, count = "is in the state alone", "state_alone"
        elif how := _differ(same, sides.state[key], sides.log[key]):
            count = "differ"
        else:
            tally.equal += 1
            continue
        if sides.partial:
            setattr(left, count, getattr(left, count) + 1)
        else:
            setattr(tally, count, getattr(tally, count) + 1)
            check.differ(f"{sides.of} {key} {how}")
    if sides.partial:
        check.leave(sides.partial)
    if not left.whole:
        check.leave(
            f"{left.state_alone} {sides.kind} that the rest of the log does not explain, and "
            f"{left.differ} that it explains in part"
        )


def _differ(same: Same, state: bytes, log: bytes) -> str:
    try:
        return same(state, log)
    except (InvalidRecord, ValueError, IndexError) as unreadable:
        return f"cannot be read: {unreadable}"


def same_taste(state: bytes, log: bytes) -> str:
    """Compare tastes to the bit."""
    if state == log:
        return ""
    left, right = (np.frombuffer(data, TASTE_DTYPE)[0] for data in (state, log))
    names = [n for n in TASTE_DTYPE.names or () if not np.array_equal(left[n], right[n])]
    return f"differs in {', '.join(names)}"


def same_explored(state: bytes, log: bytes) -> str:
    """Compare what was explored to the bit."""
    if state == log:
        return ""
    left, right = set(unpack_explored(state).items()), set(unpack_explored(log).items())
    return f"lacks {len(right - left)} marks of the log, and has {len(left - right)} others"


def same_posterior(state: bytes, log: bytes) -> str:
    """Compare posteriors: counts exactly, decayed sums to 1e-9 of their size; not `shares`."""
    left, right = codec.unpack(state, TitleSums), codec.unpack(log, TitleSums)
    if left.as_of_ms != right.as_of_ms:
        return "stands at another time"
    if why := _same_cells(left.artworks, right.artworks):
        return why
    if (left.caller, left.callers.keys()) != (right.caller, right.callers.keys()):
        return "was told by other callers"
    for caller, cells in left.callers.items():
        if why := _same_cells(cells, right.callers[caller]):
            return f"{why}, of caller {caller}"
    return _same_responses(left.responses, right.responses)


def _same_responses(left: Responses, right: Responses) -> str:
    if left.keys() != right.keys():
        return "has responses of other artworks"
    for artwork, each in left.items():
        if not _close(response_row(each).tolist(), response_row(right[artwork]).tolist()):
            return f"has another response of artwork {artwork}"
    return ""


def _same_cells(left: Cells, right: Cells) -> str:
    if left.keys() != right.keys():
        return "has other artworks"
    for artwork, cells in left.items():
        others = right[artwork]
        if cells.keys() != others.keys():
            return f"has other surfaces for artwork {artwork}"
        for surface, cell in cells.items():
            other = others[surface]
            if cell.count != other.count:
                return f"counts {cell.count} rewards of {artwork}, not {other.count}"
            bands = zip_longest(cell.bands, other.bands, fillvalue=0.0)
            here, there = zip(
                (cell.taken, other.taken),
                (cell.reward, other.reward),
                (cell.expected, other.expected),
                *bands,
                strict=True,
            )
            if not _close(here, there):
                return f"has other sums for artwork {artwork}"
    return ""


def same_shared(state: bytes, log: bytes) -> str:
    """Compare the sums of the shared weights."""
    left, right = codec.unpack(state, SharedSums), codec.unpack(log, SharedSums)
    if left.count != right.count:
        return f"count {left.count} rewards, not {right.count}"
    sums, others = (
        [*its.gram, *its.moment, *its.situations, *its.responded] for its in (left, right)
    )
    if not _close(sums, others):
        return "differ"
    return ""


def same_title(state: bytes, log: bytes) -> str:
    """Compare titles as they may be chosen now; a stored title may have let its past go."""
    left, right = (codec.stored_titles.decode(data) for data in (state, log))
    names = [
        name
        for name in ("name", "group", "choosable")
        if getattr(left, name) != getattr(right, name)
    ]
    return f"differs in {', '.join(names)}" if names else ""


Learned = Mapping[str, Mapping[str, bytes]]
"""What a lane has learned: by kind, key -> value."""


def _blank(blob: bytes) -> bool:
    if len(blob) != TASTE_DTYPE.itemsize:
        return False
    space = np.frombuffer(blob, TASTE_DTYPE)["space"][0].decode(errors="replace")
    return blob == blank_taste(space)


def moved_since(side: Learned, since_ms: int) -> Learned:
    """Return a side without what nothing of a viewer has moved since: the store lets that go."""
    return {
        TASTES: {key: blob for key, blob in side[TASTES].items() if not idle_since(blob, since_ms)},
        EXPLORED: {
            key: blob
            for key, blob in side[EXPLORED].items()
            if not 0 < explored_until(blob) < since_ms
        },
    }


def learned(store: StateStore, lane: Lane) -> Learned:
    """Return what a lane of either kind has learned."""
    if lane.kind == VIEWERS:
        # keyart once stored a blank taste for whom nothing had moved: that says nothing
        return {
            TASTES: {
                key: blob for key, blob in store.scan(lane, families.TASTE) if not _blank(blob)
            },
            EXPLORED: dict(store.scan(lane, families.EXPLORED)),
        }
    shared = store.read(lane, families.META, [families.SHARED[1]])[0]
    return {
        POSTERIORS: dict(store.scan(lane, families.TITLE)),
        SHARED: {} if shared is None else {str(lane.partition): shared},
    }


_HOW: Final[Mapping[str, tuple[str, Same]]] = {
    TASTES: ("taste of viewer", same_taste),
    EXPLORED: ("what was explored by viewer", same_explored),
    POSTERIORS: ("posterior of title", same_posterior),
    SHARED: ("shared weights of lane", same_shared),
}


def compare_lane(state: Learned, log: Learned, check: Check, *, partial: str = "") -> None:
    """Compare what a lane has learned; `partial` says what is missing of its log."""
    for kind, its in state.items():
        of, same = _HOW[kind]
        compare(Sides(kind, of, its, log[kind], partial), same, check)


def compare_catalogue(
    live: Mapping[str, StoredTitle],
    logged: Mapping[str, StoredTitle],
    check: Check,
    *,
    partial: str = "",
) -> None:
    """Compare the titles of a partition.

    Their pasts are left out: that of the log is whole, and may be more than one record can hold.
    """
    state, log = (
        {name: codec.encode(_now(title)) for name, title in titles.items()}
        for titles in (live, logged)
    )
    compare(Sides(CATALOGUE_TITLES, "title", state, log, partial), same_title, check)


def _now(title: StoredTitle) -> StoredTitle:
    artworks = tuple(
        structs.replace(each, history=()) for each in title.artworks if each.removed_at_ms is None
    )
    return structs.replace(title, names=(), artworks=artworks)


def _close(left: Sequence[float], right: Sequence[float]) -> bool:
    if len(left) != len(right):
        return False
    scale = max((abs(value) for value in left), default=0.0)
    return bool(
        np.allclose(left, right, rtol=RELATIVE_TOLERANCE, atol=RELATIVE_TOLERANCE * max(scale, 1.0))
    )
