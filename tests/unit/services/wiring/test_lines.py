"""Lines of requests: written beside the event loop, bounded, all of them when somebody reads."""

import io
import logging
import threading
from typing import Any

from keyart.services.wiring.lines import MAX_WAITING, Beside


class Stuck(io.StringIO):
    """A stream whose reader stands still until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go, self.stands = threading.Event(), threading.Event()

    def write(self, text: str) -> int:
        self.stands.set()
        self.go.wait()
        return super().write(text)


def record(number: int) -> logging.LogRecord:
    return logging.LogRecord("keyart.access", logging.INFO, "", 0, f"line {number}", None, None)


def test_every_line_is_written_in_order() -> None:
    stream = io.StringIO()
    beside = Beside(stream)
    for number in range(5000):
        beside.emit(record(number))
    beside.close()
    assert stream.getvalue().splitlines() == [f"line {number}" for number in range(5000)]


def test_a_reader_that_stands_still_holds_up_nobody() -> None:
    stream = Stuck()
    beside = Beside(stream)
    beside.emit(record(0))
    assert stream.stands.wait(30)
    for number in range(1, 3 * MAX_WAITING + 1):
        beside.emit(record(number))
    assert beside.lost == 2 * MAX_WAITING
    stream.go.set()
    beside.close()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "line 0" and lines[1] == f"line {2 * MAX_WAITING + 1}"
    assert f"{2 * MAX_WAITING} lines are lost" in lines[-1] and len(lines) == MAX_WAITING + 2


def test_a_reader_that_is_gone_ends_nothing() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> Any:
            raise BrokenPipeError

    beside = Beside(Gone())
    beside.emit(record(0))
    beside.close()
    beside.emit(record(1))
