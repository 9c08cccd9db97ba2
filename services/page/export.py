"""The page's figures as CSV, for a spreadsheet or a notebook."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from keyart.models.statistics.lift import interval
from keyart.models.statistics.timeline import EXPLORE, Key
from keyart.schemas.posterior import PolicyBucket
from keyart.services.page.source import Source
from keyart.services.page.strata import Filter, chosen

AT_ONCE = 200
"""Titles whose sums are read together."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def figures_csv(buckets: Mapping[Key, PolicyBucket], wanted: Filter) -> Iterator[str]:
    """Yield impressions and takes by time and policy; `explore` is uniform exploration.

    `low` and `high` are the 95 % interval of the row's take fraction, by viewers.
    """
    head = ("start", "policy", "surface", "impressions", "takes", "take_fraction", "low", "high")
    yield _line(head)
    for (start, policy), bucket in sorted(chosen(buckets, wanted).items()):
        if (known := interval(bucket)) is None:
            continue
        at = datetime.fromtimestamp(start / 1000, UTC).isoformat().replace("+00:00", "Z")
        name = "explore" if policy == EXPLORE else policy
        figures = (bucket.count, bucket.value, known.estimate, known.low, known.high)
        yield _line((at, name, wanted.surface or "all", *figures))


def titles_csv(source: Source) -> Iterator[str]:
    """Yield impressions and takes of every artwork on every surface that it was shown on."""
    head = ("title", "name", "artwork", "description", "surface", "impressions", "takes")
    yield _line(head)
    every = sorted(source.titles.values(), key=lambda title: title.id)
    for at in range(0, len(every), AT_ONCE):
        some = every[at : at + AT_ONCE]
        for title, sums in zip(some, source.sums([each.id for each in some]), strict=True):
            words = {kept.artwork.id: kept.artwork.description for kept in title.artworks}
            for artwork, cells in sorted(sums.artworks.items()):
                for surface, cell in sorted(cells.items()):
                    told = (title.id, title.name, artwork, words.get(artwork, ""), surface)
                    yield _line((*told, cell.count, cell.taken))


def _line(cells: Iterable[object]) -> str:
    """Return one line; text that a spreadsheet would take for a formula is led by an apostrophe."""
    out = io.StringIO()
    csv.writer(out).writerow(
        f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
        for cell in cells
    )
    return out.getvalue()
