"""From the training log to a fitted prior: which encoders explain it, and ridges on them."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from keyart.models.embed.joined import encode_all
from keyart.models.embed.load import JOINED, STATIC, installed, licence, load_space
from keyart.models.embed.protocol import FloatArray
from keyart.models.likelihood.groups import worth_by_group
from keyart.models.priors.folds import FOLDS_FILE, cross_fit
from keyart.models.priors.manifest import MANIFEST_FILE
from keyart.models.priors.onnx_file import (
    GRAPH_FILE,
    WEIGHTS_FILE,
    SavedRidge,
    save_ridge,
)
from keyart.models.priors.stack import StackFit, fit_stack, without_idle
from keyart.schemas.registry import ModelVersion
from keyart.services.jobs.deploy import RIDGE, register_files
from keyart.services.jobs.priors.fitted import Fitted
from keyart.services.jobs.priors.learning import Learning, Tell
from keyart.services.jobs.priors.logged import Logged, logged, shown_most
from keyart.services.jobs.priors.serving import SPACE, VECTORS
from keyart.services.jobs.priors.worths import Worths

log = logging.getLogger(__name__)

BEST: Final = "best"
Told = Callable[[str, int, int], None]
"""Hears which encoder reads, texts done and in all."""


@dataclass(frozen=True, kw_only=True)
class Fitting(Learning):
    """Fits priors for a site.

    Parameters
    ----------
    space
        The space's setting: as an encoder, the shipped embeddings would be compared twice.
    retrained
        What reads the texts where `train` fits: as `fit` takes it.
    """

    space: str
    retrained: str = SPACE

    def train(self, *, since_ms: int, by: str, tell: Tell) -> str:
        """See `Trains.train`."""
        tell("fitting")
        return self.fit(encoders=self.retrained, since_ms=since_ms, by=by).version

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
            `space`, the vectors that keyart has anyway, and what `load_space` takes, joined by `+`
            as a stack; or `best`: of the space and what is installed, the stack or the one alone
            that is better held out.
        since_ms
            What was shown before is not learned from.
        by
            Who fits, for the registry, where the version is kept.

        Raises
        ------
        NotFound, InvalidRecord
            There are no rewards yet, or of fewer than two titles of the catalogue.
        """
        log = logged(self.scoring, self.archive, self.bounds, since_ms)
        gains: dict[str, float] = {}
        names = encoders.split(JOINED)
        if encoders == BEST:
            names = list(self.candidates())
            tried = self._fit(log.part(shown_most(log)), names, told).report
            gains = dict(zip(names, (each.calibration.gain for each in tried.members), strict=True))
            names = [names[at] for at in tried.used] or names[:1]
            if len(names) > 1:
                gains[JOINED.join(names)] = tried.calibration.gain
        stack = self._fit(log, names, told)
        kept = stack.report.used or tuple(range(len(names)))
        names, blocks = [names[at] for at in kept], [stack.blocks[at] for at in kept]
        shares = {name: stack.report.shares[at] for name, at in zip(names, kept, strict=True)}
        encoders = JOINED.join(names)
        identity = JOINED.join(stack.identities[at] for at in kept)
        report = without_idle(stack.report, stack.blocks, space=identity)
        told("what it says of titles it was not fitted on", 0, 0)
        folds = cross_fit(blocks, log.title, log.impressions, log.takes, titles=log.titles)
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
        told("what it is worth beside others", 0, 0)
        ridge, parent = SavedRidge(passing), self.scoring.opinions.current
        worths = Worths(registry=self.registry, scoring=self.scoring)
        beside = worths.beside(ridge, np.hstack(blocks), log, parent=parent)
        version = ridge.version
        folder = self.scoring.folder / version
        if not folder.exists():
            passing.rename(folder)
        else:
            # the same weights, perhaps of before folds were kept; the manifest makes it whole
            for name in (FOLDS_FILE, WEIGHTS_FILE, GRAPH_FILE, MANIFEST_FILE):
                if (passing / name).is_file():
                    (passing / name).replace(folder / name)
        facts = ModelVersion(
            name=version,
            kind=RIDGE,
            made_at_ms=self.clock(),
            made_by=by,
            parent=parent,
            from_ms=log.from_ms,
            to_ms=log.to_ms,
            since_ms=since_ms,
            rows=int(log.rewards.sum()),
            space=report.prior.space,
            encoders="" if encoders == SPACE else encoders,
            figures={
                "gain": report.calibration.gain,
                "strength": report.calibration.strength,
                "scale": report.calibration.scale,
                "spread": report.calibration.spread,
                "penalty": report.penalty,
                **(
                    {f"share of {name}": share for name, share in shares.items()}
                    if kept[1:]
                    else {}
                ),
                "titles": float(log.title.max() + 1),
                "artworks": float(len(log.texts)),
                "held back": float(log.held),
                "bounded": round(log.bounded, 1),
            },
            beside=beside,
        )
        version = register_files(self.registry, folder, facts).name
        return Fitted(
            version=version,
            encoders=encoders,
            report=report,
            titles=int(log.title.max()) + 1,
            artworks=len(log.texts),
            impressions=int(log.rewards.sum()),
            unknown=log.unknown,
            held=log.held,
            bounded=log.bounded,
            groups=groups,
            gains=gains,
            shares=shares,
            licences={name: licence(self.space if name == SPACE else name) for name in names},
        )

    def candidates(self) -> Sequence[str]:
        """Return what `best` compares; the shipped embeddings are mostly the space itself."""
        same = self.space == STATIC
        return [SPACE, *(spec for spec in installed() if not (same and spec == STATIC))]

    def _fit(self, log: Logged, names: Sequence[str], told: Told) -> "_Stack":
        """Return the stack of these encoders' ridges."""
        blocks: list[FloatArray] = []
        identities: list[str] = []
        for name in names:
            if name == SPACE:
                titles = self.scoring.titles
                blocks.append(titles.view.vectors[log.rows])
                identities.append(titles.space.identity)
                continue
            space = load_space(name, kept=self.scoring.folder / VECTORS)
            blocks.append(encode_all(space, log.texts, partial(told, f"{name} reads")))
            identities.append(space.identity)
        report = fit_stack(blocks, log.title, log.impressions, log.takes)
        return _Stack(report, blocks, identities)


@dataclass(frozen=True, slots=True)
class _Stack:
    """A fit with the vectors it was made on, and the identities of what read them."""

    report: StackFit
    blocks: list[FloatArray]
    identities: list[str]
