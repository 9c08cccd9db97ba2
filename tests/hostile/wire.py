"""Attacks below HTTP: trailers, slow heads and bodies, connections that say nothing, noise."""

import random
import resource
import socket
import time
from contextlib import ExitStack, suppress

from tests.hostile.honest import Honest
from tests.hostile.site import Site

DRIP_S = 0.5
ENDLESS_S = 30.0
"""What has no end is cut by its size, or two seconds after it was refused; machines may be busy."""
CHUNKED = b"transfer-encoding: chunked\r\ncontent-type: application/json\r\n\r\n"


def head(site: Site, asked: bytes = b"GET /health/live") -> bytes:
    """Return the start of a request."""
    return asked + b" HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n" % site.port


def opened(site: Site, stack: ExitStack) -> socket.socket | None:
    """Return a connection, or None when it is not taken."""
    try:
        made = socket.create_connection(("127.0.0.1", site.port), timeout=20)
    except OSError:
        return None
    return stack.enter_context(made)


def answered(site: Site, connection: socket.socket, what: str) -> None:
    """Note what came back until the other side closed, or said no more."""
    found = b""
    try:
        connection.settimeout(20)
        while len(found) < 1_000_000 and (more := connection.recv(65_536)):
            found += more
    except TimeoutError:
        site.tally.fault(f"{what}: kept without an answer")
    except OSError:
        pass
    status = int(found[9:12]) if found.startswith(b"HTTP/1.1 ") else 0
    # too much at once from one caller is told so, and closed
    site.tally.note(status, {"retry-after": "1"}, what, excused=True, due=False)


def poured(connection: socket.socket, start: bytes, piece: bytes, seconds: float = 0.0) -> bool:
    """Send a start, then a piece again and again; return whether it was taken to the end."""
    until = time.monotonic() + seconds
    try:
        connection.sendall(start)
        while time.monotonic() < until:
            connection.sendall(piece)
    except OSError:
        return False
    return True


def endless(site: Site, honest: Honest, rng: random.Random, size: float) -> None:
    """Send heads, trailers, extensions of chunks and bodies that have no end."""
    chunked = head(site, b"POST /v1/events") + CHUNKED
    kinds = {
        "a head": (head(site) + b"x: ", b"a" * 60_000),
        "many headers": (head(site), b"a: b\r\n" * 9000),
        "trailers": (head(site) + CHUNKED + b"0\r\n", b"x-a: b\r\n" * 6000),
        "one trailer": (chunked + b"0\r\nx: ", b"z" * 60_000),
        "an extension": (chunked + b"1;", b"a" * 60_000),
        "a body": (chunked, b"ea60\r\n" + b"a" * 60_000 + b"\r\n"),
    }
    for what, (start, piece) in kinds.items():
        with ExitStack() as stack:
            connection = opened(site, stack)
            if connection is None:
                site.tally.fault("a connection was not taken")
                continue
            if poured(connection, start, piece, ENDLESS_S):
                site.tally.fault(f"{what} without end was taken")
            answered(site, connection, what)


def slow(site: Site, honest: Honest, rng: random.Random, size: float) -> None:
    """Hold many connections by a byte now and then of their heads and bodies."""
    starts = (
        head(site) + b"x: ",
        head(site, b"POST /v1/events") + b"content-length: 1000000\r\n\r\n",
        head(site, b"POST /v1/events") + CHUNKED + b"5\r\n",
        b"GET /health",
    )
    with ExitStack() as stack:
        made = [opened(site, stack) for _ in range(round(120 * size))]
        held = [each for each in made if each is not None]
        for at, each in enumerate(held):
            poured(each, starts[at % len(starts)], b"")
        # a bound on time: heads and bodies have ten seconds
        for _ in range(round(40 * size)):
            time.sleep(DRIP_S)
            for each in held:
                poured(each, b"a", b"")
        if size >= 1:
            for each in held:
                answered(site, each, "a slow request")


def silent(site: Site, honest: Honest, rng: random.Random, size: float) -> None:
    """Open more connections than there may be, and say nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    try:
        with ExitStack() as stack:
            for _ in range(round(1100 * size)):
                opened(site, stack)
                site.tally.note(0, {}, "a silent connection", excused=True, due=False)
            for at in range(5):
                if not site.decides(f"among the silent {at} {rng.random()}"):
                    site.tally.fault("silent connections shut others out")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def noise(site: Site, honest: Honest, rng: random.Random, size: float) -> None:
    """Send what is no HTTP, or nearly none."""
    nearly = [
        head(site) + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        head(site) + b"content-length: -1\r\n\r\n",
        head(site) + b"content-length: 99999999999999999999999\r\n\r\n",
        head(site, b"POST /v1/events") + CHUNKED + b"fffffffffffffffff\r\n",
        head(site) + b" folded: x\r\n\r\n",
        b"GET http://evil.test/ HTTP/1.1\r\n\r\n",
        b"GET /health/live HTTP/9.9\r\n\r\n",
        b"GET /\xff\x00 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        head(site) + b"upgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        (head(site) + b"\r\n") * 300,
    ]
    nearly += [rng.randbytes(rng.randint(1, 2000)) for _ in range(round(60 * size))]
    for each in nearly:
        with ExitStack() as stack:
            if (connection := opened(site, stack)) is not None:
                poured(connection, each, b"")
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
                answered(site, connection, f"noise {each[:30]!r}")
