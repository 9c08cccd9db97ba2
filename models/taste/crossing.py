"""What the site's context has to do with what an artwork shows, as numbers that all titles share.

Which artworks are taken where: bright ones on a phone, faces on a television, subtitles in the
evening. Every value of the context and every attribute of an artwork is a vector by a hash; the
circular convolution of two such vectors is one more, of the pair, nearly at right angles to all
other pairs' (a sketch of their outer product: Pham and Pagh, KDD 2013). It is linear in both, so
that a page costs one product of matrices however many values and attributes there are, and a pair
that was never seen needs no room. Artworks without attributes show what their text says, by its
leading coordinates.

Two different pairs have vectors of cosine 0 +- 0.18, one over the square root of `CROSSED`: what
one of them teaches is seen so faintly in another, as noise of known size. Which relation to taste
counts where (what a viewer likes matters in the evening, not at breakfast) is a smaller sketch, of
context alone, times how far the artwork is what the viewer likes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import comb
from typing import Final

import numpy as np

from keyart.models.taste.features import F32, FEATURES, PERSONAL
from keyart.models.taste.situation import tokens
from keyart.schemas.context import ContextValue

CROSSED: Final = 32
"""Numbers that are context x what the artwork shows."""
SWAYED: Final = 8
"""Numbers that are context x how far the artwork is what the viewer likes."""
CONTEXT_FEATURES: Final = (
    *(f"context_shows_{at}" for at in range(CROSSED)),
    *(f"context_likes_{at}" for at in range(SWAYED)),
)
PLACES: Final = 4
"""Of a value's vector that are not 0."""
VECTORS: Final = comb(CROSSED, PLACES) * 2**PLACES
"""How many different vectors a value or an attribute may have: 575,360."""
WHOLE: Final = 8
"""So many values, or attributes, count whole; of more, each counts less."""
TEXT_AXES: Final = 8
TEXT_SCALE: Final = 2.8
"""Leading coordinates are about an eighth each: all of them together count as one attribute."""
SCALE: Final = np.float32(2.0)
"""Length of the vector of one value with one attribute."""
LARGEST: Final = 8.0
REMEMBERED: Final = 5000
NO_SIDE: Final = np.zeros(0, np.float32)
"""The side of no context."""
_LONG, _BEST = FEATURES.index("long"), FEATURES.index("best")


def artwork_sides(attributes: Sequence[Mapping[str, str]], vectors: F32) -> F32:
    """Return (K, CROSSED) what artworks show, ready to meet a context.

    Parameters
    ----------
    attributes
        (K,) of the artworks; empty when none has any.
    vectors
        (K, 64) of their texts, in the leading dimensions of the space.
    """
    made: F32 = vectors[:, :TEXT_AXES] @ _axes() * np.float32(TEXT_SCALE)
    for row, its in zip(made, attributes, strict=False):
        if its:
            # a site that says what its artworks show knows better than their text
            row[:] = 0.0
        share = np.float32(min(1.0, (WHOLE / max(len(its), 1)) ** 0.5))
        for name, value in its.items():
            row += share * _vector(f"attribute\x1f{name}\x1f{value}", CROSSED)
    return made


class Usual:
    """The mean of the contexts that were met: what a context says is what is unlike it.

    Without it, how an artwork is taken everywhere would pass for what it is where it is shown most.
    It is a mean of the first `REMEMBERED` contexts, and forgets as many after that.
    """

    def __init__(self) -> None:
        self._mean = np.zeros(len(CONTEXT_FEATURES), np.float32)
        self._met = 0

    def meet(self, context: Mapping[str, ContextValue]) -> F32:
        """Return (len(CONTEXT_FEATURES),) a context's side less the mean, with it in the mean."""
        if not context:
            return NO_SIDE
        side = _side(context)
        self._met = min(self._met + 1, REMEMBERED)
        self._mean += (side - self._mean) * np.float32(1.0 / self._met)
        return side - self._mean

    def seen(self, context: Mapping[str, ContextValue]) -> F32:
        """Return (len(CONTEXT_FEATURES),) a context's side less the mean as it is."""
        return _side(context) - self._mean if context else NO_SIDE


def _side(context: Mapping[str, ContextValue]) -> F32:
    """Return (len(CONTEXT_FEATURES),) what is crossed and what sways, of all values together."""
    parts = [part for name, value in context.items() for part in _parts(name, value)]
    if not parts:
        return np.zeros(len(CONTEXT_FEATURES), np.float32)
    made: F32 = np.add.reduce(np.array(parts))  # row by row, in their order
    if len(context) > WHOLE:
        made *= np.float32((WHOLE / len(context)) ** 0.5)
    return made


