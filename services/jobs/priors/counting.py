"""What the training log says of every artwork, in sums of what may teach."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keyart.models.dataset.influence import Bounds
from keyart.models.dataset.taught import read_taught, taught_sums
from keyart.schemas.errors import NotFound

if TYPE_CHECKING:
    import polars as pl

log = logging.getLogger(__name__)
UNBOUNDED = Bounds(viewer_share=1.0, hour_share=1.0, hold_bursts=False)


@dataclass(frozen=True, slots=True)
class Counted:
    """Sums by artwork, and what was left out of them.

    `table` has the columns title, artwork, rewards (times it was shown), impressions (sum of taste
    multipliers, each times what its place on the page is worth: expected relative takes), takes,
    from_ms and to_ms (first and last shown). The sums are of rewards as far as each counts. `held`
    rewards are of bursts that serving held back, and `bounded` of all others do not count.
    """

    table: "pl.DataFrame"
    held: int
    bounded: float


def counted(
    archive: Path, since_ms: int = 0, *, until_ms: int = 0, bounds: Bounds = UNBOUNDED
) -> Counted:
    """Return impressions and takes of every artwork in the training log, shown from then on.

    What was shown at `until_ms` or later is not counted; 0: all is.

    Raises
    ------
    NotFound
        Nothing is archived yet.
    """
    try:
        taught = read_taught(archive, bounds, since_ms=since_ms)
    except NotFound as none:
        raise NotFound(f"there is nothing to learn from yet: {none}") from None
    import polars as pl  # not in every image: the reader says so

    for warning in taught.warnings:
        log.warning(warning)
    rows = taught.rows.filter(pl.col("shown_at_ms") < until_ms) if until_ms else taught.rows
    table = (
        # in order: sums of fractions come out alike each time, and so does what is fitted on them
        rows.group_by("title", "artwork", maintain_order=True)
        .agg(
            rewards=pl.len(),
            **taught_sums(),
            from_ms=pl.col("shown_at_ms").min(),
            to_ms=pl.col("shown_at_ms").max(),
        )
        .sort("title", "artwork")
    )
    return Counted(table, taught.held, taught.bounded)
