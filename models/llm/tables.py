"""A table of tests as examples: one row an arm, with impressions and clicks."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from keyart.models.creatives.tables import FAULTY_WEEKS, KNOWN
from keyart.models.llm.chances import chances_of_best
from keyart.models.llm.examples import Choice, Example
from keyart.schemas.decisions import MAX_ARTWORKS
from keyart.schemas.errors import InvalidRecord


def object_id_ms(value: str) -> int:
    """Return the time in a Mongo ObjectId's first 4 bytes, in ms; 0 when it is none."""
    try:
        return int(value[:8], 16) * 1000 if len(value) == 24 else 0
    except ValueError:
        return 0


def read_table(path: Path) -> pl.DataFrame:
    """Return the arms: columns test, text, impressions, clicks, at_ms; Upworthy's names are known.

    Arms of one test with the same text are one arm. Upworthy's weeks with faulty randomisation
    (201325 to 201402, says the archive) are left out. `at_ms` is a column of that name, else the
    creation time in an ObjectId, else 0.

    Raises
    ------
    InvalidRecord
        A column is missing.
    """
    frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path)
    names = set(frame.columns)
    known = {
        old: role
        for role, (_, *others) in KNOWN.items()
        for old in others
        if role not in names and old in names
    }
    frame = frame.rename(known)
    if "test_week" in names:
        frame = frame.filter(~pl.col("test_week").is_between(*FAULTY_WEEKS))
    missing = {"test", "text", "impressions", "clicks"} - set(frame.columns)
    if missing:
        raise InvalidRecord(f"{path.name} lacks columns {', '.join(sorted(missing))}")
    frame = frame.with_columns(
        test=pl.col("test").cast(pl.String), text=pl.col("text").cast(pl.String)
    )
    if "at_ms" not in frame.columns:
        at = {test: object_id_ms(test) for test in frame["test"].unique()}
        frame = frame.with_columns(at_ms=pl.col("test").replace_strict(at, return_dtype=pl.Int64))
    return (
        frame.filter(pl.col("impressions") > 0, pl.col("text").is_not_null())
        .group_by("test", "text", maintain_order=True)
        .agg(pl.sum("impressions"), pl.sum("clicks"), pl.min("at_ms"))
    )


def table_examples(frame: pl.DataFrame, *, soft: bool = True) -> Iterator[Example]:
    """Yield one example a test of at least two texts, in the order of time.

    The answer is the text with the highest click rate; which one that is, is partly luck, so with
    `soft` every text also has its probability to be the best. Nobody's history is known.
    """
    for (test,), arms in frame.sort("at_ms", "test", maintain_order=True).group_by(
        "test", maintain_order=True
    ):
        if not 2 <= arms.height <= MAX_ARTWORKS:
            continue
        shown, clicks = arms["impressions"].to_numpy(), arms["clicks"].to_numpy()
        yield Example(
            id=str(test),
            pair=str(test),
            title=str(test),
            shown_at_ms=max(int(arms["at_ms"][0]), 0),
            options=tuple(
                Choice(artwork=str(at), description=text) for at, text in enumerate(arms["text"])
            ),
            propensities=tuple((shown / shown.sum()).tolist()),
            impressions=tuple(shown.astype(float).tolist()),
            rewards=tuple(clicks.astype(float).tolist()),
            answer=int((clicks / shown).argmax()),
            soft=tuple(chances_of_best(clicks, shown).round(6).tolist()) if soft else (),
        )
