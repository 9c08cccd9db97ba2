"""A dual encoder as a prior that serves: a stranger's scores for all, the rest for a viewer."""

from hashlib import blake2b

import numpy as np

from keyart.models.priors.dual.sides import DualSides
from keyart.models.priors.dual.vectors import VIEWER_WIDTH, Floats, viewer_of_taste
from keyart.models.priors.opinion import centred
from keyart.models.priors.personal import Seen
from keyart.models.taste.features import TasteVectors
from keyart.schemas.errors import ModelRejected
from keyart.schemas.priors import Opinion, PriorCard


def graphs_digest(viewer: bytes, artwork: bytes) -> str:
    """Return one digest of both graphs: BLAKE2b, 32 hex digits."""
    return blake2b(len(viewer).to_bytes(8) + viewer + artwork, digest_size=16).hexdigest()


class DualPrior:
    """What a prior's two graphs say of any artwork to any viewer; a `ViewerSide`.

    Parameters
    ----------
    card
        With the graphs.

    Raises
    ------
    ModelRejected
        The graphs are not those that the card's digest names, or cannot be loaded.
    MissingExtra
        ONNX Runtime is not installed.
    """

    def __init__(self, card: PriorCard) -> None:
        if graphs_digest(card.viewer_graph, card.artwork_graph) != card.digest:
            raise ModelRejected(f"the graphs of {card.prior} are not those that its card describes")
        self._card = card
        self._sides = DualSides(card.viewer_graph, card.artwork_graph)
        self._stranger = self._sides.viewers(np.zeros((1, VIEWER_WIDTH), np.float32))[0]

    @property
    def width(self) -> int:
        """The length of either side."""
        return self._sides.width

    def see(self, taste: TasteVectors) -> Seen | None:
        """Return how this viewer differs from a stranger; None for a stranger."""
        if not taste.directions[0].any():
            return None
        viewer = viewer_of_taste(taste)
        return Seen(self._sides.viewers(viewer[None])[0] - self._stranger)

    def artworks(self, vectors: Floats) -> Floats:
        """Return the artworks' sides (K, P) of (K, D)."""
        return self._sides.artworks(vectors)

    def opinion(self, title: str, artworks: tuple[str, ...], sides: Floats) -> Opinion:
        """Return what is said to everybody of a title whose artworks have these sides (K, P)."""
        said = centred((sides @ self._stranger).astype(np.float64)) * self._card.scale
        return Opinion(
            title=title,
            artworks=artworks,
            relative=tuple(said.tolist()),
            strength=self._card.strength,
            prior=self._card.prior,
        )
