"""What artworks' own responses to taste are worth where text cannot tell them, and what they cost.

Three audiences of films with facet artworks: one sees in every picture a second thing that its text
does not tell, one sees what text tells alone, one does not care. Played with responses, learned of
titles shown often as by default (docs/decisions/0460), and without; all meet the same visits,
titles and luck. Numbers were tuned on seeds from 1000 up.
"""

from tests.benchmarks.common import Row  # isort: skip (sets threads)

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Final

import numpy as np

from keyart.models.bandits.registry import build_policy
from keyart.models.embed import load_space
from keyart.models.simulate import facet_world
from tests.benchmarks.audience_run import Player, Site, Visits
from tests.benchmarks.over_seeds import Array, row_over_seeds, show_over_seeds, summed

FIRST_SEED: Final = int(os.environ.get("KEYART_BENCH_FIRST_SEED", "11"))
SEEDS: Final = int(os.environ.get("KEYART_BENCH_SEEDS", "4"))
EACH: Final = int(os.environ.get("KEYART_BENCH_IMPRESSIONS", "10000"))
"""Impressions a title; 100,000 take five minutes a seed: they are played side by side."""
FROM: Final = int(os.environ.get("KEYART_BENCH_RESPONSES_FROM", "10000"))
"""Titles shown so often are learned from."""
TITLES: Final = 20
MARKS: Final = tuple(TITLES * each for each in (1_000, 10_000, 30_000, 100_000) if each <= EACH)
WITH, WITHOUT = "with own responses", "without"
AUDIENCES: Final = {
    "pictures show what no text tells": ("matters", 1.0),
    "text tells it all": ("matters", 0.0),
    "taste does not matter": ("does not", 0.0),
}


def main() -> list[Row]:
    """Play both audiences, print one table, and return the rows."""
    rows, seeds = list[Row](), range(FIRST_SEED, FIRST_SEED + SEEDS)
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for name, (kind, untold) in AUDIENCES.items():
            played = list(pool.map(partial(_play, kind, untold), seeds))
            found = {its: np.array([each[its] for each in played]) for its in played[0]}
            rows += _rows(name, found)
    show_over_seeds(rows, MARKS, SEEDS)
    return rows


def _play(kind: str, untold: float, seed: int) -> dict[str, Array]:
    """Return by name (len(MARKS),) takes over those of a uniform draw, so far."""
    space = load_space()
    world = facet_world(space, kind=kind, seed=seed, titles=TITLES, untold=untold)
    site = Site.of(world, space)
    visits = Visits.draw(site.audience, impressions=MARKS[-1], seed=seed)
    audience, viewers = site.audience, visits.viewers[:, None]
    starts = audience.catalogue.starts
    mean = np.add.reduceat(audience.takes, starts[:-1], axis=1) / np.diff(starts)
    shown = {
        "best fixed artwork": audience.takes[viewers, audience.best_fixed[visits.titles]],
        "personal oracle": audience.takes[viewers, audience.best_for_each[viewers, visits.titles]],
    }
    for name in (WITH, WITHOUT):
        shown[name] = Player(
            site, build_policy(), responses_from=FROM if name == WITH else None
        ).play(visits)
    uniform = summed(mean[viewers, visits.titles], MARKS)
    return {name: summed(got, MARKS) / uniform for name, got in shown.items()}


def _rows(audience: str, ratios: dict[str, Array]) -> list[Row]:
    percent = {name: 100.0 * (its - 1.0) for name, its in ratios.items()}
    percent[f"{WITH} over {WITHOUT}"] = 100.0 * (ratios[WITH] / ratios[WITHOUT] - 1.0)
    fixed = ratios["best fixed artwork"]
    gap = ratios["personal oracle"] - fixed
    if gap.min() > 0.01:
        for name in (WITH, WITHOUT):
            share = 100.0 * (ratios[name] - fixed) / gap
            percent[f"from best fixed to personal oracle, {name}"] = share
    rows = []
    for name, its in percent.items():
        for at, mark in enumerate(MARKS):
            said = f"{audience}: {name} at {mark:,}"
            rows.append(row_over_seeds("responses", said, its[:, at], against="uniform"))
    return rows
