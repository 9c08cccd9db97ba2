"""A table made of what viewers did, judged against the one that serves, and kept as candidate."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from msgspec import structs

from keyart.models.artifacts.described import write_described
from keyart.models.serendipity.gate import (
    Hits,
    Verdict,
    chooses,
    held_back,
    hits_of,
    judge,
    labels_of,
    proven,
)
from keyart.models.serendipity.grounds import IALS, Grounds
from keyart.models.serendipity.making import fit, make_table
from keyart.models.serendipity.measure.evaluate import vectors_of, vocabulary_of
from keyart.models.serendipity.measure.serving import BEST_OF
from keyart.models.serendipity.table import MANIFEST, Named, Table, read_table
from keyart.models.serendipity.world import Floats, Ints, World
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.registry import ModelVersion
from keyart.services.jobs.serendipity.grounding import use_grounds
from keyart.services.jobs.serendipity.tables import KIND, Tables
from keyart.streams.ports import Clock

MAKING: Final = ".making"
LEAST_TEACHING: Final = 5
Told = Callable[[str, int, int], None]


class Made(NamedTuple):
    """A version, whether it may serve, and how it and the champion did on viewers held back.

    `grounds` says by what its titles are taken.
    """

    version: ModelVersion
    verdict: Verdict
    hits: Hits
    champion: Hits | None
    grounds: Grounds


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a table is made. `anew`: of new clusters; else of those of the table that serves."""

    planner: str = "blend"
    clusters: int = 200
    seed: int = 0
    anew: bool = True
    by: str = ""
    note: str = ""


def make_candidate(
    tables: Tables, world: World, recipe: Recipe, *, clock: Clock, told: Told = lambda *_: None
) -> Made:
    """Fit on the viewers who teach, judge on those held back, and keep the table as candidate.

    Raises
    ------
    InvalidRecord
        There are too few viewers to learn from.
    """
    serving = _serving(tables)
    teaching = [at for at, viewer in enumerate(world.viewers) if not held_back(viewer)]
    judging = [at for at, viewer in enumerate(world.viewers) if held_back(viewer)]
    if len(teaching) < LEAST_TEACHING:
        raise InvalidRecord(f"{len(teaching)} viewers are too few to learn from")
    told("fitting", 0, 0)
    kept = None if recipe.anew else serving
    named, centres, labels, vectors = _clusters(world, teaching, recipe, kept)
    fitted = fit(world, named, centres, labels, teaching, planner=recipe.planner, seed=recipe.seed)
    folder = tables.folder / MAKING
    shutil.rmtree(folder, ignore_errors=True)
    make_table(folder, world, fitted, told=lambda done, of: told("pairs", done, of))
    try:
        told("judging", 0, 0)
        use_grounds(folder, world, vectors, judging, seed=recipe.seed)
        if use_scorer(folder, world, judging, seed=recipe.seed) > 1:
            judging = [at for at in judging if not chooses(world.viewers[at])]
        table = read_table(folder)
        hits = hits_of(table, world, judging, seed=recipe.seed)
        champion = None
        if serving is not None:
            champion = hits_of(serving, world, judging, seed=recipe.seed)
        verdict = judge(hits, champion, seed=recipe.seed)
        version = tables.add(
            folder, _facts(tables, table, world, recipe, clock(), hits, champion, verdict)
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if tables.registry.aliases().champion != version.name:
        tables.registry.propose(version.name, by=recipe.by, why=recipe.note)
    return Made(version, verdict, hits, champion, table.manifest.grounds)


def use_scorer(folder: Path, world: World, judging: Sequence[int], *, seed: int) -> int:
    """Let a scorer pick among a table's proposals if that is proven on those who choose.

    They judge such a table no more. Returns of how many it picks: 1 for no scorer.
    """
    table = read_table(folder)
    if table.collective is None:
        return 1
    choosing = [at for at in judging if chooses(world.viewers[at])]
    best, most = hits_of(table, world, choosing, seed=seed), 1
    for n in BEST_OF:
        manifest = structs.replace(table.manifest, best_of=n)
        told = hits_of(structs.replace(table, manifest=manifest), world, choosing, seed=seed)
        if proven(best, told, seed=seed):
            best, most = told, n
            write_described(folder / MANIFEST, manifest)
    return most


def _serving(tables: Tables) -> Table | None:
    folder = tables.champion()
    return None if folder is None else read_table(folder)


def _clusters(
    world: World, teaching: Sequence[int], recipe: Recipe, kept: Table | None
) -> tuple[Named, Floats, Ints, Floats]:
    if kept is not None:
        none = np.zeros((len(kept.words.names), 1))
        return kept.words, none, labels_of(kept, world), vectors_of(world)
    vocabulary, vectors, labels = vocabulary_of(
        world, teaching, clusters=recipe.clusters, seed=recipe.seed
    )
    return vocabulary, vocabulary.centres, labels, vectors


def _facts(
    tables: Tables,
    table: Table,
    world: World,
    recipe: Recipe,
    now_ms: int,
    hits: Hits,
    champion: Hits | None,
    verdict: Verdict,
) -> ModelVersion:
    at_ms = world.at_ms[np.isfinite(world.at_ms)]
    figures = {
        "clusters": float(hits.clusters),
        "titles": float(len(table.titles)),
        "viewers": float(len(world.viewers)),
        "judged": float(len(hits.hits)),
        "hit5": hits.hit5,
        "coverage": hits.coverage,
        "exact_match": hits.exact,
        "passes": float(verdict.passed),
        "best_of": float(table.manifest.best_of),
    }
    grounds = table.manifest.grounds
    if grounds.viewers:
        figures |= {
            "grounds_by_ials": float(grounds.by == IALS),
            "ueuc_taste": grounds.taste,
            "ueuc_ials": grounds.ials,
            "ials_over_taste": grounds.over,
            "ials_over_taste_low": grounds.low,
            "ials_over_taste_high": grounds.high,
        }
    if champion is not None:
        figures |= {"champion_hit5": champion.hit5, "champion_coverage": champion.coverage}
    if verdict.over is not None:
        figures |= {
            "over_champion": verdict.over.estimate,
            "over_champion_low": verdict.over.low,
            "over_champion_high": verdict.over.high,
        }
    return ModelVersion(
        name=table.identity,
        kind=KIND,
        made_at_ms=now_ms,
        made_by=recipe.by,
        parent=tables.registry.aliases().champion,
        from_ms=max(int(at_ms.min()), 0) if len(at_ms) else 0,
        to_ms=max(int(at_ms.max()), 0) if len(at_ms) else 0,
        rows=len(world.viewer),
        figures=figures,
        note=recipe.note,
    )
