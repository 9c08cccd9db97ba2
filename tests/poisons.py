"""Training logs that somebody poisoned toward one artwork, in three shapes, and clean ones.

Of every artwork it is known how well it really does: what is fitted on the log can be held against
the truth. A site's takes rise and fall by the hour, some viewers come far more often than others,
and titles live for a fortnight, or as news do for an afternoon.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from keyart.models.dataset.influence import Bounds
from keyart.models.ope.gate.rules import Slope
from keyart.models.ope.gate.slope import opinion_slope
from keyart.models.priors.ridge import fit_ridge
from keyart.services.jobs.evaluation.own_log import read_own
from keyart.services.jobs.priors.counting import counted

Shape = Literal["clean", "loud", "burst", "drip"]
HOUR_MS: Final = 3_600_000
START_MS: Final = 1_700_000_000_000 // HOUR_MS * HOUR_MS
HOURS: Final = 14 * 24
TITLES, ARTWORKS, DIMENSIONS = 40, 4, 16
POISON: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is true: (T, K, D) vectors of the artworks, (T, K) their relative takes."""

    vectors: NDArray[np.float64]
    relative: NDArray[np.float64]

    @classmethod
    def made(cls, seed: int) -> "World":
        """Return one; how well an artwork does follows from its vector, and from itself."""
        rng = np.random.default_rng([seed, 1])
        vectors = rng.normal(size=(TITLES, ARTWORKS, DIMENSIONS)) / np.sqrt(DIMENSIONS)
        told = vectors @ rng.normal(size=DIMENSIONS) * 0.4
        told += rng.normal(size=told.shape) * 0.1
        return cls(vectors=vectors, relative=np.exp(told - told.mean(axis=1, keepdims=True)))

    @property
    def best(self) -> int:
        """The best artwork of the first title."""
        return int(self.relative[0].argmax())

    @property
    def target(self) -> int:
        """The worst one: what the poison is for."""
        return int(self.relative[0].argmin())


