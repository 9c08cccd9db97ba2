"""Rounds of attacks on a service of its own, the checks after each, and the table of all."""

import random
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tests.faults.truth import WINDOW_S, settle
from tests.hostile import attacks, commands, kills, wire
from tests.hostile.attacks import Attack
from tests.hostile.honest import Honest
from tests.hostile.site import Site
from tests.hostile.tally import Tally
from tests.hostile.verdict import judged

MOST_ROUNDS = 20
CLOSING_S = WINDOW_S + 10.0
REQUESTS: Mapping[str, Attack] = {
    "poison events": attacks.poison,
    "malformed requests": attacks.malformed,
    "big titles": attacks.big_titles,
    "surface names": attacks.surfaces,
    "made-up viewers": attacks.made_up,
    "foreign events": attacks.foreign,
    "awkward ids": attacks.names,
    "erased at play": attacks.erased,
    "other sites' pages": attacks.other_sites,
    "heads, trailers, bodies without end": wire.endless,
    "slow heads and bodies": wire.slow,
    "silent connections": wire.silent,
    "no HTTP": wire.noise,
    "load bombs": commands.load_bombs,
}
KILLS: Mapping[str, Attack] = {
    f"kill -9 {name}": kills.kill(name) for name in ("api", "steps", "valkey")
}
LAST: Mapping[str, Attack] = {
    "kill -9 of the supervisor": kills.kill_supervisor,
    "wrong keys": attacks.wrong_keys,
}


class Run:
    """All attacks on one site.

    Parameters
    ----------
    folder
        An empty one.
    port
        A free one on loopback.
    seconds
        No round begins later than this after the start.
    size
        Of each attack; 1 is whole.
    with_kills
        Whether parts are killed too.
    seed
        Of all chance.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        *,
        seconds: float,
        size: float = 1.0,
        with_kills: bool = True,
        seed: int = 20260101,
    ) -> None:
        self.tallies: dict[str, Tally] = {}
        self._seconds, self._size = seconds, size
        self._with_kills = with_kills
        self._requests = dict(REQUESTS)
        self._rng = random.Random(seed)
        self._console = Console(width=150)
        self._site = Site(folder, port)
        self._honest = Honest(self._site)

    def go(self) -> list[str]:
        """Attack, stop, and return what went wrong."""
        try:
            try:
                self._rounds()
            except pytest.fail.Exception as ended:
                self._site.tally.fault(str(ended))
            self._honest.stop()
            time.sleep(CLOSING_S)
            settle(self._site.parts())
        finally:
            self._honest.stop()
            status = self._site.stop()
        self.tallies["the honest load"] = self._honest.tally
        end = self.tallies["all that was learned"] = Tally()
        if status:
            end.fault(f"keyart serve ended with {status}")
        for fault in judged(self._site, self._honest):
            end.fault(fault)
        return [f"{name}: {fault}" for name, each in self.tallies.items() for fault in each.faults]

    def _rounds(self) -> None:
        started, at = time.monotonic(), 0
        while at < MOST_ROUNDS and (at == 0 or time.monotonic() - started < self._seconds):
            chosen = [*self._requests.items(), *(KILLS.items() if self._with_kills else ())]
            self._rng.shuffle(chosen)
            for name, attack in chosen:
                if at and time.monotonic() - started > self._seconds:
                    break
                self._attack(name, attack, f"round {at + 1}")
            at += 1
        for name, attack in LAST.items() if self._with_kills else ():
            self._attack(name, attack, "at last")

    def _attack(self, name: str, attack: Attack, when: str) -> None:
        site, began = self._site, time.monotonic()
        site.tally = self.tallies.setdefault(name, Tally())
        before = site.tally.requests
        attack(site, self._honest, self._rng, self._size)
        site.wait_ready()
        if not site.decides(f"after {name} {self._rng.random()}"):
            site.tally.fault("an honest page was not answered afterwards")
        site.tally.weigh(site.memory())
        self._console.print(
            f"{when}: {name}: {site.tally.requests - before} requests in "
            f"{time.monotonic() - began:.0f} s; honest: {self._honest.pages} pages, "
            f"{len(self._honest.accepted)} events accepted"
        )

    def show(self) -> None:
        """Print the table, and each fault in whole."""
        table = Table("attack", "requests", "worst answer", "memory (MB)", "verdict")
        for name, each in self.tallies.items():
            memory = ", ".join(f"{k} {v / 1e6:.0f}" for k, v in sorted(each.memory.items()))
            verdict = "held" if not each.faults else f"{len(each.faults)} faults"
            table.add_row(name, str(each.requests), each.worst, memory, verdict)
        self._console.print(table)
        for name, each in self.tallies.items():
            for fault in each.faults:
                self._console.print(f"{name}: {fault}", markup=False)
