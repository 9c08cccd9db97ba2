"""What a version's opinions are worth on a log, beside those of its parent and of the untrained.

Each is asked about titles as if it had not seen them (`models.priors.folds`), on the same artworks
and takes, and by the same likelihood (`models.likelihood.calibrate`).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.embed.protocol import FloatArray
from keyart.models.likelihood.calibrate import calibrate
from keyart.models.likelihood.relative import Effects, relative_effects
from keyart.models.priors.onnx_file import SavedRidge
from keyart.schemas.errors import KeyartError, ModelRejected, NotFound
from keyart.schemas.priors import NEUTRAL
from keyart.schemas.registry import ITSELF, PARENT, UNTRAINED, ModelVersion, WorthOnLog
from keyart.services.jobs.deploy import HELD_OUT_FROM, LANGUAGE, RIDGE, fetched, in_store
from keyart.services.jobs.priors.logged import Logged
from keyart.services.jobs.priors.serving import Scoring
from keyart.streams.registry.registry import Registry

Array = NDArray[np.float64]

MOST_GENERATIONS: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Worths:
    """Measures versions on a log.

    Parameters
    ----------
    registry
        Versions and their parents.
    scoring
        The site's priors, titles and opinions.
    """

    registry: Registry
    scoring: Scoring

    def beside(
        self, ridge: SavedRidge, vectors: FloatArray, log: Logged, *, parent: str
    ) -> tuple[WorthOnLog, ...]:
        """Return the worth of a ridge, of its parent, and of what had learned nothing here.

        Parameters
        ----------
        vectors
            (N, D) of what it read of the log's artworks.
        log
            What it learned from.
        parent
            What served when it was made; where that is untrained it stands there once.
        """
        said = said_by(ridge, vectors, log)
        return self.among(ridge.version, said, log, parent=parent, read=(ridge.space, vectors))

    def among(
        self,
        name: str,
        said: Array,
        log: Logged,
        *,
        parent: str,
        read: tuple[str, FloatArray] | None = None,
        base: tuple[str, Array] | None = None,
    ) -> tuple[WorthOnLog, ...]:
        """Return the worth of (N,) opinions, of the parent's, and of what had learned nothing here.

        Parameters
        ----------
        read
            Identity of a space, and (N, D) of what it read of the log's artworks.
        base
            What had learned nothing, and its (N,) opinions; None: the nearest such forebear.
        """
        effects = relative_effects(log.title, log.impressions, log.takes)
        untrained = base[0] if base else self.untrained(parent)
        none = ("", untrained, NEUTRAL) if base else ("", untrained)
        others = [(PARENT, parent)] if parent not in none else []
        found = [worth(name, ITSELF, said, effects)]
        for role, other in [*others, *([] if base else [(UNTRAINED, untrained)])]:
            if other == NEUTRAL:
                found.append(WorthOnLog(version=other, role=role))
                continue
            try:
                theirs = self._said(self.registry.version(other), read, log)
            except KeyartError as wrong:
                found.append(WorthOnLog(version=other, role=role, missing=str(wrong)[:2000]))
                continue
            found.append(worth(other, role, theirs, effects))
        if base:
            found.append(worth(base[0], UNTRAINED, base[1], effects))
        return tuple(found)

    def untrained(self, name: str) -> str:
        """Return the nearest of a version and its forebears that has learned nothing here."""
        for _ in range(MOST_GENERATIONS):
            try:
                version = self.registry.version(name or NEUTRAL)
            except NotFound:
                break  # it served before there was a registry: nobody knows what came before
            if version.kind == NEUTRAL or in_store(version):
                return version.name
            name = version.parent
        return NEUTRAL

    def _said(
        self, version: ModelVersion, read: tuple[str, FloatArray] | None, log: Logged
    ) -> Array:
        """Return what a version says of the log; `read` are vectors in the space that it names."""
        if version.kind == RIDGE:
            ridge = SavedRidge(fetched(self.registry, self.scoring.folder, version))
            if read and read[0] == ridge.space:
                return said_by(ridge, read[1], log)
            vectors = self.scoring.ridge(version.name).read(log.rows, log.texts)
            return said_by(ridge, vectors, log)
        if version.kind == LANGUAGE and log.from_ms < version.figures.get(HELD_OUT_FROM, 0.0):
            raise ModelRejected("it has learned from some of this log, and would know it by heart")
        opinions = self.scoring.opinions
        if opinions.card(version.name).viewer_graph:
            raise ModelRejected("it says something else to every viewer")
        held = {
            (each.title, artwork): relative
            for each in opinions.titles(version.name)
            if not each.segment
            for artwork, relative in zip(each.artworks, each.relative, strict=True)
        }
        if not held:
            raise NotFound(f"the state store has nothing of {version.name} any more")
        names = (log.titles[at] for at in log.title.tolist())
        keys = zip(names, log.artworks, strict=True)
        return np.array([held.get(key, 0.0) for key in keys])


def said_by(ridge: SavedRidge, vectors: FloatArray, log: Logged) -> Array:
    """Return (N,) log relative takes, of titles it was fitted on as if it had not seen them."""
    starts = np.searchsorted(log.title, np.arange(len(log.titles) + 1))
    said = np.zeros(len(vectors))
    for at, title in enumerate(log.titles):
        of = slice(starts[at], starts[at + 1])
        factor, _ = ridge.worth_in(log.group[starts[at]])
        said[of] = ridge.opinion(title, vectors[of]).log_relative * factor
    return said


def worth(name: str, role: str, said: Array, effects: Effects) -> WorthOnLog:
    """Return what opinions are worth.

    Parameters
    ----------
    name, role
        Whose they are.
    said
        (N,) log relative takes, made without their own title.
    effects
        Of the same N artworks.
    """
    found = calibrate(said, effects)
    return WorthOnLog(
        version=name,
        role=role,
        strength=round(found.strength, 1),
        gain=round(found.gain, 2),
        scale=round(found.scale, 4),
    )
