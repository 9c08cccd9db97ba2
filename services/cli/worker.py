"""`keyart worker`: the steps past one machine."""

import typer

app = typer.Typer()


@app.command()
def worker() -> None:
    """Run a share of the steps on Kafka, until SIGTERM; start one process a core."""
    from keyart.services.bootstrap import Parts
    from keyart.services.settings import read_settings
    from keyart.services.telemetry import set_up_logging
    from keyart.services.worker import run_worker

    settings = read_settings().settings
    set_up_logging(settings)
    run_worker(Parts(settings))
