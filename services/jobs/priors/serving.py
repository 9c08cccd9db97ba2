"""A fitted prior gives its opinions of the catalogue, and serves."""

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from keyart.models.embed.load import JOINED, LIGHT, load_space
from keyart.models.embed.protocol import FloatArray, Space
from keyart.models.llm.scoring.manifest import MANIFEST_FILE as LANGUAGE_FILE
from keyart.models.ope.gate.rules import TOLERANCE
from keyart.models.priors.dual.manifest import MANIFEST_FILE as DUAL_FILE
from keyart.models.priors.manifest import MANIFEST_FILE
from keyart.models.priors.onnx_file import SavedRidge
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.errors import InvalidRecord, SpaceMismatch
from keyart.schemas.priors import NEUTRAL, Opinion, PriorCard
from keyart.services.jobs.priors.fitted_dual import FittedDual
from keyart.services.jobs.priors.fitted_language import FittedLanguageModel
from keyart.streams.catalogue.current import CurrentCatalogue
from keyart.streams.catalogue.view import NOW
from keyart.streams.site import Opinions

log = logging.getLogger(__name__)
_BATCH = 1000
VECTORS: Final = "vectors"
"""The folder, beside those of priors, of texts' vectors by neural encoders."""
SPACE: Final = "space"
"""As a reader of texts: the embedding space that keyart is set to, whose vectors are there."""
SCORE_S: Final = 3600.0
"""Given to a scoring in a process of its own; what is left is scored the next time."""


class Speaks(Protocol):
    """A prior in a folder: its card, and its opinions."""

    version: str
    card: PriorCard

    def opinions(self, titles: Sequence[StoredTitle]) -> list[Opinion]:
        """Return what it says to everybody of each title's artworks that may be chosen."""

    def anew(self, titles: Sequence[StoredTitle]) -> list[Opinion]:
        """Return as `opinions`, nothing of what it said before used: what is timed."""

    def parity(self) -> tuple[float | None, float, float]:
        """Return the graph's largest difference from its weights, their scale, and the tolerance.

        The tolerance is a share of the scale; None where there is nothing to compare.
        """


