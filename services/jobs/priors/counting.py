"""What the training log says of every artwork, in sums."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from keyart.models.dataset.training_log import read_rewards
from keyart.schemas.errors import NotFound
from keyart.schemas.training import columns

if TYPE_CHECKING:
    import polars as pl

log = logging.getLogger(__name__)
COLUMNS, LATER = columns("title", "artwork", "value"), columns("multiplier")


def counted(archive: Path, since_ms: int = 0) -> "pl.DataFrame":
    """Return impressions and takes of every artwork in the training log, shown from then on.

    Columns: title, artwork, rewards (times it was shown), impressions (sum of taste multipliers:
    expected relative takes), takes, from_ms and to_ms (first and last shown).

    Raises
    ------
    NotFound
        Nothing is archived yet.
    """
    try:
        rows, warnings = read_rewards(archive, COLUMNS, perhaps=LATER, since_ms=since_ms)
    except NotFound as none:
        raise NotFound(f"there is nothing to learn from yet: {none}") from None
    import polars as pl  # not in every image: the reader says so

    for warning in warnings:
        log.warning(warning)
    return (
        rows.group_by("title", "artwork")
        .agg(
            rewards=pl.len(),
            impressions=pl.col("multiplier").sum(),
            takes=pl.col("value").sum(),
            from_ms=pl.col("shown_at_ms").min(),
            to_ms=pl.col("shown_at_ms").max(),
        )
        .sort("title", "artwork")
    )
