"""Memory: the api with 10,000 titles x 10 artworks, and Valkey's bytes for a viewer and a title.

`pytest tests/benchmarks/bench_memory.py -s`.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from rich.console import Console
from rich.table import Table

TITLES, ARTWORKS, VIEWERS = 10_000, 10, 20_000
REST_S = 10.0
"""What loading took is handed back right after the api is ready."""


def used(site: Any) -> int:
    """Return the bytes that Valkey has in use."""
    return int(site.parts.client.info("memory")["used_memory"])


def resident_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 2**20


def peak_mb(process: psutil.Process) -> float:
    """Return the most the process ever held (Linux)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@pytest.mark.timeout(600)
def test_memory(make_site: Any, add_tastes: Any, free_port: int) -> None:
    few = make_site(titles=10, artworks=ARTWORKS, viewers=0)
    with few.api(free_port) as api:
        smallest = resident_mb(api)
    site = make_site(titles=TITLES, artworks=ARTWORKS, viewers=0)
    before = used(site)
    add_tastes(site.parts, [f"viewer-{at}" for at in range(VIEWERS)], np.random.default_rng(2))
    viewer = (used(site) - before) / VIEWERS
    with site.api(free_port) as api:
        time.sleep(REST_S)
        whole, most = resident_mb(api), peak_mb(api)
    title = (before - used(few)) / TITLES
    table = Table(title="memory")
    table.add_column("what")
    table.add_column("measured", justify="right")
    table.add_row("api with 10 titles", f"{smallest:.0f} MB")
    table.add_row(f"api with {TITLES:,} titles x {ARTWORKS} artworks", f"{whole:.0f} MB")
    table.add_row("... at most, while it loaded", f"{most:.0f} MB")
    table.add_row("Valkey for a viewer's taste, key and all", f"{viewer:.0f} bytes")
    table.add_row(f"Valkey for a title with {ARTWORKS} artworks", f"{title:.0f} bytes")
    Console(width=100).print(table)
