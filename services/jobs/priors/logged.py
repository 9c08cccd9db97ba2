"""What the training log says of artworks that the catalogue knows: texts, and sums of takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.dataset.influence import Bounds
from keyart.schemas.errors import InvalidRecord
from keyart.services.jobs.priors.counting import counted
from keyart.services.jobs.priors.serving import Scoring
from keyart.streams.catalogue.view import NOW

COMPARED: Final = 2000
"""Artworks, of the titles shown most, on which encoders are compared: a minute of reading."""


@dataclass(frozen=True, slots=True)
class Logged:
    """N artworks of the log that the catalogue knows: title, its group, id, text, counts, row.

    `rewards` (N,) says how often each was shown; `impressions` are those times their multipliers.
    `titles` are the ids that the numbers `title` stand for, which never fall from row to row.
    """

    title: NDArray[np.intp]
    group: list[str]
    artworks: list[str]
    texts: list[str]
    rows: NDArray[np.intp]
    rewards: NDArray[np.intp]
    impressions: NDArray[np.float64]
    takes: NDArray[np.float64]
    titles: Sequence[str] = ()
    unknown: int = 0
    held: int = 0
    bounded: float = 0.0
    from_ms: int = 0
    to_ms: int = 0

    def part(self, of: NDArray[np.intp]) -> "Logged":
        """Return some of the rows, without the names of their titles."""
        return Logged(
            self.title[of],
            [self.group[at] for at in of],
            [self.artworks[at] for at in of],
            [self.texts[at] for at in of],
            self.rows[of],
            self.rewards[of],
            self.impressions[of],
            self.takes[of],
        )


def logged(
    scoring: Scoring, archive: Path, bounds: Bounds, since_ms: int, *, until_ms: int = 0
) -> Logged:
    """Return what may teach of all that was shown from then on; up to `until_ms`, if above 0.

    Raises
    ------
    NotFound, InvalidRecord
        There are no rewards yet, or of no artwork of the catalogue.
    """
    scoring.titles.refresh()
    view = scoring.titles.view
    found = counted(archive, since_ms, until_ms=until_ms, bounds=bounds)
    table = found.table
    rows = [
        view.row(title, artwork, NOW)
        for title, artwork in zip(table["title"], table["artwork"], strict=True)
    ]
    known = [at for at, row in enumerate(rows) if row is not None]
    if not known:
        raise InvalidRecord("the training log holds no artwork of this catalogue")
    total, table = int(table["rewards"].sum()), table[known]
    titles, numbers = np.unique(table["title"].to_numpy(), return_inverse=True)
    return Logged(
        title=numbers,
        group=[view.titles[title].group for title in table["title"]],
        artworks=table["artwork"].to_list(),
        texts=[view.text(row) for row in rows if row is not None],
        rows=np.array([row for row in rows if row is not None], np.intp),
        rewards=table["rewards"].to_numpy().astype(np.intp),
        impressions=table["impressions"].to_numpy(),
        takes=table["takes"].to_numpy(),
        titles=titles.tolist(),
        unknown=total - int(table["rewards"].sum()),
        held=found.held,
        bounded=found.bounded,
        from_ms=int(table["from_ms"].to_numpy().min()),
        to_ms=int(table["to_ms"].to_numpy().max()),
    )


def shown_most(log: Logged, most: int = COMPARED) -> NDArray[np.intp]:
    """Return the places of the artworks of the titles shown most, so many or a few more."""
    order = np.argsort(-np.bincount(log.title, log.impressions), kind="stable")
    sizes = np.bincount(log.title)[order]
    enough = max(int(np.searchsorted(np.cumsum(sizes), most)) + 1, 2)
    return np.flatnonzero(np.isin(log.title, order[:enough]))
