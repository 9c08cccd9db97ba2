"""What an artwork may respond to: a viewer's taste and the site's context, as a few numbers.

Taste gives the leading coordinates of its long-term direction: vectors come in PCA order. Context
gives a sketch: every value of every name is a vector of its own, six places of sixteen with signs
by a hash, and the vectors of a request are added. So nothing is declared, a value that was never
seen before is a vector too, and a name with a million values costs no more than one with two. Two
values are told apart unless their vectors are the same, which happens to one pair in 512,512
(`SKETCHES`); what one of them teaches is seen faintly in others, as noise of known size.

A number of any scale stands between the two nearest marks of a grid that is fine near zero and
even by ratio far from it (asinh), and is their vectors in proportion: whatever bends on that scale
can be learned. Where every single number matters (a year, a channel), send it as text.
"""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from math import asinh, comb, floor, isfinite
from typing import Final

import numpy as np

from keyart.models.taste.features import F32, TasteVectors
from keyart.schemas.context import AXES, SIZE, SKETCH, ContextValue

PLACES: Final = 6
"""Of a value's vector that are not 0."""
SKETCHES: Final = comb(SKETCH, PLACES) * 2**PLACES
"""How many different vectors a value may have: 512,512."""
MARKS: Final = 2.0
"""Marks of the grid in one unit of asinh: two for each factor of e, half a unit apart near 0."""
AXIS_SCALE: Final = np.float32(8.0)
"""A unit vector's coordinates are about an eighth."""
LARGEST: Final = 4.0


def situation(taste: TasteVectors, context: Mapping[str, ContextValue]) -> F32:
    """Return (SIZE,), (AXES,) without context, or (0,) when nothing is known at all.

    Parameters
    ----------
    taste
        The viewer's.
    context
        As a request gives it.
    """
    given = sketch(context)
    if not given.any():
        return taste.directions[0, :AXES] * AXIS_SCALE if taste.known else np.zeros(0, np.float32)
    both = np.empty(SIZE, np.float32)
    np.multiply(taste.directions[0, :AXES], AXIS_SCALE, out=both[:AXES])
    np.clip(given, -LARGEST, LARGEST, out=both[AXES:])
    return both


def sketch(context: Mapping[str, ContextValue]) -> F32:
    """Return (SKETCH,) the sum of the vectors of a context's values; what is null adds nothing."""
    made = np.zeros(SKETCH, np.float32)
    for name, value in context.items():
        for part in _parts(name, value):
            made += part
    return made


# typed: true, 1 and "1" are not one value
@lru_cache(maxsize=8192, typed=True)
def _parts(name: str, value: ContextValue) -> tuple[F32, ...]:
    """Return the vectors of a value, by the tokens it is made of; not to be written to."""
    found = []
    for share, text in tokens(value):
        part = np.float32(share) * vector_of(f"{name}\x1f{text}")
        part.setflags(write=False)
        found.append(part)
    return tuple(found)


def tokens(value: ContextValue) -> list[tuple[float, str]]:
    """Return what a value is made of: texts whose vectors count by these shares."""
    if value is None:
        return []
    if isinstance(value, bool):
        return [(1.0, "true" if value else "false")]
    if isinstance(value, str):
        return [(1.0, f"={value}")]
    if not isfinite(value):
        return []
    at = MARKS * asinh(value)
    low = floor(at)
    part = at - low
    return [(1.0 - part, f"#{low}"), (part, f"#{low + 1}")] if part else [(1.0, f"#{low}")]


@lru_cache(maxsize=8192)
def vector_of(token: str) -> F32:
    """Return (SKETCH,) the unit vector of a token; not to be written to."""
    digest = hashlib.blake2b(token.encode(), digest_size=16, person=b"context").digest()
    order = np.argsort(np.frombuffer(_stretched(digest), np.uint16), kind="stable")
    made = np.zeros(SKETCH, np.float32)
    signs = [1.0 if digest[0] >> bit & 1 else -1.0 for bit in range(PLACES)]
    made[order[:PLACES]] = np.array(signs, np.float32) / np.float32(PLACES**0.5)
    made.setflags(write=False)
    return made


def _stretched(digest: bytes) -> bytes:
    return hashlib.blake2b(digest, digest_size=2 * SKETCH).digest()
