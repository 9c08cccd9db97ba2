"""What recently worked on a site, as it was known at some times: from what may teach of its log."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from msgspec import Struct

from keyart.models.dataset.examples import Example
from keyart.models.dataset.lately import NOTHING, Lately, Shown, lately_of, words_of
from keyart.models.dataset.splits import time_bounds
from keyart.models.dataset.taught import COUNTS, read_taught, taught_sums
from keyart.schemas.catalogue import Title
from keyart.schemas.errors import NotFound
from keyart.services.jobs.priors.dual_fitting import TEST, VALID
from keyart.services.jobs.priors.learning import Learning

if TYPE_CHECKING:
    import polars as pl

LATELY_MS: Final = 7 * 86_400_000
"""How long ago still is lately."""
PERIODS: Final = 3
"""Times of what teaches, each told what had worked before it: as many as prompts of one title."""


class Recent(Struct, frozen=True, kw_only=True):
    """What had recently worked at each of some times (ms, in order), and at the end of the log."""

    times: tuple[int, ...]
    known: tuple[Lately, ...]
    now: Lately

    def at(self, when_ms: int) -> Lately:
        """Return what was known at the last of the times that is not later."""
        place = bisect_right(self.times, when_ms)
        return self.known[place - 1] if place else NOTHING

    def told(self, example: Example) -> str:
        """Return what had worked elsewhere when an example was shown."""
        return self.at(example.shown_at_ms).of(example.title)


def recent_for(learning: Learning, titles: Mapping[str, Title], *, since_ms: int) -> Recent:
    """Return what was known at the times at which what teaches, stops and judges is told anew."""
    rows = read_taught(learning.archive, learning.bounds, since_ms=since_ms).rows
    shown = np.sort(rows["shown_at_ms"].to_numpy())
    ends = time_bounds(shown.tolist(), valid=VALID, test=TEST)
    taught = shown[shown < ends[0]]
    parts = [int(taught[len(taught) * at // PERIODS]) for at in range(1, PERIODS) if len(taught)]
    times = tuple(sorted({*parts, *ends}))
    return Recent(
        times=times,
        known=tuple(_known(learning, titles, since_ms, each) for each in times),
        now=_told(rows, titles, _end(rows)),
    )


def recent_now(
    learning: Learning, titles: Mapping[str, Title], *, since_ms: int
) -> tuple[Lately, Sequence[str]]:
    """Return what recently worked, and the log's titles, those shown most first.

    Raises
    ------
    NotFound, InvalidRecord
        As `read_taught`.
    """
    rows = read_taught(learning.archive, learning.bounds, since_ms=since_ms).rows
    shown: defaultdict[str, float] = defaultdict(float)
    for title, counts in rows.select("title", COUNTS).iter_rows():
        shown[title] += counts
    order = sorted(shown, key=lambda title: (-shown[title], title))
    return _told(rows, titles, _end(rows)), order


def _end(rows: "pl.DataFrame") -> int:
    return int(rows["closed_at_ms"].to_numpy().max()) + 1


def _known(learning: Learning, titles: Mapping[str, Title], since_ms: int, when_ms: int) -> Lately:
    """Return what had worked by what was known then, of which what counts is a part, too."""
    try:
        known = read_taught(learning.archive, learning.bounds, since_ms=since_ms, known_ms=when_ms)
    except NotFound:  # nothing was yet
        return NOTHING
    return _told(known.rows, titles, when_ms)


def _told(rows: "pl.DataFrame", titles: Mapping[str, Title], when_ms: int) -> Lately:
    """Return what worked in what was shown lately, in words."""
    import polars as pl

    from_ms = when_ms - LATELY_MS
    its = rows.filter(pl.col("shown_at_ms") >= from_ms)
    words = {
        (name, artwork.id): words_of(artwork)
        for name, title in titles.items()
        for artwork in title.artworks
    }
    sums = its.group_by("title", "artwork", maintain_order=True).agg(
        **taught_sums(),
        takers=pl.col("viewer").filter(pl.col("value") > 0).unique(),
    )
    return lately_of(
        (
            Shown(title, words[title, artwork], shown, taken, frozenset(takers))
            for title, artwork, shown, taken, takers in sums.iter_rows()
            if (title, artwork) in words
        ),
        from_ms=from_ms,
        to_ms=when_ms,
    )
