"""What the site's context is worth where takes depend on device x attribute, and what it costs.

A simulated audience of 60 films with facet artworks. Artworks have a mood and a cast; on each
device other moods and casts are taken (log effects of spread 0.35 for each), while country and
hour, which the site tells as well, move nothing. Beside it the same audience where the device
moves nothing either: what keyart pays for being told it. Played by keyart told the context, and
by keyart not told; both meet the same visits, titles and luck. Numbers were tuned on seeds from
1000 up; those reported begin at `FIRST_SEED` and were not looked at before.
"""

from tests.benchmarks.common import Row  # isort: skip (sets threads)

import os
from typing import Final

import numpy as np

from keyart.models.bandits.registry import build_policy
from keyart.models.embed import Space, load_space
from keyart.models.simulate import facet_world
from keyart.schemas.context import Context
from tests.benchmarks.audience_run import Player, Site, Situations, Visits
from tests.benchmarks.over_seeds import Array, row_over_seeds, show_over_seeds, summed

FIRST_SEED: Final = int(os.environ.get("KEYART_BENCH_FIRST_SEED", "1"))
SEEDS: Final = int(os.environ.get("KEYART_BENCH_SEEDS", "4"))
IMPRESSIONS: Final = int(os.environ.get("KEYART_BENCH_IMPRESSIONS", "100000"))
MARKS: Final = tuple(mark for mark in (1_000, 10_000, 100_000) if mark <= IMPRESSIONS)
TITLES: Final = 60
GROUP: Final = 25
DEVICES: Final = {"phone": 0.5, "tv": 0.3, "desktop": 0.2}
COUNTRIES: Final = 12
ATTRIBUTES: Final = {
    "mood": ("dark", "bright", "warm", "cold", "funny"),
    "cast": ("face", "group", "nobody"),
}
SPREAD: Final = 0.35
TOLD, SILENT = "keyart told the context", "keyart not told"


def main() -> list[Row]:
    """Play both audiences, print one table, and return the rows."""
    space, rows = load_space(), []
    for spread in (SPREAD, 0.0):
        kind = "device x attribute matters" if spread else "the device does not matter"
        played = [_play(space, spread, FIRST_SEED + seed) for seed in range(SEEDS)]
        found = {name: np.array([each[name] for each in played]) for name in played[0]}
        rows += _rows(kind, found)
    show_over_seeds(rows, MARKS, SEEDS)
    return rows


def situations(site: Site, visits: Visits, *, spread: float, seed: int) -> Situations:
    """Return where visits are made: devices are drawn, and mean takes of artworks kept."""
    rng = np.random.default_rng([seed, 7])
    artworks, many = site.audience.catalogue.starts[-1], len(visits.viewers)
    log = np.zeros((len(DEVICES), artworks))
    picked = {name: rng.integers(len(values), size=artworks) for name, values in ATTRIBUTES.items()}
    for name, values in ATTRIBUTES.items():
        effect = rng.normal(0.0, spread, (len(DEVICES), len(values)))
        log += effect[:, picked[name]]
    share = np.array(list(DEVICES.values()))
    factor = np.exp(log)
    factor /= share @ factor
    device = rng.choice(len(DEVICES), many, p=share)
    names = list(DEVICES)
    contexts: list[Context] = [
        {"device": names[at], "country": f"C{land}", "hour": float(hour)}
        for at, land, hour in zip(
            device.tolist(),
            rng.integers(COUNTRIES, size=many).tolist(),
            rng.integers(24, size=many).tolist(),
            strict=True,
        )
    ]
    attributes = [
        {name: values[picked[name][at]] for name, values in ATTRIBUTES.items()}
        for at in range(artworks)
    ]
    return Situations(contexts=contexts, factor=factor[device], attributes=attributes)


def _play(space: Space, spread: float, seed: int) -> dict[str, Array]:
    """Return by policy (len(MARKS), 2) takes and, for scale, those of a uniform draw, so far."""
    site = Site.of(facet_world(space, kind="matters", seed=seed, titles=TITLES), space)
    visits = Visits.draw(site.audience, impressions=IMPRESSIONS, seed=seed, group=GROUP)
    where = situations(site, visits, spread=spread, seed=seed)
    told = Player(site, build_policy(), situations=where).play(visits)
    silent_where = Situations(
        contexts=where.contexts, factor=where.factor, attributes=where.attributes, told=False
    )
    silent = Player(site, build_policy(), situations=silent_where).play(visits)
    starts = site.audience.catalogue.starts
    uniform, fixed, oracle = (np.empty(visits.luck.shape) for _ in range(3))
    for row, (viewer, page) in enumerate(zip(visits.viewers.tolist(), visits.titles, strict=True)):
        takes = np.minimum(site.audience.takes[viewer] * where.factor[row], 1.0)
        uniform[row] = (np.add.reduceat(takes, starts[:-1]) / np.diff(starts))[page]
        oracle[row] = np.maximum.reduceat(takes, starts[:-1])[page]
        fixed[row] = takes[site.audience.best_fixed[page]]
    by_name = {TOLD: told, SILENT: silent, "best fixed artwork": fixed, "personal oracle": oracle}
    base = summed(uniform, MARKS)
    found = {name: summed(got, MARKS) / base for name, got in by_name.items()}
    found["gap"] = (found[TOLD] - found[SILENT]) / (found["personal oracle"] - found[SILENT])
    return found


def _rows(kind: str, found: dict[str, Array]) -> list[Row]:
    percent = {name: 100.0 * (its - 1.0) for name, its in found.items() if name != "gap"}
    percent[f"{TOLD} over {SILENT}"] = 100.0 * (found[TOLD] / found[SILENT] - 1.0)
    percent["of what the oracle has over it, the context earns"] = 100.0 * found["gap"]
    rows = []
    for name, its in percent.items():
        for at, mark in enumerate(MARKS):
            said = f"{kind}: {name} at {mark:,}"
            rows.append(row_over_seeds("context", said, its[:, at], against="uniform"))
    return rows
