"""What happens to decisions between a request and the log."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from keyart.schemas.codec import MAX_RECORD_BYTES
from keyart.schemas.errors import LogAway, LogError
from keyart.services.api.recorder import Recorder
from keyart.services.wiring.telemetry import ApiMetrics
from keyart.streams.ports import Output


class ListLog:
    """A log in memory that can be away."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.away = False
        self.refuses = False
        self.takes_s = 0.0

    async def append(self, outputs: Sequence[Output]) -> list[str]:
        await asyncio.sleep(self.takes_s)
        if self.away:
            raise LogAway("not now")
        if self.refuses:
            raise LogError("not this one")
        self.batches.append([each.value for each in outputs])
        return ["0"] * len(outputs)

    @property
    def values(self) -> list[int]:
        return [int(value) for batch in self.batches for value in batch]


def output(number: int) -> Output:
    return Output("decisions", "v", str(number).encode())


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.005)


def test_all_arrive_in_order_and_few_at_a_time_go_together() -> None:
    async def run() -> ListLog:
        log = ListLog()
        recorder = Recorder(log, most=10_000, metrics=ApiMetrics())
        recorder.start()
        for number in range(1000):
            recorder.record(output(number))
            if number % 10 == 0:
                await asyncio.sleep(0)
        await recorder.stop()
        return log

    log = asyncio.run(run())
    assert log.values == list(range(1000))
    assert len(log.batches) < 200


def test_while_the_log_is_away_the_newest_are_held_and_the_rest_counted() -> None:
    async def run() -> tuple[ListLog, ApiMetrics]:
        log, metrics = ListLog(), ApiMetrics()
        log.away = True
        recorder = Recorder(log, most=50, metrics=metrics)
        recorder.start()
        for number in range(30):
            recorder.record(output(number))
        await until(lambda: recorder.away)
        for number in range(30, 120):
            recorder.record(output(number))
        log.away = False
        await until(lambda: len(log.values) >= 50)
        await recorder.stop()
        return log, metrics

    log, metrics = asyncio.run(run())
    assert log.values == list(range(70, 120))
    assert metrics.registry.get_sample_value("keyart_log_dropped_total") == 70


def test_what_no_reader_would_take_holds_nothing_up() -> None:
    async def run() -> tuple[ListLog, ApiMetrics]:
        log, metrics = ListLog(), ApiMetrics()
        recorder = Recorder(log, most=50, metrics=metrics)
        recorder.start()
        recorder.record(output(1))
        recorder.record(Output("decisions", "v", b"1" * (MAX_RECORD_BYTES + 1)))
        recorder.record(output(2))
        await until(lambda: len(log.values) == 2)
        log.refuses = True
        recorder.record(output(3))
        await until(lambda: metrics.registry.get_sample_value("keyart_log_dropped_total") == 2)
        log.refuses = False
        recorder.record(output(4))
        await recorder.stop()
        return log, metrics

    log, _ = asyncio.run(run())
    assert log.values == [1, 2, 4]


@pytest.mark.parametrize("turns", [0, 1, 5])
def test_the_end_waits_for_what_is_held_and_for_what_is_under_way(turns: int) -> None:
    async def run() -> list[int]:
        log = ListLog()
        log.takes_s = 0.1
        recorder = Recorder(log, most=10, metrics=ApiMetrics())
        recorder.start()
        recorder.record(output(1))
        for _ in range(turns):
            await asyncio.sleep(0)
        recorder.record(output(2))
        await recorder.stop()
        return log.values

    assert asyncio.run(run()) == [1, 2]


def test_a_log_that_stays_away_does_not_hold_up_the_end() -> None:
    async def run() -> None:
        log = ListLog()
        log.away = True
        recorder = Recorder(log, most=10, metrics=ApiMetrics())
        recorder.start()
        recorder.record(output(1))
        async with asyncio.timeout(60):
            await recorder.stop()

    asyncio.run(run())
