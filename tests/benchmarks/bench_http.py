"""Decisions over HTTP: api, Valkey and load generator on this machine, pages of 40 titles.

`pytest tests/benchmarks/bench_http.py -s`. What is counted are artworks chosen: titles a request.
"""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from rich.console import Console
from rich.table import Table

TITLES, ARTWORKS, VIEWERS, PAGE = 1000, 10, 5000, 40
REQUESTS = 3000
CONNECTIONS = 16
SECONDS, ROUNDS = 5, 3
VALUES = (0, 8, 16, 32)
"""Of a request's context; each is one of 24, as hours and countries are."""


def plan(path: Path, site: Any, port: int, rate: float, *, why: bool, values: int = 0) -> Path:
    rng = random.Random(1)
    bodies = [
        json.dumps(
            {
                "viewer": rng.choice(site.viewers),
                "surface": "home",
                "titles": rng.sample(site.titles, PAGE),
                "why": why,
                "context": {f"name-{at}": f"value-{rng.randrange(24)}" for at in range(values)},
            }
        )
        for _ in range(REQUESTS)
    ]
    whole = {
        "port": port,
        "path": "/v1/decisions",
        "bodies": bodies,
        "connections": CONNECTIONS,
        "seconds": SECONDS,
        "rate": rate,
    }
    path.write_text(json.dumps(whole))
    return path


def load(plan: Path, *watched: psutil.Process) -> dict[str, Any]:
    """Return answers a second, times in ms, and the CPU ms a request of every process."""
    before = [cpu_s(process) for process in watched]
    command = [sys.executable, str(Path(__file__).with_name("http_load.py")), str(plan)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as generator:
        assert generator.stdout is not None
        found = json.loads(generator.stdout.read())
    after = [cpu_s(process) for process in watched]
    times = np.array(found["times"]) * 1000
    assert found["wrong"] == 0 and len(times)
    return {
        "rate": len(times) / found["seconds"],
        "p50": float(np.quantile(times, 0.5)),
        "p99": float(np.quantile(times, 0.99)),
        "cpu": [1000 * (new - old) / len(times) for old, new in zip(before, after, strict=True)],
    }


def cpu_s(process: psutil.Process) -> float:
    family = [process, *process.children(recursive=True)]
    return sum(each.cpu_times().user + each.cpu_times().system for each in family)


@pytest.mark.timeout(900)
def test_decisions_over_http(make_site: Any, tmp_path: Path, free_port: int) -> None:
    site = make_site(titles=TITLES, artworks=ARTWORKS, viewers=VIEWERS)
    table = Table(title=f"POST /v1/decisions, {PAGE} titles x {ARTWORKS} artworks a request")
    heads = ("api", "why", "load", "requests/s", "artworks chosen/s", "p50 ms", "p99 ms")
    for column in (*heads, "CPU ms api", "Valkey"):
        table.add_column(column, justify="right")
    for workers in (1, 2):
        with site.api(free_port, workers=workers) as api:
            for why in (True, False):
                busy = plan(tmp_path / "plan.json", site, free_port, 0, why=why)
                load(busy)
                most = [load(busy, api, site.server) for _ in range(ROUNDS)]
                half = float(np.median([each["rate"] for each in most])) / 2
                paced = plan(tmp_path / "plan.json", site, free_port, half, why=why)
                calm = [load(paced, api, site.server) for _ in range(ROUNDS)]
                for name, rounds in (("all it can", most), ("half", calm)):
                    table.add_row(
                        f"{workers} process" + "es" * (workers > 1),
                        "yes" if why else "no",
                        name,
                        spread([each["rate"] for each in rounds]),
                        spread([each["rate"] * PAGE for each in rounds]),
                        spread([each["p50"] for each in rounds]),
                        spread([each["p99"] for each in rounds]),
                        *(
                            f"{np.median([each['cpu'][at] for each in rounds]):.2f}"
                            for at in (0, 1)
                        ),
                    )
    Console(width=150).print(table)


@pytest.mark.timeout(600)
def test_decisions_with_a_context(make_site: Any, tmp_path: Path, free_port: int) -> None:
    """Rounds alternate, so that what others do to the machine is done to all: ratios count."""
    site = make_site(titles=TITLES, artworks=ARTWORKS, viewers=VIEWERS)
    title = f"POST /v1/decisions with a context, {PAGE} titles x {ARTWORKS} artworks, one process"
    table = Table(title=title)
    heads = ("values", "artworks chosen/s", "of none", "p99 ms at half", "CPU ms api", "of none")
    for column in heads:
        table.add_column(column, justify="right")
    plans = {its: tmp_path / f"plan{its}.json" for its in VALUES}
    most: dict[int, list[dict[str, Any]]] = {its: [] for its in VALUES}
    calm: dict[int, list[dict[str, Any]]] = {its: [] for its in VALUES}
    with site.api(free_port) as api:
        for at in range(1 + ROUNDS):
            for its, path in plans.items():
                found = load(plan(path, site, free_port, 0, why=False, values=its), api)
                most[its] += [found] if at else []
        for _ in range(ROUNDS):
            for its, path in plans.items():
                half = float(np.median([each["rate"] for each in most[its]])) / 2
                calm[its].append(
                    load(plan(path, site, free_port, half, why=False, values=its), api)
                )
    for its in VALUES:
        rates, plain = ([each["rate"] * PAGE for each in most[at]] for at in (its, 0))
        cpu, without = (np.array([each["cpu"][0] for each in most[at]]) for at in (its, 0))
        table.add_row(
            str(its),
            spread(rates),
            f"{np.median(np.array(rates) / np.array(plain)):.2f}",
            spread([each["p99"] for each in calm[its]]),
            f"{np.median(cpu):.2f}",
            f"{np.median(cpu / without):.2f}",
        )
    Console(width=150).print(table)


def spread(values: list[float]) -> str:
    """Return `median (lowest to highest)`."""
    digits = 0 if max(values) >= 100 else 1
    return (
        f"{np.median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"
    )