class FittedPrior:
    """A ridge with what reads the texts for it: the space's own vectors, and other encoders.

    Parameters
    ----------
    folder
        Of all priors.
    version
        Its name, and that of its folder.
    titles
        The catalogue.

    Raises
    ------
    NotFound
        There is no such prior.
    SpaceMismatch
        It was fitted on vectors of another space, or another encoder, than is there now.
    """

    def __init__(self, folder: Path, version: str, titles: CurrentCatalogue) -> None:
        self.version = version
        self.card = PriorCard(prior=version)
        self.ridge = SavedRidge(folder / version)
        self._view = titles.view
        self._readers: list[Space | None] = []
        for name in (self.ridge.manifest.encoders or SPACE).split(JOINED):
            reader = None if name == SPACE else load_space(name, kept=folder / VECTORS)
            self._readers.append(reader)
        identity = JOINED.join((reader or titles.space).identity for reader in self._readers)
        if self.ridge.space != identity:
            raise SpaceMismatch(f"{version} was fitted on vectors of {self.ridge.space}: fit anew")

    def opinions(self, titles: Sequence[StoredTitle]) -> list[Opinion]:
        """Return what it thinks of each title's artworks that may be chosen."""
        shown = [(title, artwork) for title in titles for artwork in title.choosable]
        texts = [artwork.description for _, artwork in shown]
        rows = [self._view.row(title.id, artwork.id, NOW) for title, artwork in shown]
        each = iter(self.read(np.array(rows, np.intp), texts))
        return [self._opinion(title, [next(each) for _ in title.choosable]) for title in titles]

    def read(self, rows: NDArray[np.intp], texts: Sequence[str]) -> FloatArray:
        """Return the (N, D) vectors that it judges by.

        Parameters
        ----------
        rows, texts
            (N,) places in the catalogue's view, and what stands there.
        """
        return np.hstack(
            [
                self._view.vectors[rows] if reader is None else reader.encode(texts)
                for reader in self._readers
            ]
        )

    def anew(self, titles: Sequence[StoredTitle]) -> list[Opinion]:
        """See `Speaks.anew`: it keeps nothing of what it said."""
        return self.opinions(titles)

    def parity(self) -> tuple[float | None, float, float]:
        """See `Speaks.parity`."""
        return *self.ridge.parity(), TOLERANCE

    def _opinion(self, title: StoredTitle, vectors: Sequence[np.ndarray]) -> Opinion:
        said = self.ridge.opinion(title.id, np.array(vectors))
        factor, strength = self.ridge.worth_in(title.group)
        return Opinion(
            title=title.id,
            artworks=tuple(artwork.id for artwork in title.choosable),
            relative=tuple((said.log_relative * factor).tolist()),
            strength=strength if title.choosable else 0.0,
            prior=self.version,
        )


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """Lets the priors of a site give their opinions of its titles.

    Parameters
    ----------
    folder
        Of all priors: each has one of its own in it, by its version.
    titles
        The catalogue.
    opinions
        Where opinions are kept.
    """

    folder: Path
    titles: CurrentCatalogue
    opinions: Opinions

    def fitted(self, version: str) -> Speaks:
        """Return a prior that was fitted here; raises as each of the kinds does."""
        if (self.folder / version / DUAL_FILE).is_file():
            return FittedDual(self.folder, version, self.titles)
        if (self.folder / version / LANGUAGE_FILE).is_file():
            return FittedLanguageModel(self.folder, version)
        return self.ridge(version)

    def ridge(self, version: str) -> FittedPrior:
        """Return a ridge with what reads for it; raises as `FittedPrior` does."""
        return FittedPrior(self.folder, version, self.titles)

    def choosable(self) -> list[StoredTitle]:
        """Return all titles of which something may be chosen, as they are now."""
        self.titles.refresh()
        return [each for each in self.titles.view.titles.values() if each.choosable]

    def score(self, prior: Speaks, titles: Sequence[StoredTitle]) -> int:
        """Let a prior give its opinion of titles, and store it; return how many there are."""
        for first in range(0, len(titles), _BATCH):
            self.opinions.put(prior.opinions(titles[first : first + _BATCH]))
        return len(titles)

    def unseen(self, prior: str = "") -> list[StoredTitle]:
        """Return the titles that a prior, or the one that serves, has not seen as they are.

        None if it is not ours.
        """
        current = prior or self.opinions.current
        folder = self.folder / current
        ours = any((folder / name).is_file() for name in (MANIFEST_FILE, DUAL_FILE, LANGUAGE_FILE))
        if current == NEUTRAL or not ours:
            return []
        scored = {each.title: each.artworks for each in self.opinions.titles(current)}
        return [
            title
            for title in self.choosable()
            if scored.get(title.id) != tuple(each.id for each in title.choosable)
        ]

    def score_new(self, prior: str = "") -> int:
        """Score what a prior, or the one that serves, has not seen as it is; return how many."""
        prior = prior or self.opinions.current
        missing = self.unseen(prior)
        return self.score(self.fitted(prior), missing) if missing else 0

    def score_new_beside(self) -> None:
        """Score what is new: here if the space's vectors do, else in a process that then ends.

        What a neural network needs would stay in this process's memory for good.
        """
        missing = self.unseen()
        if not missing:
            return
        current = self.opinions.current
        if self._is_light(self.folder / current):
            self.score(self.fitted(current), missing)
            return
        if said := beside("prior", "score"):
            log.warning("new titles were not scored: %s", said)

    @staticmethod
    def _is_light(folder: Path) -> bool:
        """Whether a prior reads with no neural network, or one as small as a dual encoder."""
        if (folder / LANGUAGE_FILE).is_file():
            return False
        ridge = (folder / MANIFEST_FILE).is_file()
        spec = SavedRidge(folder).manifest.encoders if ridge else ""
        return not spec or all(name in (SPACE, *LIGHT) for name in spec.split(JOINED))


def beside(*arguments: str) -> str:
    """Run a command of keyart in a process of its own; return why it failed, "" if it did not."""
    command = [sys.executable, "-m", "keyart.services.cli.main", *arguments]
    try:
        done = subprocess.run(
            command, env=dict(os.environ), capture_output=True, text=True, timeout=SCORE_S
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {SCORE_S:.0f} s"
    return (done.stderr.strip()[-500:] or "it failed") if done.returncode else ""


def drop_prior(opinions: Opinions, version: str) -> None:
    """Forget a prior's opinions; its folder stays, and `Deployment.promote` scores them again.

    Raises
    ------
    InvalidRecord
        It serves.
    """
    if version == opinions.current:
        raise InvalidRecord(f"{version} serves: let another one serve first")
    opinions.drop(version)
