"""What policies earn over a uniform draw where taste matters, does not, or does for some films.

Three simulated audiences of 400 films with facet artworks: 500 viewers, 120,000 impressions, each
seed another world. Within a seed every policy meets the same visits, titles and luck; figures are
means over seeds with 95 % intervals, and what one policy earns over another is paired by seed.
Numbers were tuned on seeds from 1000 up; those reported here begin at `FIRST_SEED` and were not
looked at before.
"""

from tests.benchmarks.common import Row  # isort: skip (sets threads)

import os
from collections.abc import Mapping
from typing import Final

import numpy as np

from keyart.models.bandits.lola import Lola
from keyart.models.bandits.protocol import Policy
from keyart.models.bandits.registry import build_policy
from keyart.models.embed import Space, load_space
from keyart.models.simulate import KINDS, facet_world
from tests.benchmarks.audience_run import Player, Site, Visits
from tests.benchmarks.over_seeds import Array, row_over_seeds, show_over_seeds, summed

FIRST_SEED: Final = 1
SEEDS: Final = int(os.environ.get("KEYART_BENCH_SEEDS", "8"))
IMPRESSIONS: Final = int(os.environ.get("KEYART_BENCH_IMPRESSIONS", "120000"))
MARKS: Final = (IMPRESSIONS // 12, IMPRESSIONS // 3, IMPRESSIONS)
KEYART, BLIND = "keyart", "keyart without taste"
POLICIES: Final[Mapping[str, tuple[Policy, bool]]] = {
    KEYART: (build_policy(), True),
    BLIND: (build_policy(), False),
    "LOLA": (Lola(), False),
    "UCB": (Lola(strength=1e-9), False),
}
"""Policy, and whether taste moves it. LOLA with a prior worth nothing is UCB."""


def main() -> list[Row]:
    """Play everything, print one table for each audience, and return the rows."""
    space, rows = load_space(), []
    for kind in KINDS:
        played = [_play(space, kind, FIRST_SEED + seed) for seed in range(SEEDS)]
        by_name = {name: np.array([each[name] for each in played]) for name in played[0]}
        rows += _rows(kind, by_name)
    show_over_seeds(rows, MARKS, SEEDS)
    return rows


def _play(space: Space, kind: str, seed: int) -> dict[str, Array]:
    """Return by policy (len(MARKS),) what it took over what a uniform draw takes, at each mark."""
    site = Site.of(facet_world(space, kind=kind, seed=seed), space)
    visits = Visits.draw(site.audience, impressions=IMPRESSIONS, seed=seed)
    audience, viewers = site.audience, visits.viewers[:, None]
    starts = audience.catalogue.starts
    mean = np.add.reduceat(audience.takes, starts[:-1], axis=1) / np.diff(starts)
    uniform = summed(mean[viewers, visits.titles], MARKS)
    shown = {
        "best fixed artwork": audience.takes[viewers, audience.best_fixed[visits.titles]],
        "personal oracle": audience.takes[viewers, audience.best_for_each[viewers, visits.titles]],
    }
    for name, (policy, taste) in POLICIES.items():
        shown[name] = Player(site, policy, taste=taste).play(visits)
    return {name: summed(got, MARKS) / uniform for name, got in shown.items()}


def _rows(kind: str, ratios: Mapping[str, Array]) -> list[Row]:
    rows = []
    over = {name: (its, "uniform") for name, its in ratios.items()}
    over[f"{KEYART} over it without taste"] = ratios[KEYART] / ratios[BLIND], BLIND
    better = np.maximum(ratios["LOLA"], ratios["UCB"])
    over[f"{KEYART} over the better of LOLA and UCB"] = ratios[KEYART] / better, "LOLA, UCB"
    for name, (its, against) in over.items():
        for at, mark in enumerate(MARKS):
            percent = 100.0 * (its[:, at] - 1.0)
            said = f"{kind}: {name} at {mark:,}"
            rows.append(row_over_seeds("audiences", said, percent, against=against))
    return rows
