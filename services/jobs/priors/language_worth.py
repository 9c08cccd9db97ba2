"""What a language model's opinions are worth on a site's log, trained and untrained."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.likelihood.calibrate import calibrate
from keyart.models.likelihood.groups import worth_by_group
from keyart.models.likelihood.relative import relative_effects
from keyart.models.priors.worth import LEAST_TAKES, LEAST_TITLES, Worth
from keyart.schemas.errors import InvalidRecord, NotFound
from keyart.schemas.registry import WorthOnLog
from keyart.services.jobs.priors.fitted_language import Said, choosable
from keyart.services.jobs.priors.learning import Learning, Tell
from keyart.services.jobs.priors.logged import Logged, logged, shown_most
from keyart.services.jobs.priors.worths import Worths

COMPARED: Final = 500
"""Artworks, of the titles shown most, on which it is compared with what it was untrained."""
Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Measuring:
    """Measures a language model on what taught it nothing.

    Parameters
    ----------
    learning
        The site's log, titles and versions.
    tell
        Hears what is being done.
    """

    learning: Learning
    tell: Tell

    def worth(self, said: Said, since_ms: int, until_ms: int = 0) -> Worth | None:
        """Return what its opinions are worth on what was shown in a time; None: too little to tell.

        Parameters
        ----------
        said
            The model.
        since_ms, until_ms
            From when on, and up to when, if above 0.
        """
        log = self._logged(since_ms, until_ms)
        if log is None or len(log.titles) < LEAST_TITLES or log.takes.sum() < LEAST_TAKES:
            return None
        log = _part(log, shown_most(log))
        raw = self._on(said, log)
        found = calibrate(raw, relative_effects(log.title, log.impressions, log.takes))
        return Worth(
            scale=round(found.scale, 4),
            strength=round(found.strength, 1),
            gain=round(found.gain, 2),
            titles=len(log.titles),
            groups=worth_by_group(
                raw * found.scale,
                found.spread,
                group=log.group,
                title=log.title,
                impressions=log.impressions,
                takes=log.takes,
            ),
        )

    def beside(
        self,
        name: str,
        said: Said,
        worth: Worth | None,
        *,
        since_ms: int,
        parent: str,
        untrained: tuple[str, Callable[[], Said]] | None = None,
    ) -> tuple[WorthOnLog, ...]:
        """Return the worth, on what was shown from then on, of it, its parent, and the untrained.

        Parameters
        ----------
        name, said, worth
            The version, the model, and the scale at which it speaks.
        parent
            What served when it was made.
        untrained
            What it began from, by name, and what asks that; None: by the parents.
        """
        log = self._logged(since_ms, 0)
        if log is None:
            return ()
        log = _part(log, shown_most(log, COMPARED))
        factor = np.array([worth.of(group)[0] if worth else 1.0 for group in log.group])
        base = (untrained[0], self._on(untrained[1](), log)) if untrained else None
        worths = Worths(registry=self.learning.registry, scoring=self.learning.scoring)
        return worths.among(name, self._on(said, log) * factor, log, parent=parent, base=base)

    def _logged(self, since_ms: int, until_ms: int) -> Logged | None:
        its = self.learning
        try:
            return logged(its.scoring, its.archive, its.bounds, since_ms, until_ms=until_ms)
        except (NotFound, InvalidRecord):
            return None  # nothing was shown then of what is in the catalogue now

    def _on(self, said: Said, log: Logged) -> Array:
        """Return (N,) what a model says of a log's artworks; 0 where it was not asked."""
        titles = self.learning.scoring.titles.view.titles
        asked = [choosable(titles[name]) for name in log.titles]
        found = said.of(
            [each for each in asked if each.artworks],
            told=lambda done, total: self.tell(f"asking it: {done:,} of {total:,} titles"),
        )
        names = (log.titles[at] for at in log.title.tolist())
        keys = zip(names, log.artworks, strict=True)
        return np.array([found.get(title, {}).get(artwork, 0.0) for title, artwork in keys])


def _part(log: Logged, of: NDArray[np.intp]) -> Logged:
    """Return some of the rows, their titles numbered anew."""
    part = log.part(of)
    kept, numbers = np.unique(part.title, return_inverse=True)
    return Logged(
        title=numbers,
        group=part.group,
        artworks=part.artworks,
        texts=part.texts,
        rows=part.rows,
        rewards=part.rewards,
        impressions=part.impressions,
        takes=part.takes,
        titles=[log.titles[at] for at in kept.tolist()],
        from_ms=log.from_ms,
        to_ms=log.to_ms,
    )
