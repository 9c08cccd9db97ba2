"""Attacks at the command line: small files that claim much."""

import os
import random
import subprocess
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.faults.serving import COMMAND
from tests.hostile.honest import Honest
from tests.hostile.site import Site

MOST_MEMORY = 1_000_000_000
MOST_FILES = 3


def bombs(folder: Path) -> list[Path]:
    """Write the files, each far smaller than what it claims to hold."""
    flat = {"title": ["t"], "artwork": ["a"]}
    many = pa.array(["x"] * 3_000_000).dictionary_encode()
    tables = {
        "columns": pa.table({**flat, **{f"attribute.{at}": ["x"] for at in range(50_000)}}),
        "rows": pa.table({"title": many, "artwork": many}),
        "values": pa.table({"id": ["t"], "artworks": [[None] * 9_000_000]}),
    }
    paths = []
    for name, table in tables.items():
        paths.append(folder / f"{name}.parquet")
        pq.write_table(table, paths[-1], compression="zstd")
    texts = {
        "deep.jsonl": b'{"id":' + b"[" * 1_000_000,
        "wide.csv": b"title,artwork" + b",x" * 500_000 + b"\n",
        "noise.jsonl.gz": b"\x1f\x8b" + bytes(1000),
        "binary.csv": b"title,artwork\n\xff\xfe\x00,\x00\n",
    }
    for name, text in texts.items():
        paths.append(folder / name)
        paths[-1].write_bytes(text)
    return paths


def load_bombs(site: Site, honest: Honest, rng: random.Random, size: float) -> None:
    """Load files that claim much; each must be refused in one line, in little memory."""
    with tempfile.TemporaryDirectory(dir=site.folder) as folder:
        paths = bombs(Path(folder))
        for path in rng.sample(paths, max(1, round(MOST_FILES * size))):
            command = [*COMMAND, "catalogue", "load", str(path)]
            with (site.folder / "load.log").open("w+b") as said:
                process = subprocess.Popen(
                    command, env=site.serving.environ, stdout=said, stderr=said
                )
                _, ended, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(ended)
                said.seek(0)
                lines = said.read().decode(errors="replace").splitlines()
            site.tally.requests += 1
            site.tally.weigh({"load": usage.ru_maxrss * 1024})
            if process.returncode != 1 or len(lines) != 1:
                site.tally.fault(f"{path.name}: exit {process.returncode}, {lines[-1:]}")
            if usage.ru_maxrss * 1024 > MOST_MEMORY:
                site.tally.fault(f"{path.name}: took over {MOST_MEMORY / 1e6:.0f} MB")
