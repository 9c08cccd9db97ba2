"""Priors in service: fitted on the training log, scored for the catalogue, made current.

A prior lives in a folder under `<data_dir>/priors`, named by its version; its opinions of titles
live in the state store, where the api reads them. No model runs while a request waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from keyart.models.priors.onnx_file import OnnxRidgePrior, save_ridge
from keyart.models.priors.protocol import Candidate, Prior
from keyart.models.priors.ridge import RidgeFit, fit_ridge
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.errors import InvalidRecord, NotFound, SpaceMismatch
from keyart.schemas.priors import Opinion
from keyart.schemas.topics import REWARDS
from keyart.services.bootstrap import Parts
from keyart.streams.archive import files
from keyart.streams.valkey.opinions import NEUTRAL

NOW = 2**53
"""Later than any description: asks for the one in force."""
_BATCH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A prior just fitted: its version, what cross-validation said, and what it was fitted on."""

    version: str
    report: RidgeFit
    titles: int
    artworks: int
    impressions: float


def prior_folder(parts: Parts, version: str = "") -> Path:
    """Return the folder of all priors, or of one."""
    return parts.data_dir / "priors" / version


def counted(parts: Parts) -> pl.DataFrame:
    """Return impressions and takes of every artwork in the training log.

    Columns: title, artwork, impressions (sum of taste multipliers: expected relative takes), takes.

    Raises
    ------
    NotFound
        Nothing is archived yet.
    """
    paths = files.paths(parts.archive_dir, REWARDS)
    if not paths:
        raise NotFound(f"there are no rewards in {parts.archive_dir}: nothing to learn from yet")
    rows = pl.scan_parquet(paths, extra_columns="ignore").filter(pl.col("id").is_not_null())
    return (
        rows.unique("id", keep="first")
        .group_by("title", "artwork")
        .agg(impressions=pl.col("multiplier").sum(), takes=pl.col("value").sum())
        .sort("title", "artwork")
        .collect()
    )


def fit_prior(parts: Parts) -> Fitted:
    """Fit a ridge on the training log, save it as ONNX, and return what came of it.

    Raises
    ------
    NotFound, InvalidRecord
        There are no rewards yet, or of fewer than two titles of the catalogue.
    """
    parts.view.refresh()
    view, table = parts.view.view, counted(parts)
    rows = [
        view.row(title, artwork, NOW)
        for title, artwork in zip(table["title"], table["artwork"], strict=True)
    ]
    known = [at for at, row in enumerate(rows) if row is not None]
    if not known:
        raise InvalidRecord("the training log holds no artwork of this catalogue")
    table = table[known]
    vectors = view.vectors[[row for row in rows if row is not None]]
    groups = np.unique(table["title"].to_numpy(), return_inverse=True)[1]
    report = fit_ridge(
        vectors,
        groups,
        table["impressions"].to_numpy(),
        table["takes"].to_numpy(),
        space=parts.space.identity,
    )
    passing = prior_folder(parts, "fitting")
    save_ridge(report.prior, passing, report=report)
    version = OnnxRidgePrior(passing).version
    folder = prior_folder(parts, version)
    if not folder.exists():
        passing.rename(folder)
    return Fitted(
        version=version,
        report=report,
        titles=int(groups.max()) + 1,
        artworks=len(table),
        impressions=float(table["impressions"].sum()),
    )


def load_prior(parts: Parts, version: str) -> OnnxRidgePrior:
    """Return a fitted prior.

    Raises
    ------
    NotFound
        There is no such prior.
    SpaceMismatch
        It was fitted in another embedding space than the one set now.
    """
    prior = OnnxRidgePrior(prior_folder(parts, version))
    if prior.space != parts.space.identity:
        raise SpaceMismatch(f"{version} was fitted in space {prior.space}: fit it anew")
    return prior


def score(parts: Parts, prior: Prior, titles: Sequence[StoredTitle]) -> int:
    """Let a prior give its opinion of titles, and store it; return how many there are."""
    done = 0
    for first in range(0, len(titles), _BATCH):
        opinions = [_opinion(parts, prior, title) for title in titles[first : first + _BATCH]]
        parts.opinions.put(opinions)
        done += len(opinions)
    return done


def score_new(parts: Parts) -> int:
    """Score what the current prior has not seen as it is now; return how many titles that was."""
    current = parts.opinions.current
    if current == NEUTRAL or not (prior_folder(parts, current) / "ridge.json").is_file():
        return 0
    parts.view.refresh()
    scored = {each.title: each.artworks for each in parts.opinions.titles(current)}
    missing = [
        title
        for title in parts.view.view.titles.values()
        if title.choosable and scored.get(title.id) != tuple(each.id for each in title.choosable)
    ]
    return score(parts, load_prior(parts, current), missing) if missing else 0


def serve_prior(parts: Parts, version: str) -> int:
    """Score the whole catalogue with a prior, then make it current; return how many titles.

    `neutral` makes keyart serve without a prior.
    """
    if version == NEUTRAL:
        parts.opinions.make_current(NEUTRAL)
        return 0
    prior = load_prior(parts, version)
    parts.view.refresh()
    titles = [title for title in parts.view.view.titles.values() if title.choosable]
    done = score(parts, prior, titles)
    parts.opinions.make_current(version)
    return done


def import_opinions(parts: Parts, opinions: Sequence[Opinion]) -> str:
    """Take over opinions that another tool made (`keyart llm score`), and make them current.

    Raises
    ------
    InvalidRecord
        There are none, or they are of several priors.
    """
    names = {each.prior for each in opinions}
    if len(names) != 1:
        raise InvalidRecord(f"opinions of exactly one prior are expected, not of {sorted(names)}")
    parts.opinions.put(opinions)
    name = names.pop()
    parts.opinions.make_current(name)
    return name


def _opinion(parts: Parts, prior: Prior, title: StoredTitle) -> Opinion:
    view = parts.view.view
    candidates = []
    for artwork in title.choosable:
        row = view.row(title.id, artwork.id, NOW)
        assert row is not None, "the view holds every artwork of its titles"
        candidates.append(
            Candidate(artwork=artwork.id, text=artwork.description, vector=view.vectors[row])
        )
    said = prior.opinion(title.id, candidates)
    return Opinion(
        title=title.id,
        artworks=tuple(candidate.artwork for candidate in candidates),
        relative=tuple(said.log_relative.tolist()),
        strength=said.strength,
        prior=prior.version,
    )
