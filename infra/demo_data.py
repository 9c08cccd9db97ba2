"""Make `services/demo/data/titles.parquet`: the real titles that the demo plays.

    .venv/bin/python infra/demo_data.py PATH/upworthy_exploratory_dev.parquet

Reads tests of the Upworthy Research Archive (CC BY 4.0) and keeps 150 of them, drawn at random
with a fixed seed from all that qualify: none from the weeks in which the archive reports faulty
randomisation, 3 to 10 arms, and a headline of its own for each arm. Nothing is chosen by clicks.
Row = one artwork: title, name (the article's own lede), artwork, headline, impressions, clicks.
"""

import html
import re
import sys
from pathlib import Path

import numpy as np
import polars as pl

from keyart.models.dataset.creative_files import FAULTY_WEEKS

TITLES, SEED = 150, 20_260
OUT = Path(__file__).parents[1] / "services/demo/data/titles.parquet"


def readable(lede: str, longest: int = 90) -> str:
    """Return the lede as plain text, cut at a word."""
    text = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", lede))).strip()
    if len(text) <= longest:
        return text
    return text[: text.rfind(" ", 0, longest)].rstrip(" ,;:-—–") + "…"


def main() -> None:
    """Read the archive's file named on the command line; write the demo's titles."""
    arms = pl.read_parquet(sys.argv[1]).filter(~pl.col("test_week").is_between(*FAULTY_WEEKS))
    # Mongo ids begin with their time, so the order of ids is the order of the tests.
    groups = arms.group_by("clickability_test_id").agg(
        pl.len().alias("arms"), pl.col("headline").str.strip_chars().n_unique().alias("distinct")
    )
    fit = groups.filter(
        (pl.col("arms") == pl.col("distinct")) & pl.col("arms").is_between(3, 10)
    ).sort("clickability_test_id")
    rng = np.random.default_rng(SEED)
    drawn = np.sort(rng.choice(len(fit), TITLES, replace=False))
    rows = []
    for at, test in enumerate(fit["clickability_test_id"].gather(drawn)):
        of_test = arms.filter(pl.col("clickability_test_id") == test)
        lede = readable(of_test["lede"].drop_nulls().mode().sort()[0])
        for k, arm in enumerate(of_test.iter_rows(named=True)):
            rows.append(
                {
                    "title": f"u{at:03d}",
                    "name": lede or readable(arm["headline"]),
                    "artwork": f"u{at:03d}-{k + 1}",
                    "headline": html.unescape(arm["headline"]).strip(),
                    "impressions": arm["impressions"],
                    "clicks": arm["clicks"],
                    "test": test,
                }
            )
    frame = pl.DataFrame(rows, schema_overrides={"impressions": pl.Int32, "clicks": pl.Int32})
    OUT.parent.mkdir(exist_ok=True)
    frame.write_parquet(OUT, compression="zstd", statistics=False)
    print(
        f"{OUT}: {frame['title'].n_unique()} titles, {len(frame)} artworks, {OUT.stat().st_size} B"
    )


if __name__ == "__main__":
    main()
