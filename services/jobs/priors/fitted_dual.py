"""A dual encoder of the registry as it serves: its card, and what it says to everybody."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keyart.models.ope.gate.rules import TOLERANCE
from keyart.models.priors.dual.dual import DualEncoder
from keyart.models.priors.dual.probes import parity_with_torch
from keyart.models.priors.dual.serving import DualPrior, graphs_digest
from keyart.models.priors.worth import UNMEASURED
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.priors import Opinion, PriorCard
from keyart.streams.catalogue.current import CurrentCatalogue
from keyart.streams.catalogue.view import NOW


def card_of(dual: DualEncoder, prior: str) -> PriorCard:
    """Return the card with which the api serves a dual encoder under this name."""
    worth, graphs = dual.manifest.worth, dual.graphs
    return PriorCard(
        prior=prior,
        space=dual.manifest.space,
        viewer_graph=graphs[0],
        artwork_graph=graphs[1],
        digest=graphs_digest(*graphs),
        scale=worth.scale if worth else 1.0,
        strength=worth.strength if worth else UNMEASURED,
    )


class FittedDual:
    """A dual encoder in a folder.

    The api asks its graphs itself. What it says to everybody is kept as any prior's opinions are,
    for whoever judges it and has no graphs: gate, canary, drift.

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
    ModelRejected, SpaceMismatch, MissingExtra
        As `DualEncoder`.
    """

    def __init__(self, folder: Path, version: str, titles: CurrentCatalogue) -> None:
        self.version = version
        self._folder = folder / version
        self._dual = DualEncoder(self._folder, space=titles.space.identity)
        self.card = card_of(self._dual, version)
        self._prior = DualPrior(self.card)
        self._view = titles.view

    def opinions(self, titles: Sequence[StoredTitle]) -> list[Opinion]:
        """Return what it says to everybody of each title's artworks that may be chosen."""
        return [self._opinion(title) for title in titles]

    def anew(self, titles: Sequence[StoredTitle]) -> list[Opinion]:
        """Return as `opinions`: it keeps nothing of what it said."""
        return self.opinions(titles)

    def parity(self) -> tuple[float | None, float, float]:
        """Return the graphs' largest difference from torch, the scale, and what of it may be."""
        return *parity_with_torch(self._folder, self._dual.sides), TOLERANCE

    def _opinion(self, title: StoredTitle) -> Opinion:
        names = tuple(artwork.id for artwork in title.choosable)
        rows = np.array([self._view.row(title.id, name, NOW) for name in names], np.intp)
        return self._prior.opinion(title.id, names, self._prior.artworks(self._view.vectors[rows]))
