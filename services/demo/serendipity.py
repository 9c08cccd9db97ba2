"""Proposals in the demo: what viewers had not looked for, on ways of which the truth is known.

Titles are the demo's. Their interests are groups that a full sentence encoder makes, which keyart
does not have: it makes its own clusters of the concepts that its small space sees in the headlines.
A viewer comes from one interest to the next as a graph says that keyart is not told of either, and
takes a few titles of each. A table is made of two thirds of the viewers, written, read back and
asked as the service asks it; the others are cut in time, and judge.
"""

from typing import Final

import numpy as np
from msgspec import Struct
from rich.table import Table as Shown
from safetensors.numpy import load_file

from keyart.models.embed import Concepts, Space
from keyart.models.serendipity.grounds import IALS, TASTE
from keyart.models.serendipity.measure.evaluate import AS_SERVED, Fold, evaluate
from keyart.models.serendipity.measure.items import Served
from keyart.models.serendipity.vocabulary.clustering import cluster, nearest
from keyart.models.serendipity.vocabulary.terms import unit
from keyart.models.serendipity.world import Floats, World, WorldBuilder
from keyart.models.statistics.bootstrap import Worlds, ratio_interval
from keyart.models.statistics.interval import Interval
from keyart.services.demo.world import DATA, read_titles

VIEWERS: Final = 600
INTERESTS: Final = 16
CLUSTERS: Final = 16
STAGES: Final = 4
"""Interests that a viewer comes to, one after another."""
FOLLOWED: Final = 0.7
"""How often the next interest is one that the graph says; else it is any."""
LEADS: Final = 2
TAKEN: Final = (3, 6)
"""Titles taken of an interest: at least, and less than."""
SEEN_IN: Final = 3
"""Concepts that stand for a title, as its metadata would."""
PER: Final = 1000.0
FREE: Final = "ials"
PAGES: Final = {
    "popular": "popular",
    "taste vectors": "likeness to what was taken",
    FREE: "iALS, free",
    f"{AS_SERVED}{TASTE}": "keyart's proposals, titles by taste",
    f"{AS_SERVED}{IALS}": "keyart's proposals, titles by iALS",
}


class PageFigures(Struct, frozen=True, kw_only=True):
    """Pages of ten titles, of one kind.

    `ueuc` are unique engaged pairs per 1,000 places, `hr10` the share of pages that hit, both of
    interests not explored before; `over_ials` is by how many per cent the pairs are above those of
    iALS's pages, viewer by viewer.
    """

    recommender: str
    ueuc: Interval
    hr10: Interval
    over_ials: Interval | None


class Proposals(Struct, frozen=True, kw_only=True):
    """What `keyart demo --json` says of proposals; intervals are 95 % and count viewers."""

    viewers: int
    clusters: int
    pages: tuple[PageFigures, ...]


def propose(space: Space, *, seed: int, viewers: int = VIEWERS) -> Proposals:
    """Make the ways of one seed, a table of two thirds of them, and judge it on the others."""
    world = ways(space, seed=seed, viewers=viewers)
    rows = range(len(world.viewers))
    fold = Fold([at for at in rows if at % 3], [at for at in rows if not at % 3])
    judged = evaluate(world, [fold], clusters=CLUSTERS, seed=seed)
    worlds = Worlds(judged.viewers, seed=[seed, 9])
    free = judged.items[FREE]
    return Proposals(
        viewers=judged.viewers,
        clusters=judged.vocabulary.clusters,
        pages=tuple(
            _figures(said, judged.items[name], None if name == FREE else free, worlds)
            for name, said in PAGES.items()
        ),
    )


def ways(space: Space, *, seed: int, viewers: int = VIEWERS) -> World:
    """Return viewers on their ways through the demo's titles, and what keyart is told of these."""
    titles, table = read_titles()
    concepts = Concepts(space)
    rows = np.cumsum([0, *(len(title.artworks) for title in titles)])[:-1]
    seen = np.add.reduceat(space.encode(table["headline"].to_list()).astype(np.float64), rows)
    close = unit(seen) @ concepts.vectors.T
    judged = load_file(DATA / "judgement.safetensors")["artworks"].astype(np.float64)
    truth = unit(np.add.reduceat(judged - judged.mean(axis=0), rows))
    into = WorldBuilder()
    for title, its in zip(titles, np.argsort(-close, axis=1, kind="stable"), strict=True):
        into.name(title.id, title.name)
        for at in its[:SEEN_IN].tolist():
            into.said(title.id, concepts.names[at])
    rng = np.random.default_rng([seed, 8])
    _engage(into, [title.id for title in titles], truth, viewers, rng)
    return into.build()


def table_of_proposals(found: Proposals) -> Shown:
    """Return what a person reads."""
    table = Shown(
        title=f"Proposals: pages of ten titles for {found.viewers} viewers on simulated ways, "
        "95 % intervals",
        title_justify="left",
    )
    table.add_column("page")
    for heading in ("unique new pairs per 1,000", "hits a new interest", "pairs over iALS"):
        table.add_column(heading, justify="right")
    for each in found.pages:
        over = each.over_ials
        table.add_row(
            each.recommender,
            _said(each.ueuc, ".1f"),
            _said(each.hr10, ".2f"),
            "" if over is None else f"{_said(over, '+.0f')} %",
        )
    return table


def _engage(
    into: WorldBuilder, titles: list[str], truth: Floats, viewers: int, rng: np.random.Generator
) -> None:
    centres = cluster(truth, INTERESTS, seed=int(rng.integers(2**31)))
    group = nearest(truth, centres)
    held = [np.flatnonzero(group == at) for at in range(len(centres))]
    leads = [rng.choice(len(centres), LEADS, replace=False) for _ in centres]
    for viewer in range(viewers):
        moment, now = 0.0, int(rng.integers(len(centres)))
        for _ in range(STAGES):
            most = min(int(rng.integers(*TAKEN)), len(held[now]))
            for title in rng.choice(held[now], most, replace=False).tolist():
                moment += 1.0
                into.engaged(f"viewer {viewer}", titles[title], moment)
            follows = rng.random() < FOLLOWED
            now = int(rng.choice(leads[now])) if follows else int(rng.integers(len(centres)))


def _figures(said: str, its: Served, free: Served | None, worlds: Worlds) -> PageFigures:
    over = None
    if free is not None and free.pairs.any():
        ratio = ratio_interval(its.pairs, free.pairs, worlds=worlds)
        low, high = 100 * ratio.low - 100, 100 * ratio.high - 100
        over = Interval(estimate=100 * ratio.estimate - 100, low=low, high=high)
    return PageFigures(
        recommender=said,
        ueuc=ratio_interval(PER * its.pairs, its.shown, worlds=worlds),
        hr10=ratio_interval(its.hit, np.ones(len(its.hit)), worlds=worlds),
        over_ials=over,
    )


def _said(its: Interval, form: str) -> str:
    return f"{its.estimate:{form}} ({its.low:{form}} to {its.high:{form}})"
