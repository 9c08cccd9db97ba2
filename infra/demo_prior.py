"""Make `services/demo/data/prior-ridge.jsonl`: what a ridge on headlines expects of the demo's.

    .venv/bin/python infra/demo_prior.py PATH/upworthy_exploratory_dev.parquet

Fitted in the shipped space on the archive's tests of the clean weeks that are not in the demo.
"""

import sys
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from keyart.models.dataset.creative_files import FAULTY_WEEKS
from keyart.models.embed import load_space
from keyart.models.priors.ridge import fit_ridge
from keyart.schemas.priors import Opinion
from keyart.services.demo.world import DATA, read_titles

OUT = Path(__file__).parents[1] / "services/demo/data/prior-ridge.jsonl"


def main() -> None:
    """Read the archive's file named on the command line; write the opinions."""
    ours = pl.read_parquet(DATA / "titles.parquet")["test"].unique()
    arms = pl.read_parquet(sys.argv[1]).filter(
        ~pl.col("test_week").is_between(*FAULTY_WEEKS)
        & ~pl.col("clickability_test_id").is_in(ours.to_list())
    )
    space = load_space("static")
    groups = np.unique(arms["clickability_test_id"].to_numpy(), return_inverse=True)[1]
    prior = fit_ridge(
        space.encode(arms["headline"].to_list()),
        groups,
        arms["impressions"].to_numpy().astype(float),
        arms["clicks"].to_numpy().astype(float),
        space=space.identity,
    ).prior
    lines = []
    for title in read_titles()[0]:
        said = prior.opinion(space.encode([each.description for each in title.artworks]))
        opinion = Opinion(
            title=title.id,
            artworks=tuple(artwork.id for artwork in title.artworks),
            relative=tuple(round(float(each), 5) for each in said.log_relative),
            strength=round(said.strength, 1),
            prior=prior.version,
        )
        lines.append(msgspec.json.encode(opinion))
    OUT.write_bytes(b"\n".join(lines) + b"\n")


if __name__ == "__main__":
    main()
