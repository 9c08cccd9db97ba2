"""What a flood of made-up viewers moves, with and without holding bursts back, and what it costs.

A title with four artworks (take rates 10, 5, 5 and 5 %) has 1,000 honest viewers, all of them new;
then so many made-up viewers say no to the best artwork and yes to the second. Shown are the means
over `SEEDS` of the take rates that are believed (reward over expected), and of how much of what
honest viewers said was held back. Rates are not speeds: the table needs no quiet machine.
"""

import random
from typing import Final

from rich.console import Console
from rich.table import Table

import tests.benchmarks.common  # noqa: F401 - first: it keeps numerical libraries to one thread
from keyart.models.sums.adding import add_to_title
from keyart.models.sums.bursts import held_in
from keyart.schemas.decisions import Versions
from keyart.schemas.posterior import TitleSums
from keyart.schemas.rewards import Reward
from tests.benchmarks.common import Row

SEEDS: Final = 10
HONEST: Final = 1000
FLOODS: Final = (0, 30, 100, 300, 1000, 3000)
RATES: Final = {"a0": 0.10, "a1": 0.05, "a2": 0.05, "a3": 0.05}
DAY_MS: Final = 86_400_000
START_MS: Final = 1_700_000_000_000


class Title:
    """One title that learns, a reward at a time."""

    def __init__(self, seed: int, *, hold: bool) -> None:
        self.rng = random.Random(seed)
        self.sums = TitleSums(title="t")
        self._hold, self._number = hold, 0

    def honest(self, count: int) -> None:
        """So many viewers see an artwork each."""
        for _ in range(count):
            artwork = self.rng.choice(list(RATES))
            self.learn(artwork, float(self.rng.random() < RATES[artwork]))

    def flood(self, count: int) -> None:
        """So many made-up viewers, nine of ten of whom were shown the best."""
        for _ in range(count):
            best = self.rng.random() < 0.9
            self.learn("a0" if best else "a1", 0.0 if best else 1.0)

    def learn(self, artwork: str, value: float) -> None:
        """Add the reward of a viewer who is new."""
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
            fresh=True,
        )
        self.sums = add_to_title(
            self.sums, [reward], half_life_ms=60 * DAY_MS, bucket_ms=DAY_MS, hold=self._hold
        )

    def rate(self, artwork: str) -> float:
        """Return the take rate that is believed."""
        cell = self.sums.artworks[artwork]["home"]
        return cell.reward / cell.expected


def main() -> list[Row]:
    """Print the table."""
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
