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

    from keyart.services.jobs.alive import is_alive
    from keyart.services.wiring.places import archive_dir, data_dir
    from keyart.services.wiring.settings import read_settings

    if alive:
        settings = read_settings().settings
        here = is_alive(data_dir(settings), every_s=settings.archive_s)
        raise typer.Exit(0 if here else 1)
    from keyart.services.processes.housekeeping import keep_house, keep_site_until
    from keyart.services.processes.start import started
    from keyart.services.wiring.roles import Role

    settings = started(Role.HOUSEKEEPING)
    if once:
        typer.echo(f"{counted(keep_house(settings), 'record')} archived in {archive_dir(settings)}")
        return
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    keep_site_until(stopping, settings)
