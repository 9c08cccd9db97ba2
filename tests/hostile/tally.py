"""What came of one attack: how much was sent, the worst answer, and what went wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

MOST_FAULTS = 5
MEMORY_BOUNDS = {"api": 500_000_000, "steps": 1_000_000_000}
"""Bytes of resident memory that a process may take, whatever it is sent."""


@dataclass(slots=True)
class Tally:
    """One attack's figures, over all rounds.

    Attributes
    ----------
    requests
        How many requests and connections were made.
    worst
        The worst answer: a status, or "none" where an answer was due and none came.
    memory
        The most bytes of resident memory by process.
    faults
        What went wrong, the first few.
    """

    requests: int = 0
    worst: str = "-"
    memory: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def note(
        self, status: int, headers: Mapping[str, str], what: str, *, excused: bool, due: bool = True
    ) -> None:
        """Take an answer.

        Parameters
        ----------
        status
            0 when none came.
        headers
            Its headers, by names in small letters.
        what
            What was asked, for the report.
        excused
            Whether something was killed a moment ago: then a 503 with Retry-After, or no answer,
            is right.
        due
            Whether an answer had to come.
        """
        with self._lock:
            self.requests += 1
            self.worst = max(self.worst, _named(status, due), key=_badness)
        if status == 0 and due and not excused:
            self.fault(f"{what}: no answer")
        if status == 503 and "retry-after" not in headers:
            self.fault(f"{what}: 503 without Retry-After")
        elif status == 503 and not excused:
            self.fault(f"{what}: 503 though nothing was killed")
        elif status >= 500 and status != 503:
            self.fault(f"{what}: {status}")

    def fault(self, what: str) -> None:
        """Note what went wrong."""
        with self._lock:
            if len(self.faults) < MOST_FAULTS and what not in self.faults:
                self.faults.append(what)

    def weigh(self, memory: Mapping[str, int]) -> None:
        """Take the memory of the processes; one beyond its bound is a fault."""
        for name, held in memory.items():
            self.memory[name] = max(held, self.memory.get(name, 0))
            if held > MEMORY_BOUNDS.get(name, held):
                self.fault(f"{name} took over {MEMORY_BOUNDS[name] / 1e6:.0f} MB")


def _named(status: int, due: bool) -> str:
    return str(status) if status else "none" if due else "closed"


def _badness(answer: str) -> int:
    if answer.isdigit():
        return int(answer)
    return {"-": 0, "closed": 1, "none": 502}[answer]