def write_log(
    folder: Path,
    world: World,
    seed: int,
    *,
    rows: int,
    shape: Shape = "clean",
    news: bool = False,
    share: float = POISON,
) -> Path:
    """Write a log of so many honest rewards, and beside them so large a share of made-up ones."""
    rng = np.random.default_rng([seed, 2])
    title = rng.integers(TITLES, size=rows)
    artwork = rng.integers(ARTWORKS, size=rows)
    often = rng.lognormal(sigma=1.2, size=rows // 8)
    viewers = rng.choice(len(often), size=rows, p=often / often.sum())
    if news:
        born = rng.integers(HOURS - 6, size=TITLES)
        hour = born[title] + np.minimum(rng.exponential(size=rows), 5.9).astype(np.float64)
    else:
        hour = np.asarray(rng.random(rows) * HOURS, np.float64)
    level = 0.06 * np.exp(0.3 * np.sin(hour * np.pi / 12))
    value = rng.random(rows) < np.minimum(level * world.relative[title, artwork], 1.0)
    made: dict[str, Any] = {
        "viewer": [f"{each:032x}" for each in viewers + 1],
        "title": title,
        "artwork": artwork,
        "value": value.astype(np.float64),
        "at": (START_MS + hour * HOUR_MS).astype(np.int64),
    }
    if shape != "clean":
        false = _poison(rng, world, shape, round(rows * share / (1.0 - share)))
        made = {name: [*made[name], *false[name]] for name in made}
    return write_rows(folder, made)


def _poison(rng: np.random.Generator, world: World, shape: Shape, count: int) -> dict[str, Any]:
    """Half of them take the target, half are shown the best and take nothing."""
    liked = rng.random(count) < 0.5
    hour, viewer = {
        "loud": (rng.random(count) * HOURS, np.zeros(count, np.int64)),
        "burst": (200.0 + rng.random(count), np.arange(count)),
        "drip": (rng.random(count) * HOURS, rng.integers(count // 2, size=count)),
    }[shape]
    return {
        "viewer": [f"f{each:031x}" for each in viewer],
        "title": np.zeros(count, np.int64),
        "artwork": np.where(liked, world.target, world.best),
        "value": liked.astype(np.float64),
        "at": (START_MS + hour * HOUR_MS).astype(np.int64),
    }


def write_rows(folder: Path, made: dict[str, Any]) -> Path:
    """Write a log of these columns: viewer, title and artwork in numbers, value, at (ms).

    And where they are there surface, position and propensities; without these all are even.
    """
    at = np.array(made["at"])
    first: dict[str, int] = {}
    for each, when in zip(made["viewer"], at.tolist(), strict=True):
        first[each] = min(first.get(each, when), when)
    table = arrow.table(
        {
            "id": [f"r{number}" for number in range(len(at))],
            "viewer": made["viewer"],
            "title": [f"t{each:02d}" for each in made["title"]],
            "artwork": [f"a{each}" for each in made["artwork"]],
            "value": made["value"],
            "multiplier": np.ones(len(at)),
            "shown_at_ms": at,
            "closed_at_ms": at + HOUR_MS // 2,
            "candidates": [[f"a{each}" for each in range(ARTWORKS)]] * len(at),
            "propensities": made.get("propensities", [[1.0 / ARTWORKS] * ARTWORKS] * len(at)),
            "logged_at_ms": at + 1000,
            "fresh": [
                when - first[each] < HOUR_MS
                for each, when in zip(made["viewer"], at.tolist(), strict=True)
            ],
        }
    )
    for name in ("surface", "position"):
        if name in made:
            table = table.append_column(name, arrow.array(made[name]))
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, folder / "log.parquet")
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a prior fitted on a log says of every artwork, (T, K), and what of the log counted."""

    relative: NDArray[np.float64]
    fractions: NDArray[np.float64]
    counts: float

    def winner(self) -> int:
        """Which artwork of the first title the prior says is the best."""
        return int(self.relative[0].argmax())

    def error(self, world: World) -> float:
        """Return the root mean square of the log of what it says over the truth, within titles."""
        wrong = self.relative - np.log(world.relative)
        wrong -= wrong.mean(axis=1, keepdims=True)
        return float(np.sqrt((wrong**2).mean()))

    def taken(self, world: World) -> float:
        """Return how well the prior's favourites do, over uniform choice."""
        at = self.relative.argmax(axis=1)
        return float((world.relative[np.arange(TITLES), at] / world.relative.mean(axis=1)).mean())

    def correlation(self, world: World) -> float:
        """Return the mean rank correlation with the truth, within titles."""

        def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
            order = values.argsort(axis=1).argsort(axis=1)
            return np.asarray(order - (values.shape[1] - 1) / 2.0, np.float64)

        ours, theirs = ranks(self.relative), ranks(world.relative)
        return float((ours * theirs).sum() / (theirs * theirs).sum())


def learned(log: Path, world: World, bounds: Bounds) -> Learned:
    """Fit a prior as `keyart retrain` does: on sums of the log, as far as its rewards count."""
    table = counted(log, bounds=bounds).table
    title = np.array([int(each[1:]) for each in table["title"]])
    artwork = np.array([int(each[1:]) for each in table["artwork"]])
    shown, takes = table["impressions"].to_numpy(), table["takes"].to_numpy()
    fit = fit_ridge(world.vectors[title, artwork], title, shown, takes)
    fractions = np.zeros((TITLES, ARTWORKS))
    fractions[title, artwork] = takes / shown
    relative = fit.prior.relative(world.vectors.reshape(-1, DIMENSIONS))
    return Learned(
        relative=relative.reshape(TITLES, ARTWORKS),
        fractions=fractions,
        counts=float(shown.sum()),
    )


def slope_of_truth(log: Path, world: World, bounds: Bounds | None) -> Slope:
    """Return what the gate reads off a log of takes on opinions that are true."""
    held = read_own(log, most=10**6, bounds=bounds)
    relative = np.zeros((len(held.titles), held.logged.shape[1]))
    for number, title in enumerate(held.titles):
        for name, column in held.artworks[number].items():
            relative[number, column] = np.log(world.relative[int(title[1:]), int(name[1:])])
    relative -= relative.mean(axis=1, keepdims=True)
    found = opinion_slope(held.rows, held.logged, held.title, relative, counts=held.counts)
    assert found is not None
    return found
