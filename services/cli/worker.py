"""`keyart worker` and `keyart housekeeping`: what runs past one machine beside the api."""

from typing import Annotated

import typer

from keyart.services.cli.words import counted

app = typer.Typer()


@app.command()
def worker() -> None:
    """Run a share of the steps on Kafka, until SIGTERM; start one process a core."""
    from keyart.services.processes.start import started
    from keyart.services.processes.worker import run_worker
    from keyart.services.wiring.roles import Role

    run_worker(started(Role.WORKER))


@app.command()
def housekeeping(
    once: Annotated[bool, typer.Option("--once", help="one round, then end")] = False,
    alive: Annotated[
        bool, typer.Option("--alive", help="only say, by exit status, whether one is at work")
    ] = False,
) -> None:
    """Archive rewards by day, take erased viewers out, and let the prior see new titles.

    Run one beside the workers, where the data directory is a disk that stays: its archive is the
    training log of `keyart prior fit` and `keyart llm prepare`. `keyart serve` does this by itself.
    """
    import signal
    import threading

    from keyart.services.processes.housekeeping import is_alive, keep_house, keep_house_until
    from keyart.services.processes.start import started
    from keyart.services.wiring.bootstrap import Parts
    from keyart.services.wiring.roles import Role
    from keyart.services.wiring.settings import read_settings

    if alive:
        raise typer.Exit(0 if is_alive(Parts(read_settings().settings)) else 1)
    parts = started(Role.HOUSEKEEPING)
    if once:
        typer.echo(f"{counted(keep_house(parts), 'record')} archived in {parts.archive_dir}")
        return
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    keep_house_until(stopping, parts)
