"""From sums to beliefs, for all titles at once: the one place where posterior sums get a meaning.

The take probability of artwork k of a title on surface s, before taste, is L_s pi_k(rho) theta_k:
the level of the title, the prior's opinion as far as it is trusted, the artwork's own deviation.
Trust and spread are a mixture over a grid, weighed by the title's evidence and by what all other
titles say; given them, theta_k | data ~ Gamma(a + R_k, a + sum_s L_s pi_k E_ks).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from keyart.models.belief.evidence import CHUNK, Evidence, as_shown, prior_shares, weigh
from keyart.models.belief.group_levels import above_others, told_of_groups
from keyart.models.belief.hyper import Hyper
from keyart.models.belief.trust import pool, voiced
from keyart.models.sums.arrays import Sums

Array = NDArray[np.float64]

SHORTEST_SD = 0.05
LEAST_LIKELY = 16.0
"""Square of the standard deviations off at which a statement rules a spread out no further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What titles have taught that holds for other titles; V versions, S surfaces, G points.

    Parameters
    ----------
    version
        (V, G) log evidence for each point of the grid.
    level_mean, level_sd
        (V, S, G) mean and standard deviation of the log level, at every point of the grid: if the
        opinion is right, artworks it likes do well at an ordinary level; if it is not, the same
        takes mean that the level is high. One mean for both would favour whatever is believed.
    level_titles
        (V, S) how many titles that mean and deviation rest on.
    log_level
        (S, G, T) modes of the levels of the titles they were learned from; a place to start.
    groups
        (S, N) how far the log levels of each group's titles are above those of all; None where
        groups share no level, or nothing was learned of them.
    """

    version: Array
    level_mean: Array
    level_sd: Array
    level_titles: Array
    log_level: Array | None = None
    groups: Array | None = None

    @classmethod
    def start(cls, hyper: Hyper, *, versions: int = 1, surfaces: int = 1) -> "Learned":
        """Return what is assumed before any title has been seen."""
        levels = np.ones((versions, surfaces, hyper.size))
        return cls(
            version=np.tile(hyper.start(), (versions, 1)),
            level_mean=levels * hyper.level_mean,
            level_sd=levels * hyper.level_sd,
            level_titles=levels[:, :, 0] * hyper.level_titles,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleBeliefs:
    """Beliefs about T titles of up to K artworks on S surfaces, before taste.

    Parameters
    ----------
    level
        (T, S) expected take fraction of the title, over artworks shown alike.
    log_relative
        (T, K) log of the expected take relative to the level: prior and own deviation.
    prior_log
        (T, K) log of the expected relative take by prior alone, at the trust believed.
    cv
        (T, K) coefficient of variation of the relative take, above 0.
    seen
        (T, K) expected relative takes E, all surfaces: effective impressions.
    taken
        (T, K) takes R, all surfaces.
    trust
        (T,) posterior mean of the trust.
    spread
        (T,) posterior mean of the spread of own deviations.
    mask
        (T, K). Elsewhere log_relative and prior_log are 0, cv is 0.
    """

    level: Array
    log_relative: Array
    prior_log: Array
    cv: Array
    seen: Array
    taken: Array
    trust: Array
    spread: Array
    mask: NDArray[np.bool_]


def refresh(
    sums: Sums,
    hyper: Hyper,
    carried: Learned,
    *,
    now: Learned | None = None,
    rounds: int = 1,
) -> tuple[TitleBeliefs, Learned]:
    """Return the beliefs about these titles, and what they and earlier titles have taught.

    Parameters
    ----------
    carried
        What titles that are not among these have taught; `Learned.start` when there are none.
    now
        What an earlier refresh of these titles returned: where the levels' search starts.
    rounds
        Steps of expectation-maximisation for the levels; one is enough when refreshed often.

    Returns
    -------
    tuple[TitleBeliefs, Learned]
        Pass the second as `now` to the next refresh of the same titles, or as `carried` when these
        titles have ended.
    """
    at = carried if now is None else now
    for _ in range(max(rounds, 1)):
        # a title of a group that is taken e^d times as often: levels below are those beside that
        above = above_others(at.groups, sums)  # (S, T)
        beside = replace(sums, expected=sums.expected * np.exp(above).T[:, None])
        evidence = weigh(
            beside,
            level_mean=at.level_mean,
            level_sd=at.level_sd,
            hyper=hyper,
            start=_place_to_start(at.log_level, sums, hyper, above),
        )
        told = evidence.log_evidence
        if sums.voice is not None:
            told = voiced(told, sums.voice, trusts=len(hyper.trusts))
        pooled = pool(
            told,
            group=sums.group,
            version=sums.version,
            start=carried.version,
            kernel=hyper.kernel(),
        )
        weights = told + pooled.title  # (G, T)
        weights = weights + stated(sums, hyper, at.level_mean)
        weights = np.exp(weights - weights.max(axis=0))
        weights /= weights.sum(axis=0)
        learned = _levels(evidence, beside, carried)
        at = replace(
            learned,
            version=pooled.version,
            log_level=evidence.log_level + above[:, None],
            groups=told_of_groups(evidence, sums, at.level_mean, at.level_sd, above)
            if hyper.group_levels
            else None,
        )
    found = _beliefs(beside, hyper, evidence, weights)
    level = found.level * np.exp(above).T
    return replace(found, level=level, seen=sums.expected.sum(axis=2)), at


def stated(sums: Sums, hyper: Hyper, level_mean: Array) -> Array:
    """Return (G, T): what a title's opinion says of its own misses, as log weights of the spreads.

    Worth n impressions at level L means misses of spread 1 / sqrt(n L); the statement is taken as
    good to a factor of `hyper.stated_within`. It favours no trust over another.

    Parameters
    ----------
    level_mean
        (V, S, G) mean log levels.
    """
    spreads = np.log(hyper.spreads)[:, None]  # (Gs, 1)
    level = level_mean.mean(axis=(1, 2))[sums.version]  # (T,)
    said = -0.5 * (np.log(np.maximum(sums.strength, 1e-300)) + level)
    off = (spreads - said) / np.log(hyper.stated_within)
    words = np.where(sums.strength > 0.0, -0.5 * np.minimum(off**2, LEAST_LIKELY), 0.0)
    words = words - np.log(np.exp(words).mean(axis=0))
    weights = np.zeros((*hyper.shape, len(said)))
    weights[np.asarray(hyper.trusts) != 0.0] = words
    return weights.reshape(hyper.size, -1)


def _place_to_start(
    log_level: Array | None, sums: Sums, hyper: Hyper, above: Array
) -> Array | None:
    """Return the log levels if they can be those of these titles; what is not is no start."""
    shape = (sums.takes.shape[2], hyper.size, len(sums.mask))
    if log_level is None or log_level.shape != shape:
        return None
    return np.asarray(log_level - above[:, None])


def _levels(evidence: Evidence, sums: Sums, carried: Learned) -> Learned:
    """Return the levels' mean and deviation by one step of expectation-maximisation.

    Titles never shown on a surface say nothing about it and are left out.
    """
    shown = (sums.expected.sum(axis=1) > 0.0).T  # (S, T)
    first = evidence.log_level  # (S, G, T)
    second = first**2 + evidence.level_variance
    old = carried.level_titles[:, :, None]
    count = carried.level_titles.copy()
    mean = old * carried.level_mean
    square = old * (carried.level_sd**2 + carried.level_mean**2)
    for surface, use in enumerate(shown):
        if not use.any():
            continue
        member = (sums.version[use][:, None] == np.arange(len(count))).astype(np.float64)  # (T, V)
        count[:, surface] += member.sum(axis=0)
        mean[:, surface] += (first[surface][:, use] @ member).T
        square[:, surface] += (second[surface][:, use] @ member).T
    mean /= count[:, :, None]
    deviation = np.sqrt(np.maximum(square / count[:, :, None] - mean**2, SHORTEST_SD**2))
    return replace(carried, level_mean=mean, level_sd=deviation, level_titles=count)


def _beliefs(sums: Sums, hyper: Hyper, evidence: Evidence, weights: Array) -> TitleBeliefs:
    parts = [
        _relative(sums, hyper, evidence, weights, slice(at, at + CHUNK))
        for at in range(0, len(sums.mask), CHUNK)
    ]
    mean, second, prior = (np.concatenate([part[i] for part in parts], axis=1).T for i in range(3))
    mask = sums.mask
    safe = np.where(mask, mean, 1.0)
    variance = np.maximum(second / safe**2 - 1.0, 0.0)
    by_trust = weights.reshape(*hyper.shape, -1)
    return TitleBeliefs(
        level=np.exp(np.concatenate([part[3] for part in parts], axis=1)).T,
        log_relative=np.log(safe),
        prior_log=np.log(np.where(mask, prior, 1.0)),
        cv=np.where(mask, np.sqrt(variance), 0.0),
        seen=sums.expected.sum(axis=2),
        taken=sums.takes.sum(axis=2),
        trust=np.asarray(hyper.trusts) @ by_trust.sum(axis=1),
        spread=np.asarray(hyper.spreads) @ by_trust.sum(axis=0),
        mask=mask,
    )


def _relative(
    sums: Sums, hyper: Hyper, evidence: Evidence, weights: Array, of: slice
) -> tuple[Array, Array, Array, Array]:
    """Return (K, T) mean, second moment and prior part of the relative take, (S, T) log level."""
    shares = prior_shares(sums.opinion[of], sums.mask[of], hyper.trusts)[:, None]  # (Gr, 1, K, T)
    shape = (1.0 / np.asarray(hyper.spreads) ** 2)[:, None, None]
    expected = sums.expected[of].transpose(2, 1, 0)  # (S, K, T)
    grid = (-1, *hyper.shape, len(sums.mask[of]))
    level = evidence.log_level[:, :, of].reshape(grid)  # (S, Gr, Gs, T)
    level = level - np.log(as_shown(shares[:, 0], expected.sum(axis=0)))[:, None]
    each = weights[:, of].reshape(grid[1:])  # (Gr, Gs, T)
    shown = (np.exp(level)[:, :, :, None] * expected[:, None, None]).sum(axis=0)
    filled = shape + sums.takes[of].sum(axis=2).T
    rate = shape + shares * shown
    # points of the grid disagree about the level too: it moves all artworks of a point together
    common = np.exp((level - (each * level).sum(axis=(1, 2))[:, None, None]).mean(axis=0))
    scaled = common[:, :, None] * shares
    mean = scaled * filled / rate
    second = scaled * scaled * filled * (filled + 1.0) / (rate * rate)
    share = each[:, :, None]
    prior = (each.sum(axis=1)[:, None, None] * shares).sum(axis=(0, 1))
    return (
        (share * mean).sum(axis=(0, 1)),
        (share * second).sum(axis=(0, 1)),
        prior,
        (each * level).sum(axis=(1, 2)),
    )
