"""A load generator for one HTTP address on loopback, as a process of its own.

`python http_load.py PLAN.json` prints a JSON object. The plan has `port`, `path`, `bodies` (JSON
texts), `connections`, `seconds` and `rate`. Rate 0 keeps every connection busy and finds the most
that is answered. Another rate sends at that many requests a second, at random moments as viewers
come, and counts the time from the moment at which a request was due: a server that stalls does not
make fewer requests.
"""

import asyncio
import itertools
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

MOST_SECONDS = 60
MOST_CONNECTIONS = 256


class Connection(asyncio.Protocol):
    """One kept-alive connection with one request under way."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._held = b""
        self._due = 0.0
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def send(self, request: bytes, due: float) -> None:
        self._due = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        held = self._held = self._held + data
        end = held.find(b"\r\n\r\n")
        if end < 0:
            return
        start = held.lower().index(b"content-length:", 0, end) + 15
        length = int(held[start : held.index(b"\r\n", start)])
        if len(held) < end + 4 + length:
            return
        self._held = b""
        self._load.answered(self, int(held[9:12]), time.perf_counter() - self._due)

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost += 1


class Load:
    """Sends requests and keeps the times of the answers, in seconds."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.times: list[float] = []
        self.wrong = self.lost = 0
        self._closed = not plan["rate"]
        self._rate = plan["rate"]
        self._seconds = min(plan["seconds"], MOST_SECONDS)
        self._count = min(plan["connections"], MOST_CONNECTIONS)
        self._port = plan["port"]
        requests = [_request(plan["path"], body.encode()) for body in plan["bodies"]]
        self._requests = itertools.cycle(requests)
        self._free: list[Connection] = []
        self._due: list[float] = []
        self._over = False

    async def run(self) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        made = [
            (await loop.create_connection(lambda: Connection(self), "127.0.0.1", self._port))[1]
            for _ in range(self._count)
        ]
        self._free = list(made)
        started = time.perf_counter()
        if self._closed:
            for connection in made:
                connection.send(next(self._requests), time.perf_counter())
            await asyncio.sleep(self._seconds)
        else:
            await self._pace(started)
        took = time.perf_counter() - started
        self._over = True
        await asyncio.sleep(0.2)
        for connection in made:
            connection.transport.abort()
        return {"seconds": took, "times": self.times, "wrong": self.wrong, "unsent": len(self._due)}

    async def _pace(self, started: float) -> None:
        rng, due = random.Random(1), started
        while due < started + self._seconds:
            due += rng.expovariate(self._rate)
            if (wait := due - time.perf_counter()) > 0.0005:
                await asyncio.sleep(wait)
            if self._free:
                self._free.pop().send(next(self._requests), due)
            else:
                self._due.append(due)

    def answered(self, connection: Connection, status: int, took: float) -> None:
        if self._over:
            return
        self.times.append(took)
        self.wrong += status != 200
        if self._closed:
            connection.send(next(self._requests), time.perf_counter())
        elif self._due:
            connection.send(next(self._requests), self._due.pop(0))
        else:
            self._free.append(connection)


def _request(path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


if __name__ == "__main__":
    print(json.dumps(uvloop.run(Load(json.loads(Path(sys.argv[1]).read_text())).run())))