def with_context(x: F32, side: F32, sides: F32) -> F32:
    """Return features (D, R) of `features`, those of a context put before the last.

    That one, what the prior says to this viewer, stays last: it is logged apart.

    Parameters
    ----------
    side
        (len(CONTEXT_FEATURES),) of `Usual.meet`.
    sides
        (R, CROSSED) of `artwork_sides`.
    """
    made = np.empty((len(x) + len(CONTEXT_FEATURES), x.shape[1]), np.float32)
    made[:PERSONAL], made[-1] = x[:PERSONAL], x[PERSONAL]
    new = made[PERSONAL:-1]
    np.matmul(turned(side[:CROSSED]), sides.T, out=new[:CROSSED])
    # how far each artwork is what the viewer likes; 0 where nothing is known
    liking = (x[_LONG] + x[_BEST]) * np.float32(0.5)
    np.multiply(side[CROSSED:, None], liking, out=new[CROSSED:])
    np.clip(new, -LARGEST, LARGEST, out=new)
    return made


def turned(side: F32) -> F32:
    """Return (CROSSED, CROSSED) the matrix whose product with an artwork's side crosses the two."""
    return np.asarray((side * SCALE)[_CIRCLE])


def weighed(weights: F32) -> F32:
    """Return (CROSSED, CROSSED) M: weights' (turned(side) @ shown) is side' M shown, for any side.

    So that many values and many artworks meet in two products of matrices.
    """
    return np.asarray((weights * SCALE)[_ROUND])


def context_side(context: Mapping[str, ContextValue], size: int) -> F32:
    """Return (size,) the sum of the vectors of a context's values; null adds nothing.

    `size` is `CROSSED`, what meets what an artwork shows, or `SWAYED`, what meets likings.
    """
    side = _side(context)
    return side[:CROSSED] if size == CROSSED else side[CROSSED:]


def value_sides(context: Mapping[str, ContextValue]) -> F32:
    """Return (N, len(CONTEXT_FEATURES)) the vectors of a context's N values, each alone."""
    return np.array([_alone(name, value) for name, value in context.items()])


@lru_cache(maxsize=16_384, typed=True)
def _alone(name: str, value: ContextValue) -> F32:
    """Return (len(CONTEXT_FEATURES),) the vector of a value, before others lessen it."""
    return sum(_parts(name, value), np.zeros(len(CONTEXT_FEATURES), np.float32))


# typed: true, 1 and "1" are not one value
@lru_cache(maxsize=16_384, typed=True)
def _parts(name: str, value: ContextValue) -> tuple[F32, ...]:
    """Return the vectors of a value, by the tokens it is made of; not to be written to."""
    found = []
    for share, text in tokens(value):
        token = f"context\x1f{name}\x1f{text}"
        part = np.concatenate((_vector(token, CROSSED), _vector(token, SWAYED)))
        part *= np.float32(share)
        part.setflags(write=False)
        found.append(part)
    return tuple(found)


@lru_cache(maxsize=16_384)
def _vector(token: str, size: int) -> F32:
    """Return (size,) the unit vector of a token; not to be written to."""
    digest = hashlib.blake2b(token.encode(), digest_size=64, person=b"crossing").digest()
    order = np.argsort(np.frombuffer(digest, np.uint16)[:size], kind="stable")
    bits = hashlib.blake2b(token.encode(), digest_size=1, person=b"crossing sign").digest()[0]
    signs = [1.0 if bits >> bit & 1 else -1.0 for bit in range(PLACES)]
    made = np.zeros(size, np.float32)
    made[order[:PLACES]] = np.array(signs, np.float32) / np.float32(PLACES**0.5)
    made.setflags(write=False)
    return made


@lru_cache(maxsize=1)
def _axes() -> F32:
    """Return (TEXT_AXES, CROSSED) the vectors of the text's leading coordinates."""
    return np.stack([_vector(f"text\x1f{axis}", CROSSED) for axis in range(TEXT_AXES)])


_CIRCLE: Final = (np.arange(CROSSED)[:, None] - np.arange(CROSSED)) % CROSSED
_ROUND: Final = (np.arange(CROSSED)[:, None] + np.arange(CROSSED)) % CROSSED
