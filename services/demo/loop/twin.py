"""The twin that never retrains: the same site, days and luck, in a process beside."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from keyart.models.embed import load_space
from keyart.services.demo.loop.life import Life, Tally
from keyart.services.demo.loop.plan import LoopPlan, begun, first_prior

STOP_S: Final = 5.0


class Twin:
    """Lives the day that it is told to live, while the caller lives its own.

    Parameters
    ----------
    line
        To the process beside.
    """

    def __init__(self, line: Connection) -> None:
        self._line = line

    def begin(self, *, turned: bool) -> None:
        """Let it live one more day."""
        self._line.send(turned)

    def end(self) -> Tally:
        """Return what it showed on the day that was begun."""
        tally: Tally = self._line.recv()
        return tally


@contextmanager
def twin_of(plan: LoopPlan, folder: Path) -> Iterator[Twin]:
    """Start a twin; it ends with the block."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_live, args=(theirs, plan, folder), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Twin(ours)
    finally:
        ours.close()
        process.join(STOP_S)
        if process.is_alive():
            process.kill()
            process.join()


def _live(line: Connection, plan: LoopPlan, folder: Path) -> None:
    life: Life = begun(plan, folder, load_space("static"))
    try:
        while True:
            turned = line.recv()
            line.send(life.live(turned=turned))
            first_prior(life)
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
