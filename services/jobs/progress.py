"""How far a command is: bars on a terminal, now and then a line where there is none."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_S: Final = 30.0
"""How often a stage prints a line where the output is no terminal."""


class Tell(Protocol):
    """Says how far a stage is."""

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Show that `done` of `total` steps of a stage are done; `total` 0: nobody knows."""


@contextmanager
def progress(
    console: Console | None = None,
    *,
    transient: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Tell]:
    """Yield a function that shows each stage with the time that it has left.

    Parameters
    ----------
    console
        Where to; standard error if none is given.
    transient
        Whether the bars vanish at the end.
    clock
        Seconds.
    """
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console, clock)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, transient=transient) as drawn:
        tasks = {}

        def tell(stage: str, done: int, total: int, note: str = "") -> None:
            if stage not in tasks:
                tasks[stage] = drawn.add_task(stage, total=None, note=note)
            drawn.update(tasks[stage], completed=done, total=total or None, note=note)

        yield tell


class _Lines:
    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self._console = console
        self._clock = clock
        self._stages: dict[str, tuple[float, int, float]] = {}  # began, done then, printed

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        now = self._clock()
        began, first, printed = self._stages.setdefault(stage, (now, done, now))
        finished = 0 < total <= done
        if not finished and now - printed < LINE_S:
            return
        if finished and printed == float("inf"):
            return
        self._stages[stage] = (began, first, float("inf") if finished else now)
        if finished:
            left = f"in {_span(now - began)}"
        elif total and done > first:
            left = f"{_span((now - began) / (done - first) * (total - done))} left"
        else:
            left = ""
        counted = f"{done:,} of {total:,}" if total else f"{done:,}"
        words = (f"{stage}: {counted}", left, note)
        self._console.print(", ".join(word for word in words if word), highlight=False)


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120.0 else f"{seconds / 60.0:.0f} min"
