"""Runs the api: one event loop a process, all processes on one port.

SIGTERM or SIGINT lets every process answer what is under way and log what it decided.
"""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time

import uvloop
from litestar import Litestar

from keyart.schemas.errors import (
    KeyartError,
    ModelRejected,
    SettingsError,
    StoreAway,
    UnknownName,
)
from keyart.services.api.connections import Bounds
from keyart.services.api.door import for_monitoring
from keyart.services.api.listening import free_port
from keyart.services.api.server import Server, make_server, serve
from keyart.services.processes.family import Member
from keyart.services.wiring.api import app_of
from keyart.services.wiring.memory import collect_seldom
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.store_checks import check_store
from keyart.services.wiring.stores import connected
from keyart.services.wiring.telemetry import SHARED_METRICS
from keyart.services.wiring.titles import current_titles
from keyart.services.wiring.viewer_key import keys_of_site

log = logging.getLogger(__name__)
STOP_S = 9.0


def run_api(settings: Settings, *, shares_port: bool = False) -> None:
    """Serve until SIGTERM or SIGINT.

    All that may be wrong with the settings is found before anything listens. A store that is away
    is no fault: there is nothing to decide by until it has been read once.

    Parameters
    ----------
    settings
        Of this process.
    shares_port
        This is one of several processes that another one started on this port.

    Raises
    ------
    SettingsError
        One cannot be used, or the port is taken.
    KeyartError
        One of several processes ended by itself; the others were stopped.
    """
    keys_of_site(settings)  # read, or made, before anybody is answered
    if shares_port:
        _run(settings, settings.api_port)
        return
    # processes share the port, so a stranger's process would go unnoticed without asking first
    port = free_port(settings.api_host, settings.api_port)
    try:
        with connected(settings) as client:
            check_store(settings, client)
    except StoreAway as away:
        log.warning("the store could not be asked whether the settings fit it: %s", away)
    if settings.api_workers == 1:
        _run(settings, port)
    else:
        _run_several(settings.api_workers, port)


def _run(settings: Settings, port: int) -> None:
    """Serve from this process.

    Raises
    ------
    SettingsError
        The embedding space cannot be loaded.
    """
    with connected(settings) as client:
        titles = current_titles(settings, client)
        try:
            titles.space  # noqa: B018 - loaded before anything listens
        except (ModelRejected, UnknownName) as wrong:
            raise SettingsError(f"KEYART_SPACE: {wrong}") from None
        uvloop.run(_serve(settings, app_of(settings, client, titles=titles), port))


async def _serve(settings: Settings, app: Litestar, port: int) -> None:
    collect_seldom()
    # threads that refresh must yield quickly
    sys.setswitchinterval(0.001)
    bounds = Bounds(
        connections=settings.api_connections, per_address=settings.api_connections_per_address
    )
    server = make_server(app, bounds, ended=app.state.ended)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    log.info("listening on http://%s:%s", settings.api_host, port)
    monitoring = asyncio.create_task(_monitored(server, app, settings))
    try:
        await serve(server, settings.api_host, port)
    finally:
        monitoring.cancel()
        await asyncio.wait([monitoring])


async def _monitored(api: Server, app: Litestar, settings: Settings) -> None:
    """Answer figures and readiness on the port for monitoring, once the api is there."""
    if not settings.metrics_port:
        return
    await api.listening.wait()
    server = make_server(for_monitoring(app), lifespan=False)
    try:
        await serve(server, settings.api_host, settings.metrics_port)
    except OSError as taken:
        log.error("KEYART_METRICS_PORT %s: %s", settings.metrics_port, taken.strerror)
    except asyncio.CancelledError:
        await server.shutdown()
        raise


def _run_several(count: int, port: int) -> None:
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with tempfile.TemporaryDirectory(prefix="keyart-metrics-") as metrics:
        environ = {**os.environ, "KEYART_API_PORT": str(port), SHARED_METRICS: metrics}
        members = [Member(("api", "--shares-port"), environ=environ) for _ in range(count)]
        processes = [member.process for member in members]
        try:
            while not stopping and all(process.poll() is None for process in processes):
                time.sleep(0.2)
        finally:
            _stop(processes)
    if stopping:
        return
    for words in (member.last_words() for member in members):
        if words.says:
            raise (SettingsError if words.final else KeyartError)(words.says)
    raise KeyartError("a process of the api ended by itself; its log is above")


def _stop(processes: "list[subprocess.Popen[bytes]]") -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + STOP_S
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
