"""From the training log to a fitted prior: which encoder explains it best, and a ridge on that."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.embed.encoders import STATIC, encode_all, installed
from keyart.models.embed.kept import kept_encoder
from keyart.models.embed.protocol import FloatArray
from keyart.models.likelihood.groups import GroupWorth, worth_by_group
from keyart.models.priors.folds import FOLDS_FILE, cross_fit
from keyart.models.priors.onnx_file import (
    GRAPH_FILE,
    MANIFEST_FILE,
    OnnxRidgePrior,
    save_ridge,
)
from keyart.models.priors.ridge import RidgeFit, fit_ridge
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.registry import ModelVersion
from keyart.services.jobs.deploy import RIDGE, register_ridge
from keyart.services.jobs.priors.counting import counted
from keyart.services.jobs.priors.serving import VECTORS, Scoring
from keyart.streams.catalogue.view import NOW
from keyart.streams.ports import Clock
from keyart.streams.registry.registry import Registry

log = logging.getLogger(__name__)

BEST: Final = "best"
SPACE: Final = "space"
"""The embedding space that keyart is set to: its vectors are there already."""
COMPARED: Final = 2000
"""Artworks, of the titles shown most, on which encoders are compared: a minute of reading."""

Told = Callable[[str, int, int], None]
"""Hears which encoder reads, texts done and in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A prior just fitted.

    Parameters
    ----------
    version, encoders
        What it is called, and what reads the texts.
    report
        What cross-validation said.
    titles, artworks, impressions
        What it was fitted on; impressions are the rewards of the log, one each.
    unknown
        Impressions of artworks that the catalogue no longer knows, left out.
    groups
        Title groups for which the opinions are worth something else.
    gains
        Held-out gain in nats of every encoder that was compared, on `COMPARED` artworks.
    """

    version: str
    encoders: str
    report: RidgeFit
    titles: int
    artworks: int
    impressions: int
    unknown: int
    groups: dict[str, GroupWorth]
    gains: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Logged:
    """N artworks of the log that the catalogue knows: title, its group, text, counts, row.

    `rewards` (N,) says how often each was shown; `impressions` are those times their multipliers.
    `titles` are the ids that the numbers `title` stand for.
    """

    title: NDArray[np.intp]
    group: list[str]
    texts: list[str]
    rows: NDArray[np.intp]
    rewards: NDArray[np.intp]
    impressions: NDArray[np.float64]
    takes: NDArray[np.float64]
    titles: Sequence[str] = ()
    unknown: int = 0
    from_ms: int = 0
    to_ms: int = 0

    def part(self, of: NDArray[np.intp]) -> "_Logged":
        return _Logged(
            self.title[of],
            [self.group[at] for at in of],
            [self.texts[at] for at in of],
            self.rows[of],
            self.rewards[of],
            self.impressions[of],
            self.takes[of],
        )


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """Fits priors for a site.

    Parameters
    ----------
    registry
        Where versions are kept.
    scoring
        The site's priors, titles and opinions.
    archive
        The folder with the site's training log.
    space
        The space's setting: as an encoder, the shipped embeddings would be compared twice.
    clock
        Now, in milliseconds.
    """

    registry: Registry
    scoring: Scoring
    archive: Path
    space: str
    clock: Clock

    def fit(
        self,
        *,
        encoders: str = BEST,
        since_ms: int = 0,
        by: str = "keyart prior fit",
        told: Told = lambda what, done, total: None,
    ) -> Fitted:
        """Fit a ridge on the training log, save it as ONNX, and return what came of it.

        Parameters
        ----------
        encoders
            `space`, the vectors that keyart has anyway; what `text_encoder` takes; or `best`: of
            the space and the encoders that are installed, the one with the largest held-out
            gain.
        since_ms
            What was shown before is not learned from.
        by
            Who fits, for the registry, where the version is kept.

        Raises
        ------
        NotFound, InvalidRecord
            There are no rewards yet, or of fewer than two titles of the catalogue.
        """
        log = self._logged(since_ms)
        gains: dict[str, float] = {}
        if encoders == BEST:
            some = log.part(_shown_most(log))
            for spec in self.candidates():
                found, _ = self._fit(some, spec, told)
                gains[spec] = found.calibration.gain
            encoders = max(gains, key=lambda spec: gains[spec])
        report, vectors = self._fit(log, encoders, told)
        told("what it says of titles it was not fitted on", 0, 0)
        folds = cross_fit(vectors, log.title, log.impressions, log.takes, titles=log.titles)
        groups = worth_by_group(
            report.held_out,
            report.calibration.spread,
            group=log.group,
            title=log.title,
            impressions=log.impressions,
            takes=log.takes,
        )
        passing = self.scoring.folder / "fitting"
        save_ridge(
            report.prior,
            passing,
            report=report,
            encoders="" if encoders == SPACE else encoders,
            groups=groups,
            folds=folds,
        )
        version = OnnxRidgePrior(passing).version
        folder = self.scoring.folder / version
        if not folder.exists():
            passing.rename(folder)
        else:
            # the same weights, perhaps of before folds were kept; the manifest makes it whole
            for name in (FOLDS_FILE, GRAPH_FILE, MANIFEST_FILE):
                (passing / name).replace(folder / name)
        facts = ModelVersion(
            name=version,
            kind=RIDGE,
            made_at_ms=self.clock(),
            made_by=by,
            parent=self.scoring.opinions.current,
            from_ms=log.from_ms,
            to_ms=log.to_ms,
            rows=int(log.rewards.sum()),
            space=report.prior.space,
            encoders="" if encoders == SPACE else encoders,
            figures={
                "gain": report.calibration.gain,
                "strength": report.calibration.strength,
                "scale": report.calibration.scale,
                "spread": report.calibration.spread,
                "penalty": report.penalty,
                "titles": float(log.title.max() + 1),
                "artworks": float(len(log.texts)),
            },
        )
        version = register_ridge(self.registry, folder, facts).name
        return Fitted(
            version=version,
            encoders=encoders,
            report=report,
            titles=int(log.title.max()) + 1,
            artworks=len(log.texts),
            impressions=int(log.rewards.sum()),
            unknown=log.unknown,
            groups=groups,
            gains=gains,
        )

    def candidates(self) -> Sequence[str]:
        """Return what `best` compares; the shipped embeddings are mostly the space itself."""
        same = self.space == STATIC
        return [SPACE, *(spec for spec in installed() if not (same and spec == STATIC))]

    def _logged(self, since_ms: int) -> _Logged:
        self.scoring.titles.refresh()
        view, table = self.scoring.titles.view, counted(self.archive, since_ms)
        rows = [
            view.row(title, artwork, NOW)
            for title, artwork in zip(table["title"], table["artwork"], strict=True)
        ]
        known = [at for at, row in enumerate(rows) if row is not None]
        if not known:
            raise InvalidRecord("the training log holds no artwork of this catalogue")
        total, table = int(table["rewards"].sum()), table[known]
        titles, numbers = np.unique(table["title"].to_numpy(), return_inverse=True)
        return _Logged(
            title=numbers,
            group=[view.titles[title].group for title in table["title"]],
            texts=[view.text(row) for row in rows if row is not None],
            rows=np.array([row for row in rows if row is not None], np.intp),
            rewards=table["rewards"].to_numpy().astype(np.intp),
            impressions=table["impressions"].to_numpy(),
            takes=table["takes"].to_numpy(),
            titles=titles.tolist(),
            unknown=total - int(table["rewards"].sum()),
            from_ms=int(table["from_ms"].to_numpy().min()),
            to_ms=int(table["to_ms"].to_numpy().max()),
        )

    def _fit(self, log: _Logged, spec: str, told: Told) -> tuple[RidgeFit, FloatArray]:
        """Return the fit, and the vectors it was made on."""
        vectors: FloatArray
        if spec == SPACE:
            titles = self.scoring.titles
            vectors, identity = titles.view.vectors[log.rows], titles.space.identity
        else:
            encoder = kept_encoder(self.scoring.folder / VECTORS, spec)
            identity = encoder.identity
            vectors = encode_all(
                encoder, log.texts, lambda done, total: told(f"{spec} reads", done, total)
            )
        return fit_ridge(vectors, log.title, log.impressions, log.takes, space=identity), vectors


def _shown_most(log: _Logged) -> NDArray[np.intp]:
    """Return the places of the artworks of the titles shown most, `COMPARED` or a few more."""
    order = np.argsort(-np.bincount(log.title, log.impressions), kind="stable")
    sizes = np.bincount(log.title)[order]
    enough = max(int(np.searchsorted(np.cumsum(sizes), COMPARED)) + 1, 2)
    return np.flatnonzero(np.isin(log.title, order[:enough]))
