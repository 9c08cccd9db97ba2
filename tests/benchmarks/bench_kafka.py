"""Kafka: the worker beside an empty Faust agent, how a backlog drains, and what a record weighs.

Side by side: each round starts the one process, then the other, on the same topic of the same
broker, and counts from its first tenth to its last event: starting up is nobody's speed. Rates are
by processor time of the process, and by the clock. Needs a Docker engine.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import msgspec
import psutil
import pytest

from keyart.schemas import codec
from keyart.schemas.taste import TASTE_DTYPE
from keyart.schemas.topics import EVENTS, REWARDS
from keyart.streams.kafka.source import read_all
from keyart.streams.ports import VIEWERS, Lane
from tests.benchmarks.common import Row, rows_of, show
from tests.benchmarks.kafka_site import fill_events, fill_rewards, forget, topic_bytes
from tests.containers.fixtures import MakeHouse, engine_answers
from tests.containers.house import House, Worker
from tests.containers.servers import until

pytestmark = [pytest.mark.containers, pytest.mark.timeout(3600)]

COUNT = int(os.environ.get("BENCH_EVENTS", "120000"))
BACKLOG = int(os.environ.get("BENCH_BACKLOG", "500000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
EMPTY = Path(__file__).with_name("empty_agent.py")


def main() -> list[Row]:
    """Run these by pytest, which has the servers; without a Docker engine, say so.

    Raises
    ------
    RuntimeError
        One failed.
    """
    if not engine_answers():
        print("kafka: not measured. It needs a Docker engine for Kafka and Redis; none answers")
        return []
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "rows"
        command = [sys.executable, "-m", "pytest", "-q", "-s", "-m", "containers", __file__]
        environ = {**os.environ, "BENCH_ROWS": str(target), "KEYART_CONTAINERS": "1"}
        if subprocess.run(command, env=environ).returncode:
            raise RuntimeError("the benchmarks of Kafka failed")
        return [msgspec.json.decode(line, type=Row) for line in target.read_bytes().splitlines()]


def _read_number(file: Path) -> int:
    return int(file.read_text() or 0)


def measured(seen: Callable[[], int], count: int, process: psutil.Process) -> tuple[float, float]:
    """Return events by second of processor time and by second of the clock."""
    until("it begins", lambda: seen() >= count // 10, timeout_s=300)
    began, first, spent = time.monotonic(), seen(), cpu_s(process)
    until("it ends", lambda: seen() >= count, timeout_s=900)
    took, spent = time.monotonic() - began, cpu_s(process) - spent
    return (count - first) / spent, (count - first) / took


def cpu_s(process: psutil.Process) -> float:
    """Return the processor time a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def running_worker(house: House) -> Iterator[Worker]:
    """Run one worker from the first record on."""
    forget(house)
    worker = house.work(1)[0]
    try:
        yield worker
    finally:
        worker.terminate()
        house.workers.remove(worker)


@contextmanager
def running_agent(house: House, topic: str, file: Path) -> Iterator[psutil.Process]:
    """Run the empty agent from the first record on."""
    file.write_text("0")
    command = [sys.executable, str(EMPTY), house.kafka.address, house.prefix + topic]
    process = subprocess.Popen([*command, f"e{uuid4().hex[:10]}", str(file)])
    try:
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def side_by_side(house: House, topic: str, counter: str, count: int, folder: Path) -> None:
    """Measure the worker and the empty agent in turn, and print the table."""
    by_cpu: dict[str, list[float]] = {"keyart worker, effects once": [], "empty Faust agent": []}
    by_clock: dict[str, list[float]] = {name: [] for name in by_cpu}
    ours, empty = by_cpu
    for _ in range(ROUNDS):
        with running_worker(house) as worker:
            process = psutil.Process(worker.process.pid)
            cpu, clock = measured(lambda: house.counts()[counter], count, process)
            by_cpu[ours].append(cpu)
            by_clock[ours].append(clock)
        file = folder / "seen"
        with running_agent(house, topic, file) as process:
            cpu, clock = measured(partial(_read_number, file), count, process)
            by_cpu[empty].append(cpu)
            by_clock[empty].append(clock)
    for title, found in (("processor time", by_cpu), ("the clock", by_clock)):
        rows = rows_of(f"kafka {topic} by {title}", found, unit=f"{topic}/s", against=empty)
        tell(f"{topic} from Kafka into Redis, {count} of them, by {title}", rows)


def tell(title: str, rows: list[Row]) -> None:
    """Print rows, and hand them to whoever runs all benchmarks."""
    show(title, rows)
    if target := os.environ.get("BENCH_ROWS"):
        with Path(target).open("ab") as out:
            out.write(b"".join(codec.encode(row) + b"\n" for row in rows))


def single(bench: str, name: str, figure: float, unit: str, note: str = "") -> Row:
    """Return a row of a thing that was measured once."""
    return Row(bench=bench, name=name, unit=unit, median=figure, low=figure, high=figure, note=note)


def test_events_to_taste(make_house: MakeHouse, tmp_path: Path) -> None:
    house = make_house()
    house.create(title_count=100)
    fill_events(house, COUNT)
    side_by_side(house, EVENTS, "events", COUNT, tmp_path)
    weigh(house)


def test_rewards_to_posterior(make_house: MakeHouse, tmp_path: Path) -> None:
    house = make_house()
    house.create(title_count=100)
    fill_rewards(house, COUNT)
    side_by_side(house, REWARDS, "learned", COUNT, tmp_path)


def test_backlog_drains(make_house: MakeHouse) -> None:
    house = make_house()
    house.create(title_count=100)
    fill_events(house, BACKLOG)
    rows = []
    for workers, name in ((1, "one worker"), (2, "two workers")):
        forget(house)
        began = time.monotonic()
        started = house.work(workers)
        house.until_counted("events", BACKLOG, timeout_s=1800)
        took = time.monotonic() - began
        spent = sum(cpu_s(psutil.Process(worker.process.pid)) for worker in started)
        note = f"{took:.0f} s with starting up, {spent:.0f} s of the workers' processor time"
        rows.append(single("kafka backlog", name, BACKLOG / took, "events/s", note))
        for worker in started:
            worker.terminate()
            house.workers.remove(worker)
    tell(f"a backlog of {BACKLOG:,} events drains", rows)


def weigh(house: House) -> None:
    """Print what an event weighs on its way, and a viewer in the store."""
    events = [
        record
        for partition in range(house.settings.partitions)
        for record in read_all(house.parts.kafka, EVENTS, partition)
    ]
    bare = sum(len(each.key) + len(each.value) for each in events) / len(events)
    client = house.parts.client
    start = house.parts.keys.item(Lane(VIEWERS, 0), "taste", "")
    names = list(client.scan_iter(match=start.replace("{", "\\{") + "*", count=1000))[:500]
    used = sorted(client.memory_usage(name) for name in names)
    rows = [
        single("kafka bytes", "an event, key and value", bare, "bytes"),
        single(
            "kafka bytes",
            "an event in the topic",
            topic_bytes(house, EVENTS) / len(events),
            "bytes",
            "with its share of the batch's head, as on the wire; not compressed",
        ),
        single("kafka bytes", "a viewer's taste", TASTE_DTYPE.itemsize, "bytes"),
        single(
            "kafka bytes",
            "a viewer in Redis",
            used[len(used) // 2],
            "bytes",
            "median, with key and overhead, by MEMORY USAGE",
        ),
    ]
    tell("what things weigh", rows)
