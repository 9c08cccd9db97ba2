"""A fitted prior gives its opinions of the catalogue, and serves."""

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from keyart.models.embed.encoders import TextEncoder
from keyart.models.embed.kept import kept_encoder
from keyart.models.priors.onnx_file import MANIFEST_FILE, OnnxRidgePrior
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.errors import InvalidRecord, SpaceMismatch
from keyart.schemas.priors import NEUTRAL, Opinion
from keyart.services.wiring.bootstrap import Parts
from keyart.streams.catalogue.view import NOW

log = logging.getLogger(__name__)
_BATCH = 1000
SCORE_S: Final = 3600.0
"""Given to a scoring in a process of its own; what is left is scored the next time."""


def prior_folder(parts: Parts, name: str = "") -> Path:
    """Return the folder of all priors, or of one."""
    return parts.data_dir / "priors" / name


class FittedPrior:
    """A ridge with what reads the texts for it: the space's own vectors, or other encoders.

    Raises
    ------
    NotFound
        There is no such prior.
    SpaceMismatch
        It was fitted on vectors of another space, or another encoder, than is there now.
    """

    def __init__(self, parts: Parts, version: str) -> None:
        self.version = version
        self.ridge = OnnxRidgePrior(prior_folder(parts, version))
        self._view = parts.view.view
        self._encoder: TextEncoder | None = None
        spec = self.ridge.manifest.encoders
        if spec:
            self._encoder = kept_encoder(prior_folder(parts, "vectors"), spec)
        identity = self._encoder.identity if self._encoder else parts.space.identity
        if self.ridge.space != identity:
            raise SpaceMismatch(f"{version} was fitted on vectors of {self.ridge.space}: fit anew")

    def opinions(self, titles: Sequence[StoredTitle]) -> list[Opinion]:
        """Return what it thinks of each title's artworks that may be chosen."""
        rows = [
            self._view.row(title.id, artwork.id, NOW)
            for title in titles
            for artwork in title.choosable
        ]
        if self._encoder is None:
            vectors = self._view.vectors[np.array(rows, np.intp)]
        else:
            vectors = self._encoder.encode(
                [artwork.description for title in titles for artwork in title.choosable]
            )
        each = iter(vectors)
        return [self._opinion(title, [next(each) for _ in title.choosable]) for title in titles]

    def _opinion(self, title: StoredTitle, vectors: Sequence[np.ndarray]) -> Opinion:
        said = self.ridge.opinion(title.id, np.array(vectors))
        own = self.ridge.manifest.groups.get(title.group)
        return Opinion(
            title=title.id,
            artworks=tuple(artwork.id for artwork in title.choosable),
            relative=tuple((said.log_relative * (own.factor if own else 1.0)).tolist()),
            strength=own.strength if own else said.strength,
            prior=self.version,
        )


def score(parts: Parts, prior: FittedPrior, titles: Sequence[StoredTitle]) -> int:
    """Let a prior give its opinion of titles, and store it; return how many there are."""
    for first in range(0, len(titles), _BATCH):
        parts.opinions.put(prior.opinions(titles[first : first + _BATCH]))
    return len(titles)


def unseen(parts: Parts) -> list[StoredTitle]:
    """Return the titles that the current prior has not seen as they are; none if it is not ours."""
    current = parts.opinions.current
    if current == NEUTRAL or not (prior_folder(parts, current) / MANIFEST_FILE).is_file():
        return []
    parts.view.refresh()
    scored = {each.title: each.artworks for each in parts.opinions.titles(current)}
    return [
        title
        for title in parts.view.view.titles.values()
        if title.choosable and scored.get(title.id) != tuple(each.id for each in title.choosable)
    ]


def score_new(parts: Parts) -> int:
    """Score what the current prior has not seen as it is now; return how many titles that was."""
    missing = unseen(parts)
    return score(parts, FittedPrior(parts, parts.opinions.current), missing) if missing else 0


def score_new_beside(parts: Parts) -> None:
    """Score what is new: here if the space's vectors do, else in a process that then goes away.

    A neural encoder's library would stay in this process's memory for good.
    """
    missing = unseen(parts)
    if not missing:
        return
    current = parts.opinions.current
    if not OnnxRidgePrior(prior_folder(parts, current)).manifest.encoders:
        score(parts, FittedPrior(parts, current), missing)
        return
    if said := beside("prior", "score"):
        log.warning("new titles were not scored: %s", said)


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


def serve_prior(parts: Parts, version: str) -> int:
    """Score the whole catalogue with a prior, then make it current; return how many titles.

    `neutral` makes keyart serve without a prior.
    """
    if version == NEUTRAL:
        parts.opinions.make_current(NEUTRAL)
        return 0
    parts.view.refresh()
    prior = FittedPrior(parts, version)
    titles = [title for title in parts.view.view.titles.values() if title.choosable]
    done = score(parts, prior, titles)
    parts.opinions.make_current(version)
    return done


def drop_prior(parts: Parts, version: str) -> None:
    """Forget a prior's opinions; its folder stays, and `serve_prior` scores them again.

    Raises
    ------
    InvalidRecord
        It serves.
    """
    if version == parts.opinions.current:
        raise InvalidRecord(f"{version} serves: let another one serve first")
    parts.opinions.drop(version)
