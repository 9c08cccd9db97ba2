"""The whole evaluation: every policy, every prior and its controls, every horizon."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from keyart.models.bandits.protocol import Policy
from keyart.models.bandits.registry import build_policy
from keyart.models.belief.hyper import Hyper
from keyart.models.dataset.creative_table import CreativeTable
from keyart.models.ope.headlines import published
from keyart.models.ope.headlines.contrasts import Contrast, Played, contrasts
from keyart.models.ope.headlines.learner import BLOCK, Start, play_served, start_from
from keyart.models.ope.headlines.padded import PaddedTests, opinion_of, pad, padded, top_one
from keyart.models.ope.headlines.texts import TextOpinions
from keyart.models.statistics.bootstrap import ratio_interval
from keyart.schemas.errors import SettingsError

Array = NDArray[np.float64]
Told = Callable[[str, float], None]

BASELINE = "ucb"
SERVED = "keyart"
"""The policy that serves, in the rows; others that can serve are called by their names."""
ALONE = ("ucb", "thompson-paper")
"""Published policies that know no prior."""
WITH_PRIOR = ("lola-paper", "prior-only")
"""Published policies with a prior: as their papers have them, not as keyart serves them."""
MAX_TAU = 10_000
MAX_REPLICATIONS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """What is played.

    Parameters
    ----------
    taus
        Impressions per creative, each 1 to `MAX_TAU`.
    truth
        `observed` or `shrunk`.
    replications
        Times that every test is played, 1 to `MAX_REPLICATIONS`.
    block
        Tests that run side by side.
    seed
        Of everything random.
    hyper
        Of keyart's beliefs.
    policies
        What is served, with its options: by default what `keyart serve` serves by default.
    """

    taus: tuple[int, ...] = (50, 200, 1000)
    truth: str = "observed"
    replications: int = 16
    block: int = BLOCK
    seed: int = 0
    hyper: Hyper = field(default_factory=Hyper)
    policies: Mapping[str, Policy] = field(default_factory=lambda: {SERVED: build_policy()})

    def __post_init__(self) -> None:
        """Raise SettingsError when a value is out of its range."""
        if not self.taus or not all(1 <= tau <= MAX_TAU for tau in self.taus):
            raise SettingsError(f"tau must be 1 to {MAX_TAU}, is {self.taus}")
        if len(set(self.taus)) != len(self.taus):
            raise SettingsError(f"a tau is given twice: {self.taus}")
        if not 1 <= self.replications <= MAX_REPLICATIONS:
            raise SettingsError(f"replications must be 1 to {MAX_REPLICATIONS}")
        if taken := {BASELINE, *ALONE, *WITH_PRIOR} & self.policies.keys():
            raise SettingsError(f"{', '.join(sorted(taken))} is of the literature: another name")
        if self.block < 1:
            raise SettingsError("block must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One policy with one prior at one horizon; `over_ucb`, `low` and `high` in per cent."""

    policy: str
    prior: str
    tau: int
    clicks_per_impression: float
    over_ucb: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome: tests played, top-1 accuracy by prior, the rows, and one against another."""

    tests: int
    top1: dict[str, float]
    rows: tuple[Row, ...]
    contrasts: tuple[Contrast, ...]


def entries(protocol: Protocol, prior: str) -> list[tuple[int, str, str]]:
    """Return (tau, policy, kind of prior) of every row, the baseline of each tau first."""
    kinds = ("none",) if prior == "none" else ("right", "shuffled", "inverted", "none")
    out = []
    for tau in protocol.taus:
        out += [(tau, policy, "none") for policy in ALONE]
        out += [
            (tau, policy, kind) for policy in (*WITH_PRIOR, *protocol.policies) for kind in kinds
        ]
    return out


def evaluate(
    train: CreativeTable,
    test: CreativeTable,
    opinions: TextOpinions,
    protocol: Protocol,
    told: Told = lambda name, share: None,
) -> Report:
    """Play the test table and return how every policy did.

    Parameters
    ----------
    train
        Earlier tests: levels, and what the prior was fitted on.
    opinions
        On both tables.
    told
        Called with the name of what is played and the share of it that is done.
    """
    tests = padded(test, protocol.truth)
    raw = pad(test, opinions.test)
    start = start_from(train, opinions.train, protocol.hyper, opinions.strength)
    blind = start_from(train, opinions.train, replace(protocol.hyper, trusts=(0.0,)))
    level = float(train.clicks.sum() / train.impressions.sum())
    shown = tests.counts.astype(np.float64)
    rows: list[Row] = []
    played: Played = {}
    baseline = np.ones(len(shown))
    for tau, policy, kind in entries(protocol, opinions.name):
        name = f"{policy} {kind} tau {tau}"
        opinion = opinion_of(
            kind, raw, tests.mask, replications=protocol.replications, seed=protocol.seed
        )
        earned = _play(
            policy,
            tests,
            opinion,
            blind if kind == "none" else start,
            level,
            tau,
            protocol,
            _rng(protocol.seed, name),
            partial(told, name),
        )
        told(name, 1.0)
        played[tau, policy, kind] = earned
        if policy == BASELINE:
            baseline = earned
        over = ratio_interval(earned, baseline, seed=protocol.seed)
        rows.append(
            Row(
                policy=policy,
                prior=kind,
                tau=tau,
                clicks_per_impression=float(earned.sum() / (tau * shown.sum())),
                over_ucb=100.0 * (over.estimate - 1.0),
                low=100.0 * (over.low - 1.0),
                high=100.0 * (over.high - 1.0),
            )
        )
    top = {opinions.name: top_one(opinion_of("right", raw, tests.mask)[0], tests)}
    top["random"] = top_one(np.zeros_like(raw), tests)
    top.pop("none", None)
    found = contrasts(played, seed=protocol.seed)
    return Report(tests=len(shown), top1=top, rows=tuple(rows), contrasts=found)


def _play(
    policy: str,
    tests: PaddedTests,
    opinion: Array,
    start: Start,
    level: float,
    tau: int,
    protocol: Protocol,
    rng: np.random.Generator,
    tick: published.Tick,
) -> Array:
    """Return (T,) expected clicks of each test."""
    many = protocol.replications
    if policy == "prior-only":
        return published.prior_only(opinion, tests, tau=tau)
    if policy in protocol.policies:
        return play_served(
            protocol.policies[policy],
            tests,
            opinion,
            start,
            tau=tau,
            rng=rng,
            tick=tick,
            block=protocol.block,
        )
    if policy == "lola-paper":
        rows = np.exp(opinion).reshape(-1, opinion.shape[2])
        expected = level * rows[published.order_of(tests, many)]
        index = published.lola(expected)
    elif policy == "thompson-paper":
        index = published.thompson(tests.mask[published.order_of(tests, many) % len(tests.mask)])
    else:
        index = published.ucb()
    return published.play(index, tests, tau=tau, replications=many, rng=rng, tick=tick)


def _rng(seed: int, name: str) -> np.random.Generator:
    """Return a stream of its own for each row: adding a policy changes no other."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
