"""An api on a port of its own, over its embedded Valkey, in a thread of the test."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import uvloop

from keyart.services.api.server import make_server, serve
from keyart.services.wiring.settings import Settings
from tests.opened import Opened

STOP_S = 30


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def stored(folder: Path, **more: Any) -> Iterator[Opened]:
    """Run the store alone."""
    parts = Opened(Settings(data_dir=str(folder), viewer_key="0123456789abcdef", **more))
    parts.server.start()
    try:
        yield parts
    finally:
        parts.close()
        parts.server.stop()


@contextmanager
def answering(parts: Opened, port: int) -> Iterator[str]:
    """Run the api over a store, as a process of its own would; give its address."""
    server = make_server(Opened(parts.settings).app())
    thread = Thread(target=lambda: uvloop.run(serve(server, "127.0.0.1", port)), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()
        thread.join(STOP_S)
        assert not thread.is_alive()
