"""Lines of the log: what they hold, and how those of requests are written beside the event loop."""

import atexit
import json
import logging
import sys
import threading
import time
from collections import deque
from contextvars import ContextVar
from typing import Any, Final

REQUEST: ContextVar[str] = ContextVar("keyart_request", default="")
"""The id of the request at work; "" outside of one."""
MAX_WAITING: Final = 10_000
CLOSE_S: Final = 1.0


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message and, on failure, the trace.

    A line written for a request has its id; what a record holds as `fields` stands in the line too.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request := REQUEST.get():
            line["request_id"] = request
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


class TextLines(logging.Formatter):
    """One line of text: time, level, logger, message, the request's id; a trace follows."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s")
        self.datefmt = "%Y-%m-%dT%H:%M:%S"
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line without its trace; a message of several lines becomes one."""
        line = " | ".join(super().formatMessage(record).splitlines())
        request = REQUEST.get()
        return f"{line} [{request}]" if request else line


class Beside(logging.Handler):
    """Writes lines from a thread of its own, many at once.

    Who reads standard error may be slow or stand still; with a line a request that would hold up
    every request. Here the oldest of 10,000 waiting lines go instead, and how many is told.

    Parameters
    ----------
    stream
        Where lines go; standard error unless given.
    """

    def __init__(self, stream: Any = None) -> None:
        super().__init__()
        self._stream = sys.stderr if stream is None else stream
        self._lines: deque[str] = deque(maxlen=MAX_WAITING)
        self._come = threading.Event()
        self._ending = False
        self.lost = 0
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line; the first one starts the thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="access log", daemon=True)
            self._thread.start()
            atexit.register(self.close)
        if len(self._lines) == MAX_WAITING:
            self.lost += 1
        self._lines.append(self.format(record))
        self._come.set()

    def _write(self) -> None:
        while not (self._ending and not self._lines):
            self._come.wait()
            self._come.clear()
            while self._lines:
                batch = [self._lines.popleft() for _ in range(len(self._lines))]
                if lost := self.lost:
                    self.lost -= lost
                    batch.append(f'{{"level": "WARNING", "message": "{lost} lines are lost"}}')
                try:
                    self._stream.write("\n".join(batch) + "\n")
                    self._stream.flush()
                except (OSError, ValueError):
                    # nobody reads any more
                    return

    def close(self) -> None:
        """Write what waits, for a second at most, and end."""
        self._ending = True
        self._come.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)
        super().close()
