"""Invented tastes: a few interests for each viewer, drawn around named ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tastes:
    """The tastes of V viewers, each of up to J interests in a space of H dimensions.

    Attributes
    ----------
    interests
        Shape (V, J, H), unit vectors.
    strengths
        Shape (V, J), 0 to 1: how strongly each interest pulls; 0 where a viewer has fewer than J.
    concepts
        Shape (V, J): the index of the named interest that each was drawn around.
    """

    interests: FloatArray
    strengths: FloatArray
    concepts: NDArray[np.intp]

    def affinity(self, artworks: FloatArray) -> FloatArray:
        """Return how well each artwork, (M, H) unit rows, meets each viewer's taste, (V, M).

        The best-matching interest decides: max over j of strength_j times cosine(interest_j, k).
        """
        similar = np.einsum("vjh,mh->vjm", self.interests, artworks, optimize=True)
        matched: FloatArray = (similar * self.strengths[:, :, None]).max(axis=1)
        return matched


def draw_tastes(
    *,
    rng: np.random.Generator,
    viewers: int,
    concepts: FloatArray,
    most_interests: int = 3,
    wander: float = 0.4,
) -> Tastes:
    """Draw viewers: 2 to `most_interests` distinct interests each.

    Parameters
    ----------
    rng
        The source of randomness.
    viewers
        How many, V.
    concepts
        Shape (C, H), unit rows: the named interests to draw around; C at least `most_interests`.
    most_interests
        J, at least 2.
    wander
        Length of the random step from the named interest to the viewer's own, in units of 1: a
        viewer who likes space likes it in a way of their own.
    """
    order = rng.random((viewers, len(concepts))).argsort(axis=1)[:, :most_interests]  # (V, J)
    step = rng.normal(size=(viewers, most_interests, concepts.shape[1]))
    step *= wander / np.linalg.norm(step, axis=2, keepdims=True)
    interests = concepts[order] + step
    interests /= np.linalg.norm(interests, axis=2, keepdims=True)
    count = rng.integers(2, most_interests + 1, viewers)
    strengths = rng.uniform(0.6, 1.0, (viewers, most_interests))
    strengths[np.arange(most_interests) >= count[:, None]] = 0.0
    return Tastes(interests=interests, strengths=strengths, concepts=order)
