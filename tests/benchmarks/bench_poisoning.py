"""What a flood of made-up viewers moves, with and without holding bursts back, and what it costs.

A title with four artworks (take rates 10, 5, 5 and 5 %) has 1,000 honest viewers, all of them new;
then so many made-up viewers say no to the best artwork and yes to the second. Shown are the means
over `SEEDS` of the take rates that are believed (reward over expected), and of how much of what
honest viewers said was held back. Rates are not speeds: the table needs no quiet machine.

A second table is of callers' keys: each of three has told of as much on all titles, and one of them
floods this title with viewers who are made up but not new, whom nothing else bounds. What the bound
on a key costs is measured where keys are honest and uneven (web 80 %, tv 15 %, partner 5 % of all,
more or less on each title) and their viewers alike, or of tastes that differ from key to key.
"""

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

import tests.benchmarks.common  # noqa: F401 - first: it keeps numerical libraries to one thread
from keyart.models.decide.callers import Callers
from keyart.models.sums.adding import add_to_title
from keyart.models.sums.bursts import held_in
from keyart.models.sums.rates import Array
from keyart.schemas.decisions import Versions
from keyart.schemas.posterior import Cell, TitleSums
from keyart.schemas.rewards import Reward
from tests.benchmarks.common import Row

SEEDS: Final = 10
HONEST: Final = 1000
FLOODS: Final = (0, 30, 100, 300, 1000, 3000)
RATES: Final = {"a0": 0.10, "a1": 0.05, "a2": 0.05, "a3": 0.05}
KEYS: Final = ("web", "tv", "partner")
TITLES: Final = 40
DAY_MS: Final = 86_400_000
START_MS: Final = 1_700_000_000_000


class Title:
    """One title that learns, a reward at a time."""

    def __init__(self, seed: int, *, hold: bool) -> None:
        self.rng = random.Random(seed)
        self.sums = TitleSums(title="t")
        self._hold, self._number = hold, 0

    def honest(self, count: int, rates: Mapping[str, float] = RATES, **of: Any) -> None:
        """So many viewers see an artwork each."""
        for _ in range(count):
            artwork = self.rng.choice(list(RATES))
            self.learn(artwork, float(self.rng.random() < rates[artwork]), **of)

    def flood(self, count: int, **of: Any) -> None:
        """So many made-up viewers, nine of ten of whom were shown the best."""
        for _ in range(count):
            best = self.rng.random() < 0.9
            self.learn("a0" if best else "a1", 0.0 if best else 1.0, **of)

    def learn(self, artwork: str, value: float, *, fresh: bool = True, caller: str = "") -> None:
        """Add the reward of a viewer."""
        self._number += 1
        at_ms = START_MS + 100 * self._number
        reward = Reward(
            id=f"{self._number:024x}",
            viewer=f"{self._number:032x}",
            title="t",
            artwork=artwork,
            surface="home",
            value=value,
            shown_at_ms=at_ms,
            closed_at_ms=at_ms,
            candidates=tuple(RATES),
            propensities=(0.25,) * 4,
            explored=False,
            policy="p",
            versions=Versions(policy="p", prior="", posterior="", space="s"),
            fresh=fresh,
            caller=caller,
        )
        self.sums = add_to_title(
            self.sums, [reward], half_life_ms=60 * DAY_MS, bucket_ms=DAY_MS, hold=self._hold
        )

    def rate(self, artwork: str) -> float:
        """Return the take rate that is believed."""
        cell = self.sums.artworks[artwork]["home"]
        return cell.reward / cell.expected


def main() -> list[Row]:
    """Print the tables."""
    return [*new_viewers(), *one_key(), *uneven_keys()]


