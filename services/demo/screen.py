"""What the demo prints: progress while it plays, a table at the end."""

import time
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from keyart.services.demo.tally import BEST_FIXED, KEYART, POLICIES, UNIFORM, Figures, Tally

LINE_S: Final = 5.0
"""How often a line is printed where the output is no terminal."""
RECENT_S: Final = 10.0


@dataclass(slots=True)
class Progress:
    """Shows the take fractions as they move; a line every five seconds where there is no terminal.

    Parameters
    ----------
    console
        Where to.
    tally
        What to show.
    seconds
        How long it will take, if known.
    """

    console: Console
    tally: Tally
    seconds: float | None = None
    _began: float = field(init=False, default_factory=time.monotonic)
    _printed: float = field(init=False, default=0.0)
    _marks: list[tuple[float, int, NDArray[np.int64]]] = field(init=False, default_factory=list)
    _live: Live | None = field(init=False, default=None)

    def __enter__(self) -> "Progress":
        """Take over the last line of a terminal."""
        if self.console.is_terminal:
            self._live = Live(console=self.console, refresh_per_second=8, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        if self._live is not None:
            self._live.stop()

    def __call__(self) -> None:
        """Show where things stand."""
        now = time.monotonic()
        shown, taken = int(self.tally.shown.sum()), self.tally.taken.sum(axis=1)
        self._marks.append((now, shown, taken))
        while len(self._marks) > 2 and self._marks[1][0] < now - RECENT_S:
            self._marks.pop(0)
        if self._live is not None:
            self._live.update(Text(self._line(now)))
        elif now - self._printed >= LINE_S:
            self._printed = now
            self.console.print(Text(self._line(now)), soft_wrap=True)

    def _line(self, now: float) -> str:
        since, shown_then, taken_then = self._marks[0]
        _, shown, taken = self._marks[-1]
        if shown == 0:
            return "waiting for the first visit"
        percent = 100 * taken / shown
        recent = 100 * (taken - taken_then) / max(shown - shown_then, 1)
        clock = f"{now - self._began:3.0f} s" + (f" of {self.seconds:.0f}" if self.seconds else "")
        rate = (shown - shown_then) / max(now - since, 1e-9)
        return (
            f"{clock}  {shown:>7,} impressions ({rate:,.0f}/s)  take fraction: "
            f"keyart {percent[KEYART]:.2f} %  uniform {percent[UNIFORM]:.2f} %  "
            f"best fixed {percent[BEST_FIXED]:.2f} %  "
            f"last {RECENT_S:.0f} s: {recent[KEYART]:.2f} / {recent[UNIFORM]:.2f} / "
            f"{recent[BEST_FIXED]:.2f} %"
        )


def table_of(figures: Figures, *, title: str = "Take fraction, 95 % intervals") -> Table:
    """Return the figures as a table."""
    table = Table(title=title, title_justify="left")
    table.add_column("policy")
    for heading in ("impressions", "quality plays", "take fraction", "from", "to"):
        table.add_column(heading, justify="right", min_width=7)
    for policy in figures.policies:
        table.add_row(
            policy.name,
            f"{policy.impressions:,}",
            f"{policy.quality_plays:,}",
            *(f"{100 * x:.3f} %" for x in (policy.take_fraction, policy.low, policy.high)),
        )
    return table


def table_of_first(without: Tally, with_prior: Tally, *, prior: str) -> Table:
    """Return what the prior changed while little else was known, on the same visits.

    The last column is the mean of the audience's true take probabilities: the take fraction
    without the luck, which over so few impressions is most of it.
    """
    shown = int(with_prior.shown.sum())
    table = Table(title=f"The first {shown:,} impressions", title_justify="left")
    table.add_column("policy")
    for heading in ("quality plays", "true take fraction"):
        table.add_column(heading, justify="right")
    for name, tally, row in (
        (f"keyart with the prior {prior}", with_prior, KEYART),
        ("keyart without it", without, KEYART),
        (POLICIES[UNIFORM], with_prior, UNIFORM),
        (POLICIES[BEST_FIXED], with_prior, BEST_FIXED),
    ):
        fraction = tally.expected[row] / max(int(tally.shown.sum()), 1)
        table.add_row(name, f"{tally.taken[row].sum():,}", f"{100 * fraction:.3f} %")
    return table


def verdict(figures: Figures) -> str:
    """Return what the figures say, in one or two sentences."""
    lift = figures.over_uniform
    said = (
        f"{POLICIES[KEYART]} over {POLICIES[UNIFORM]}: {lift.percent:+.1f} % "
        f"({lift.low:+.1f} to {lift.high:+.1f})."
    )
    closed = figures.gap_to_best_fixed_closed
    if closed is None:
        return said
    return f"{said} Share of the gap to the best fixed artwork closed: {100 * closed:.0f} %."
