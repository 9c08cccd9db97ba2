"""Servers that speak S3, on loopback: moto in this process, and versitygw where it is installed."""

import logging
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from keyart.streams.registry.s3 import Place, client_of
from tests.containers.servers import free_port

REGION, BUCKET = "us-east-1", "keyart"
ACCESS, SECRET = "keyart-tests", "only-for-tests-on-loopback"
READY_S = 30.0


@contextmanager
def moto() -> Iterator[str]:
    """Yield the address of moto's server."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextmanager
def versitygw(folder: Path) -> Iterator[str]:
    """Yield the address of a gateway that keeps objects in a folder; skip where there is none."""
    binary = shutil.which("versitygw")
    if binary is None:
        pytest.skip(
            "needs versitygw (go install github.com/versity/versitygw/cmd/versitygw@latest)"
        )
    port = free_port()
    (folder / "objects").mkdir()
    (folder / "sidecar").mkdir()
    command = [binary, "--port", f"127.0.0.1:{port}", "--access", ACCESS, "--secret", SECRET]
    command += ["--region", REGION, "posix", "--sidecar", str(folder / "sidecar")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, str(folder / "objects")], stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def opened(url: str) -> Any:
    """Return a client of a server with a bucket, once it answers."""
    client = client_of(Place(BUCKET, "", url, REGION))
    until = time.monotonic() + READY_S
    while True:
        try:
            client.create_bucket(Bucket=BUCKET)
        except Exception as wrong:  # not up yet: botocore's errors have no common parent but this
            if time.monotonic() > until:
                raise AssertionError(f"{url} does not answer: {wrong}") from None
            time.sleep(0.1)
        else:
            return client
