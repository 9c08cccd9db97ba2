"""A keyart of the demo's own: started as a user would, in a folder that goes away with it."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from keyart.schemas.errors import KeyartError
from keyart.services.client import Client
from keyart.services.demo.world import SAID_PLAINLY
from keyart.services.jobs.priors.taking import take_prior
from keyart.services.wiring.priors import deployment_of
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.stores import connected

COMMAND: Final = (sys.executable, "-c", "from keyart.services.cli.main import main; main()")
"""The command `keyart`, whether or not its script is on the path."""
READY_S: Final = 60.0
STOP_S: Final = 20.0

SETTINGS: Final = {
    "REWARD_WINDOW_S": "1",
    "LATENESS_S": "1",
    "SNAPSHOT_S": "0.25",
    "BUCKET_S": "1",
    "DWELL_S": "1",
    "VIEWER_HOURLY_REWARDS": "1000000",
    "LOG_LEVEL": "WARNING",
    "PAGE_NOTE": SAID_PLAINLY,
}
"""Days in seconds: a viewer comes back after seconds, so windows and dwell are seconds too."""


@contextmanager
def started_server(prior: Path | None = None) -> Iterator[str]:
    """Run `keyart serve` on a free port; give its address; stop it at the end.

    No `KEYART_*` variable of this process reaches it, so that the demo never writes to a store
    that is in use; to play against a server with settings of its own, give the demo its address.

    Parameters
    ----------
    prior
        Of `find_prior`: what the prior thinks, taken over once the server is there.

    Raises
    ------
    KeyartError
        It ended, or was not ready within a minute.
    """
    with (
        tempfile.TemporaryDirectory(prefix="keyart-demo-") as folder,
        serving(Path(folder), SETTINGS) as url,
    ):
        if prior is not None:
            own = Settings(data_dir=folder)
            with connected(own) as client:
                take_prior(deployment_of(own, client), prior)
        yield url


@contextmanager
def serving(folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """Run `keyart serve` on a data folder, on a free port; give its address; stop it at the end.

    Parameters
    ----------
    folder
        Of its data; its words go there, too.
    settings
        By name, without `KEYART_`; no variable of this process reaches it.

    Raises
    ------
    KeyartError
        It ended, or was not ready within a minute.
    """
    environ = {name: text for name, text in os.environ.items() if not name.startswith("KEYART_")}
    port = _free_port()
    settings = {**settings, "DATA_DIR": str(folder), "API_PORT": str(port)}
    environ.update({f"KEYART_{name}": value for name, value in settings.items()})
    said = folder / "serve.log"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [*COMMAND, "serve"],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the demo, which then stops the server itself.
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(process, url)
        yield url
    except KeyartError as wrong:
        if words := _tail(said):
            raise KeyartError(f"{wrong}\nkeyart serve said:\n{words}") from wrong
        raise
    finally:
        _stop(process)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(process: "subprocess.Popen[bytes]", url: str) -> None:
    client = Client(url)
    deadline = time.monotonic() + READY_S
    try:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise KeyartError(f"keyart serve ended with {process.returncode}")
            if client.ready():
                return
            time.sleep(0.1)
    finally:
        client.close()
    raise KeyartError(f"keyart serve was not ready within {READY_S:.0f} s")


def _tail(said: Path, characters: int = 4000) -> str:
    return said.read_text(errors="replace")[-characters:]


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
