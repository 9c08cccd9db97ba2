"""Training logs of which it is known what the place on a page does, and how good artworks are."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keyart.models.dataset.influence import Bounds
from keyart.models.ope.estimators import terms
from keyart.models.ope.intervals import Resampled, bootstrap
from keyart.models.ope.reward_model import folds_of
from keyart.models.statistics.interval import Interval
from keyart.schemas.posterior import BAND_STARTS
from keyart.services.jobs.evaluation.own_log import read_own, title_model
from tests.poisons import ARTWORKS, HOUR_MS, HOURS, START_MS, TITLES, World, write_rows


def write_placed(
    folder: Path,
    world: World,
    seed: int,
    *,
    rows: int,
    factor: NDArray[np.float64],
    apart: bool,
) -> tuple[Path, float]:
    """Write a log of titles at all places; return it, and what those at the top truly earn a row.

    Parameters
    ----------
    factor
        (B,) takes in each band of places, of those without places.
    apart
        Whether the artworks with most of the first number of their vectors stand at the top, the
        others below, by propensities that follow the place; or all alike.
    """
    rng = np.random.default_rng([seed, 3])
    title, band = rng.integers(TITLES, size=rows), rng.integers(len(factor), size=rows)
    lifted = world.vectors[:, :, 0].argmax(axis=1)
    high = 0.85 - 0.8 * np.arange(len(factor)) / (len(factor) - 1) if apart else 1.0 / ARTWORKS
    share = np.broadcast_to(high, factor.shape)[band]
    chosen = np.full((rows, ARTWORKS), 0.0) + ((1.0 - share) / (ARTWORKS - 1))[:, None]
    chosen[np.arange(rows), lifted[title]] = share
    artwork = (rng.random(rows)[:, None] > chosen.cumsum(axis=1)).sum(axis=1)
    artwork = np.minimum(artwork, ARTWORKS - 1)
    value = rng.random(rows) < np.minimum(0.06 * factor[band] * world.relative[title, artwork], 1.0)
    made = {
        "viewer": [f"{each:032x}" for each in rng.integers(1, 1 + rows // 8, size=rows)],
        "title": title,
        "artwork": artwork,
        "value": value.astype(np.float64),
        "at": START_MS + (rng.random(rows) * HOURS * HOUR_MS).astype(np.int64),
        "propensities": chosen.tolist(),
        "surface": ["home"] * rows,
        "position": np.array(BAND_STARTS)[band],
    }
    earned = 0.06 * factor[band] * world.relative[title, lifted[title]]
    return write_rows(folder, made), float(earned.mean())


def judged(log: Path, world: World, *, positions: bool) -> dict[str, Interval]:
    """Return by estimator what the log says that those at the top would have earned a row."""
    held = read_own(log, most=10**6, bounds=Bounds(positions=positions))
    lifted = world.vectors[:, :, 0].argmax(axis=1)
    chosen = np.zeros(held.logged.shape)
    columns = [
        held.artworks[number][f"a{lifted[int(title[1:])]}"]
        for number, title in enumerate(held.titles)
    ]
    chosen[np.arange(len(chosen)), np.array(columns)[held.title]] = 1.0
    model, worlds = title_model(held, folds_of(held.rows, seed=0)), Resampled(held.rows, seed=0)
    return {
        each: bootstrap(terms(each, held.rows, chosen, model=model), worlds)
        for each in ("dm", "dr")
    }