def one_key() -> list[Row]:
    """Print what one key of three moves, with and without its bound."""
    title = f"one key of three floods: take rate of the best and of the second, % ({SEEDS} seeds)"
    table = Table("made-up viewers", "not bounded", "bounded", "counts, % of the key", title=title)
    rows: list[Row] = []
    for flood in FLOODS:
        told, believed, counts = np.zeros(2), np.zeros(2), 0.0
        for seed in range(SEEDS):
            one, callers = Title(seed, hold=True), Callers()
            for at in range(HONEST):
                one.honest(1, fresh=False, caller=KEYS[at % 3])
            one.flood(flood, fresh=False, caller="partner")
            for key in KEYS:
                callers.hold(_elsewhere(key, 100_000.0), tuple(RATES))
            callers.hold(one.sums, tuple(RATES))
            (cells,) = callers.bounded("t").values()
            told += [one.rate(artwork) / SEEDS for artwork in ("a0", "a1")]
            believed += cells[0, :2] / cells[1, :2] / SEEDS
            bound = callers.bounds.get("t", {}).get("partner")
            counts += (bound.counts / bound.told if bound else 1.0) / SEEDS
        table.add_row(
            str(flood), *(_percent(each) for each in (told, believed)), f"{100 * counts:.0f}"
        )
        rows.append(_row(f"best after {flood} of one key, not bounded", "take rate", told[0]))
        rows.append(_row(f"best after {flood} of one key, bounded", "take rate", believed[0]))
    Console().print(table)
    return rows


def uneven_keys() -> list[Row]:
    """Print what of the word of honest, uneven keys does not count."""
    rows: list[Row] = []
    for differ in (0.0, 0.1, 0.2, 0.4):
        callers, told = Callers(), Counter[str]()
        for seed in range(TITLES):
            rng = np.random.default_rng(seed)
            shares = rng.dirichlet(20.0 * np.array([0.80, 0.15, 0.05]))
            one = Title(seed, hold=True)
            one.sums.title = f"t{seed}"
            for key, share in zip(KEYS, shares, strict=True):
                ratios = np.exp(rng.normal(0.0, differ, len(RATES)))
                own = {
                    name: rate * r for (name, rate), r in zip(RATES.items(), ratios, strict=True)
                }
                count = round(6 * HONEST * share)
                one.honest(count, own, fresh=False, caller=key)
                told[key] += count
            callers.hold(one.sums, tuple(RATES))
        for title in list(callers.several):
            callers.bounded(title)
        lost = callers.held_back()
        said = ", ".join(f"{key} {100 * lost.get(key, 0.0) / told[key]:.2f} %" for key in KEYS)
        whole = sum(lost.values()) / told.total()
        line = (
            f"honest keys, tastes {differ:.1f} apart: {100 * whole:.2f} % does not count ({said})"
        )
        Console().print(line, highlight=False)
        rows.append(_row(f"not counted of honest keys {differ:.1f} apart", "share", whole))
    return rows


def _elsewhere(key: str, takes: float) -> TitleSums:
    cells = {"a0": {"home": Cell(0, 0.0, 0.1 * takes, takes)}}
    return TitleSums(title=f"elsewhere {key}", artworks=cells, caller=key)


def _percent(rates: Array) -> str:
    return " and ".join(f"{100 * rate:.1f}" for rate in rates)


def new_viewers() -> list[Row]:
    """Print what a flood of new viewers moves."""
    title = f"take rate of the best and of the second, % ({SEEDS} seeds)"
    table = Table("made-up viewers", title=title)
    for name in ("learned at once", "held back", "held, % of the flood"):
        table.add_column(name, justify="right")
    rows: list[Row] = []
    for flood in FLOODS:
        told = [str(flood)]
        share = 0.0
        for hold in (False, True):
            titles = [Title(seed, hold=hold) for seed in range(SEEDS)]
            for each in titles:
                each.honest(HONEST)
                each.flood(flood)
            best, second = (sum(t.rate(a) for t in titles) / SEEDS for a in ("a0", "a1"))
            told.append(f"{100 * best:.1f} and {100 * second:.1f}")
            share = sum(held_in(t.sums) for t in titles) / SEEDS / max(flood, 1)
            kind = "held back" if hold else "learned at once"
            rows.append(_row(f"best after {flood}, {kind}", "take rate", best))
        told.append(f"{100 * share:.0f}" if flood else "")
        table.add_row(*told)
    cost = [Title(seed, hold=True) for seed in range(SEEDS)]
    for each in cost:
        each.honest(6 * HONEST)
    lost = sum(held_in(t.sums) for t in cost) / (SEEDS * 6 * HONEST)
    console = Console()
    console.print(table)
    console.print(f"held of {6 * HONEST} honest new viewers: {100 * lost:.2f} %", highlight=False)
    return [*rows, _row("held of honest new viewers", "share", lost)]


def _row(name: str, unit: str, value: float) -> Row:
    return Row(bench="poisoning", name=name, unit=unit, median=value, low=value, high=value)
