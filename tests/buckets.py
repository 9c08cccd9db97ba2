"""Servers that speak S3, on loopback: moto in this process, and SeaweedFS, which is a real one."""

import logging
import os
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keyart.streams.registry.s3 import Place, client_of
from tests.containers.servers import free_port

REGION, BUCKET = "us-east-1", "keyart"
ACCESS, SECRET = "keyart-tests", "only-for-tests-on-loopback"
READY_S = 60.0
PARTS = tuple(
    f"{part}.port{more}" for part in ("master", "volume", "filer", "s3") for more in ("", ".grpc")
)
QUIET = (
    *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-s3.port.iceberg=0", "-s3.port.lance=0"),
    *("-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=16"),
)


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
def seaweedfs(folder: Path) -> Iterator[str]:
    """Yield the address of a store that keeps objects in a folder, as `compose.bucket.yaml` has."""
    binary = Path(sysconfig.get_path("scripts")) / "weed"
    ports = {name: free_port() for name in PARTS}
    listens = [f"-{name}={port}" for name, port in ports.items()]
    command = [*(str(binary), "-logtostderr", "server", f"-dir={folder}"), *QUIET, *listens]
    signed = {**os.environ, "AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, env=signed, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield f"http://127.0.0.1:{ports['s3.port']}"
        finally:
            server.kill()  # it would take leave of itself for twenty seconds
            server.wait()


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
