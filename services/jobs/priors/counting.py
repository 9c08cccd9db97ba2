"""What the training log says of every artwork, in sums."""

import logging
from pathlib import Path

import polars as pl

from keyart.schemas.errors import NotFound
from keyart.schemas.topics import REWARDS
from keyart.services.wiring.bootstrap import Parts
from keyart.streams.archive import files

log = logging.getLogger(__name__)


def counted(parts: Parts, since_ms: int = 0) -> pl.DataFrame:
    """Return impressions and takes of every artwork in the training log, shown from then on.

    Columns: title, artwork, rewards (times it was shown), impressions (sum of taste multipliers:
    expected relative takes), takes, from_ms and to_ms (first and last shown).

    Raises
    ------
    NotFound
        Nothing is archived yet.
    """
    paths = files.paths(parts.archive_dir, REWARDS)
    if not paths:
        raise NotFound(f"there are no rewards in {parts.archive_dir}: nothing to learn from yet")
    rows = pl.scan_parquet(_readable(paths), extra_columns="ignore", missing_columns="insert")
    return (
        rows.filter(pl.col("id").is_not_null() & (pl.col("shown_at_ms") >= since_ms))
        .unique("id", keep="first")
        .group_by("title", "artwork")
        .agg(
            rewards=pl.len(),
            impressions=pl.col("multiplier").sum(),
            takes=pl.col("value").sum(),
            from_ms=pl.col("shown_at_ms").min(),
            to_ms=pl.col("shown_at_ms").max(),
        )
        .sort("title", "artwork")
        .collect()
    )


def _readable(paths: list[Path]) -> list[Path]:
    """Return the files that can be read; of the others a warning is logged.

    Raises
    ------
    NotFound
        There is none.
    """
    good: list[Path] = []
    for path in paths:
        try:
            files.look(path)
            good.append(path)
        except files.Unreadable as unreadable:
            log.warning("%s; it is passed over", unreadable)
    if not good:
        raise NotFound("no file of the training log can be read")
    return good
