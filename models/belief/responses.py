"""What each artwork's own response to taste and context is believed to be: a hierarchy.

The take of artwork k in situation z is what is expected of it without, times exp(d_k'z). d_k is
around the mean of its title's artworks with a spread that is learned: each title has one point of a
grid of spreads, and how often titles have which is learned from all of them, the first point, next
to nothing, being favoured (empirical Bayes by expectation-maximisation; Efron 2010, chapter 1). So
an artwork that was hardly seen responds like its title's others, which is to say not at all, and
where nothing speaks for responses they stay next to nothing.

Given the spread all is closed: with curvature A and gradient g in coordinates in which situations
are uncorrelated, d | data has mean c + s^2 (g - A c) / (1 + A s^2), c what all artworks of the
title share, itself normal around 0 with spread s: were it of any size, the artwork that is mostly
shown would be what all share. c is dropped: it moves no choice. Taste and context have spreads of
their own.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.context import AXES, SIZE

Array = NDArray[np.float64]

SPREADS: Final = (0.01, 0.1, 0.2, 0.4)
"""Standard deviations that responses of a title's artworks may have, where a coordinate of the
situation varies by 1."""
FIRST_ODDS: Final = (0.94, 0.03, 0.02, 0.01)
FIRST_TITLES: Final = 10.0
"""So many titles' worth of those odds stand before any title has been seen."""
SETTLED: Final = 4.0
"""Takes' worth of belief that an artwork is taken as often, against what was expected of it, as its
title is: while a level is not known yet, far less may be expected than is taken."""
FIRST: Final = 0.25
"""The same of titles, against what was expected of them: next to nothing."""
SWEEPS: Final = 8
LEAST_VARIANCE: Final = 1e-4
BLOCKS: Final = (slice(0, AXES), slice(AXES, SIZE))
"""Of taste, and of context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinates:
    """Directions in which situations are uncorrelated, block by block.

    Parameters
    ----------
    turn
        (Z, Z) orthogonal, directions in rows.
    variance
        (Z,) of situations along each, in units of the block's mean; 0 where nothing varies.
    told
        (blocks,) how many directions vary.
    scale
        (Z,) the square root of that unit.
    """

    turn: Array
    variance: Array
    scale: Array
    told: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseSums:
    """Sums of T titles of up to K artworks, padded with 0 (`models/sums/responses`).

    taken, expected: (T, K). shown, told: (T, K, Z). squares: (T, K, blocks).
    """

    taken: Array
    expected: Array
    shown: Array
    told: Array
    squares: Array


def coordinates(covariance: Array, mean: Array | None = None) -> Coordinates:
    """Return them for the covariance (Z, Z) and the mean (Z,) of situations.

    Along the mean taste, how much is known of a viewer varies and not what the viewer likes: early
    visits differ from late ones in it, and all else that grows with time would pass for a response.
    """
    size = len(covariance)
    if mean is not None and (length := float(np.linalg.norm(mean[:AXES]))) > 0.0:
        along = mean[:AXES] / length
        off = np.eye(size)
        off[:AXES, :AXES] -= np.outer(along, along)
        covariance = off @ covariance @ off
    turn, variance, scale = np.zeros((size, size)), np.zeros(size), np.ones(size)
    many = np.zeros(len(BLOCKS))
    for number, block in enumerate(BLOCKS):
        values, vectors = np.linalg.eigh(covariance[block, block])
        values = np.maximum(values, 0.0)
        told = values > LEAST_VARIANCE
        unit = float(values[told].mean()) if told.any() else 1.0
        turn[block, block] = vectors.T
        variance[block] = np.where(told, values / unit, 0.0)
        scale[block] = np.sqrt(unit)
        many[number] = told.sum()
    return Coordinates(turn=turn, variance=variance, scale=scale, told=many)


def first_odds() -> Array:
    """Return (blocks, G) how often titles have which spread, before any title has been seen."""
    return np.tile(np.array(FIRST_ODDS), (len(BLOCKS), 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What sums tell, in coordinates: gradient and curvature (T, K, Z), evidence (blocks, T, G)."""

    gradient: Array
    curvature: Array
    evidence: Array


def tell(sums: ResponseSums, at: Coordinates) -> Told:
    """Return what the sums say of each title's spreads."""
    title = (sums.taken.sum(axis=1) + FIRST) / (sums.expected.sum(axis=1) + FIRST)
    often = (sums.taken + SETTLED) / (sums.expected + SETTLED / title[:, None])
    mass = np.where(sums.expected > 0.0, sums.expected, 1.0)
    # with the takes that were, or an artwork that is taken less often than others would seem to
    # respond to whatever is usual
    usual = sums.shown * (sums.taken / mass)[:, :, None]
    gradient = (sums.told - usual) @ at.turn.T / at.scale
    gradient = np.where(at.variance > 0.0, gradient, 0.0)
    curvature = np.zeros_like(gradient)
    for number, of in enumerate(BLOCKS):
        shown = sums.shown[:, :, of]
        around = np.maximum(sums.squares[:, :, number] - (shown**2).sum(axis=2) / mass, 0.0)
        size = often * around / (at.scale[of.start] ** 2 * max(at.told[number], 1.0))
        curvature[:, :, of] = size[:, :, None] * at.variance[of]
    evidence = np.stack(
        [
            np.stack(
                [_evidence(gradient[:, :, of], curvature[:, :, of], spread) for spread in SPREADS],
                axis=1,
            )
            for of in BLOCKS
        ]
    )
    return Told(gradient=gradient, curvature=curvature, evidence=evidence)


def _evidence(gradient: Array, curvature: Array, spread: float) -> Array:
    """Return (T,) log marginal likelihoods, what a title's artworks share integrated out."""
    shrunk = 1.0 + curvature * spread**2
    told = (gradient / shrunk).sum(axis=1)
    total = (curvature / shrunk).sum(axis=1) + spread**-2.0
    found = (spread**2 * gradient**2 / shrunk - np.log(shrunk)).sum(axis=1)
    found += told**2 / total - np.log(spread**2 * total)
    return np.asarray(0.5 * found.sum(axis=1))


def learned_odds(evidence: Array, odds: Array | None = None) -> Array:
    """Return (blocks, G) how often titles have which spread, given all titles' evidence."""
    first = first_odds()
    found = first if odds is None else odds
    for _ in range(SWEEPS):
        counts = FIRST_TITLES * first + _posterior(evidence, found).sum(axis=1)
        found = counts / counts.sum(axis=1, keepdims=True)
    return np.asarray(found)


def _posterior(evidence: Array, odds: Array) -> Array:
    """Return (blocks, T, G) each title's probabilities of the spreads."""
    log = evidence + np.log(odds)[:, None]
    share = np.exp(log - log.max(axis=2, keepdims=True))
    return np.asarray(share / share.sum(axis=2, keepdims=True))


def respond(told: Told, odds: Array, at: Coordinates) -> Array:
    """Return (T, K, Z) the artworks' responses to situations as they are logged."""
    share = _posterior(told.evidence, odds)
    found = np.zeros_like(told.gradient)
    for number, of in enumerate(BLOCKS):
        gradient, curvature = told.gradient[:, :, of], told.curvature[:, :, of]
        for point, spread in enumerate(SPREADS):
            shrunk = 1.0 + curvature * spread**2
            total = (curvature / shrunk).sum(axis=1) + spread**-2.0
            common = (gradient / shrunk).sum(axis=1) / total
            own = spread**2 * (gradient - curvature * common[:, None]) / shrunk
            found[:, :, of] += share[number, :, point, None, None] * own
    return np.asarray((found / at.scale) @ at.turn)
