"""A policy that serves, on a stream of tests: what one test teaches protects the next.

Tests are played in the order of time, in blocks that run side by side. Within a block the beliefs,
the levels and the trust are refreshed as the impressions come in, from sums alone, and the policy
chooses, by the code that serves; when a block ends, what it taught is carried to the next.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from keyart.models.bandits.protocol import Policy
from keyart.models.belief.beliefs import Learned, refresh
from keyart.models.belief.hyper import Hyper
from keyart.models.dataset.creative_table import CreativeTable
from keyart.models.decide.believed import propensities_on
from keyart.models.ope.headlines.padded import PaddedTests, pad
from keyart.models.ope.headlines.published import Tick
from keyart.models.sums.arrays import Sums

Array = NDArray[np.float64]

BLOCK = 50
DELAY = 0.06
"""Impressions, as a share of those a test has had, that pass before its beliefs are refreshed."""
CARRIED_TITLES = 20.0
_ROUNDS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is known before the first test is played.

    Parameters
    ----------
    hyper
        Grid of the belief.
    learned
        Levels of earlier tests; trust as `hyper` starts it.
    strength
        What the prior says that its opinions are worth, in impressions; 0 if it does not say.
    """

    hyper: Hyper
    learned: Learned
    strength: float = 0.0


def start_from(train: CreativeTable, opinion: Array, hyper: Hyper, strength: float = 0.0) -> Start:
    """Return the start that earlier tests give: their levels, worth `CARRIED_TITLES` tests.

    Evidence about the prior is not carried over: a prior that was right on the tests it was fitted
    on may be wrong on others, and that is what has to be noticed.

    Parameters
    ----------
    opinion
        (N,) held-out opinions of the training creatives.
    """
    mask = pad(train, np.ones(len(train.test))) > 0
    sums = Sums.of(
        takes=pad(train, train.clicks),
        expected=pad(train, train.impressions),
        opinion=pad(train, opinion),
        mask=mask,
    )
    first = Learned.start(hyper)
    _, learned = refresh(sums, hyper, first, rounds=_ROUNDS)
    titles = np.full_like(first.level_titles, CARRIED_TITLES)
    return Start(
        hyper=hyper,
        learned=replace(learned, version=first.version, level_titles=titles, log_level=None),
        strength=strength,
    )


def play_served(
    policy: Policy,
    tests: PaddedTests,
    opinion: Array,
    start: Start,
    *,
    tau: int,
    rng: np.random.Generator,
    tick: Tick,
    block: int = BLOCK,
) -> Array:
    """Return (T,) expected clicks of each test, the mean over replications.

    Parameters
    ----------
    policy
        Any of `keyart.models.bandits`, with the options that it serves with.
    opinion
        (R, T, K) log relative rates, for each of R replications.
    tau
        Impressions per creative.
    block
        Tests that run side by side.
    """
    replications = len(opinion)
    carried = _repeat(start.learned, replications)
    earned = np.zeros(len(tests.mask))
    for at in range(0, len(tests.mask), block):
        of = slice(at, at + block)
        width = int(tests.counts[of].max())
        many = np.tile(np.arange(len(tests.mask))[of], replications)
        gained, carried = _play_block(
            policy,
            tests.rate[many, :width],
            tests.mask[many, :width],
            opinion[:, of, :width].reshape(len(many), width),
            np.repeat(np.arange(replications), len(many) // replications),
            replace(start, learned=carried),
            tau,
            rng,
        )
        earned[of] = gained.reshape(replications, -1).mean(axis=0)
        tick(min(at + block, len(earned)) / len(earned))
    return earned


def _repeat(learned: Learned, times: int) -> Learned:
    """Return what was learned, once for each replication: each is a world of its own."""
    return Learned(
        version=np.tile(learned.version, (times, 1)),
        level_mean=np.tile(learned.level_mean, (times, 1, 1)),
        level_sd=np.tile(learned.level_sd, (times, 1, 1)),
        level_titles=np.tile(learned.level_titles, (times, 1)),
    )


def _play_block(
    policy: Policy,
    rate: Array,
    mask: NDArray[np.bool_],
    opinion: Array,
    world: NDArray[np.intp],
    start: Start,
    tau: int,
    rng: np.random.Generator,
) -> tuple[Array, Learned]:
    """Return (rows,) expected clicks, and what is known when the block has ended."""
    horizon = tau * mask.sum(axis=1)
    shown, clicks = np.zeros_like(rate), np.zeros_like(rate)
    passed = np.zeros(len(rate), np.intp)
    earned = np.zeros(len(rate))
    now: Learned | None = None
    strength = np.full(len(rate), start.strength)
    while True:
        sums = Sums.of(
            takes=clicks,
            expected=shown,
            opinion=opinion,
            mask=mask,
            version=world,
            strength=strength,
        )
        beliefs, now = refresh(sums, start.hyper, start.learned, now=now)
        if (passed >= horizon).all():
            return earned, replace(now, log_level=None)
        batch = np.minimum(np.maximum(1, (passed * DELAY).astype(np.intp)), horizon - passed)
        counts = rng.multinomial(batch, propensities_on(policy, beliefs))
        shown += counts
        clicks += rng.binomial(counts, rate)
        earned += (counts * rate).sum(axis=1)
        passed += batch
