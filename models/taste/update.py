"""The arithmetic of taste: what one engagement does to a batch of viewers, one event each.

Every row is computed alone, in the same order of operations, and rounded to the stored precision
after each event. So a batch, the same events one by one, and a replay end in the same bits.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.taste import NO_CONCEPT, TasteArray

F32 = NDArray[np.float32]

JOIN_SIMILARITY: Final = 0.5
MAX_MASS: Final = 50.0
CONCEPT_RATE: Final = 0.2
SHORTEST: Final = np.float32(1e-16)
MS_PER_HOUR: Final = 3_600_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TasteRates:
    """How fast taste forgets, as half-lives in hours; negative taste forgets like the long one."""

    long_hours: float = 720.0
    short_hours: float = 3.0


def _halved(age_ms: NDArray[np.float64], hours: float) -> F32:
    halves = np.maximum(age_ms, 0.0) / (hours * MS_PER_HOUR)
    return np.exp2(-halves).astype(np.float32)


def _dot(left: F32, right: F32) -> F32:
    product: F32 = (left * right).sum(axis=-1, dtype=np.float32)
    return product


def _unit(rows: F32) -> F32:
    """Return rows of length 1; of what is too short for its square to be exact, rows of 0."""
    length = np.sqrt(_dot(rows, rows))[..., None]
    unit: F32 = np.divide(rows, length, out=np.zeros_like(rows), where=length >= SHORTEST)
    return unit


def engage(
    tastes: TasteArray,
    *,
    vectors: F32,
    strengths: F32,
    concepts: NDArray[np.uint16],
    closeness: F32,
    occurred_at_ms: NDArray[np.int64],
    rates: TasteRates,
) -> TasteArray:
    """Return the tastes after one engagement each.

    A positive strength joins the nearest long-term interest, or starts one in an empty slot, or
    replaces the weakest when it is stronger; it also moves the short-term direction. A negative one
    moves the direction of what is rejected and weakens the interest it is nearest to. An event
    older than the last one counts as much less as it is older, and forgets nothing.

    Parameters
    ----------
    tastes
        Shape (N,), `TASTE_DTYPE`. Not changed.
    vectors
        Unit vectors of what was engaged with, shape (N, TASTE_DIMENSIONS).
    strengths
        Shape (N,), -1 to 1.
    concepts, closeness
        The nearest named concepts and their similarities, shape (N, C) each.
    occurred_at_ms
        Shape (N,), milliseconds.
    rates
        Half-lives.
    """
    after = tastes.copy()
    rows = np.arange(len(after))
    since = (occurred_at_ms - tastes["last_event_ms"]).astype(np.float64)
    long_decay, short_decay = _halved(since, rates.long_hours), _halved(since, rates.short_hours)
    late_long, late_short = _halved(-since, rates.long_hours), _halved(-since, rates.short_hours)
    gain = np.maximum(strengths, 0) * late_long
    loss = np.maximum(-strengths, 0) * late_long

    mass = tastes["interest_weights"] * long_decay[:, None]
    centres = tastes["interests"].astype(np.float32)
    alike = np.where(mass > 0, _dot(centres, vectors[:, None, :]), np.float32(-2))
    nearest, weakest = alike.argmax(axis=1), mass.argmin(axis=1)
    joins = alike[rows, nearest] >= JOIN_SIMILARITY
    replaces = ~joins & (mass[rows, weakest] < gain)
    slot = np.where(replaces, weakest, nearest)
    held = np.where(replaces, np.float32(0), mass[rows, slot])
    moved = _unit(centres[rows, slot] * held[:, None] + vectors * gain[:, None])
    takes = gain > 0
    centres[rows[takes], slot[takes]] = moved[takes]
    grown = np.minimum(held + gain, np.float32(MAX_MASS))
    shrunk = mass[rows, nearest] * (
        1 - np.float32(0.5) * loss * np.maximum(alike[rows, nearest], 0)
    )
    mass[rows[takes], slot[takes]] = grown[takes]
    turned = (loss > 0) & (mass[rows, nearest] > 0)
    mass[rows[turned], nearest[turned]] = shrunk[turned]
    after["interests"], after["interest_weights"] = centres, mass

    for name, amount, decay in (
        ("short", np.maximum(strengths, 0) * late_short, short_decay),
        ("negative", loss, long_decay),
    ):
        weight = tastes[f"{name}_weight"] * decay
        total = np.minimum(weight + amount, np.float32(MAX_MASS))
        turned_to = _unit(
            tastes[name].astype(np.float32) * weight[:, None] + vectors * amount[:, None]
        )
        after[name] = np.where(amount[:, None] > 0, turned_to, tastes[name].astype(np.float32))
        after[f"{name}_weight"] = total

    _name(after, strengths * late_long, concepts, closeness, long_decay)
    after["last_event_ms"] = np.maximum(tastes["last_event_ms"], occurred_at_ms)
    after["events"] = tastes["events"] + 1
    return after


def _name(
    after: TasteArray,
    strengths: F32,
    concepts: NDArray[np.uint16],
    closeness: F32,
    decay: F32,
) -> None:
    """Move the readable concept weights: towards the sign of the engagement, by its closeness."""
    rows = np.arange(len(after))
    names = after["concepts"].copy()
    weights = after["concept_weights"].astype(np.float32)
    fixed = after["corrected"].copy()
    weights = np.where(fixed, weights, weights * decay[:, None])
    for at in range(concepts.shape[1]):
        concept, push = concepts[:, at], strengths * np.maximum(closeness[:, at], 0)
        known = names == concept[:, None]
        has = known.any(axis=1)
        importance = np.where(fixed, np.float32(9), np.abs(weights))
        importance = np.where(names == NO_CONCEPT, np.float32(-1), importance)
        weak = importance.argmin(axis=1)
        fits = ~has & (importance[rows, weak] < np.abs(push) * CONCEPT_RATE)
        slot = np.where(has, known.argmax(axis=1), weak)
        old = np.where(has, weights[rows, slot], np.float32(0))
        step = np.sign(push) * (1 - np.abs(old)) * np.abs(push) * np.float32(CONCEPT_RATE)
        writes = (has | fits) & ~(has & fixed[rows, slot]) & (push != 0)
        weights[rows[writes], slot[writes]] = np.clip(old + step, -1, 1)[writes]
        names[rows[writes], slot[writes]] = concept[writes]
    after["concepts"], after["concept_weights"] = names, weights


def correct(
    taste: TasteArray, weights: dict[int, float], concept_vectors: F32, *, reset: bool, at_ms: int
) -> TasteArray:
    """Return one viewer's taste, shape (1,), after their own correction.

    A concept's weight is fixed at what the viewer said: positive ones become interests, negative
    ones join what is rejected, and 0 frees the concept and takes its direction out of everything.

    Parameters
    ----------
    taste
        Shape (1,).
    weights
        Concept index -> weight in -1 to 1.
    concept_vectors
        All concepts, unit, shape (C, TASTE_DIMENSIONS).
    reset
        Forget everything learned before applying the weights.
    at_ms
        When the viewer said so.
    """
    after = taste.copy()
    if reset:
        kept = after["space"].copy(), after["version"].copy(), after["recent"].copy()
        after[:] = np.zeros(1, after.dtype)
        after["space"], after["version"], after["recent"] = kept
        after["concepts"] = NO_CONCEPT
    for concept, weight in sorted(weights.items()):
        vector = concept_vectors[concept]
        names = after["concepts"][0]
        held = np.flatnonzero(names == concept)
        if held.size:
            slot = int(held[0])
        else:
            free = np.where(after["corrected"][0], 9.0, np.abs(after["concept_weights"][0]))
            slot = int(np.where(names == NO_CONCEPT, -1.0, free).argmin())
        after["concepts"][0, slot] = concept if weight else NO_CONCEPT
        after["concept_weights"][0, slot] = weight
        after["corrected"][0, slot] = weight != 0
        for name in ("interests", "short", "negative"):
            block = after[name][0].astype(np.float32)
            along = _dot(block, vector)
            block = np.where((along > 0)[..., None], block - along[..., None] * vector, block)
            after[name][0] = _unit(block)
        if weight > 0:
            slot = int(after["interest_weights"][0].argmin())
            after["interests"][0, slot] = vector
            after["interest_weights"][0, slot] = 5 * weight
        elif weight < 0:
            mixed = after["negative"][0].astype(np.float32) * after["negative_weight"][0]
            after["negative"][0] = _unit(mixed - 5 * weight * vector)
            after["negative_weight"][0] = min(after["negative_weight"][0] - 5 * weight, MAX_MASS)
    after["last_event_ms"] = np.maximum(after["last_event_ms"], at_ms)
    return after
