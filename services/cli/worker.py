"""`keyart worker`: the steps past one machine."""

import typer

app = typer.Typer()


@app.command()
def worker() -> None:
    """Run a share of the steps on Kafka, until SIGTERM; start one process a core."""
    from keyart.services.bootstrap import Parts
    from keyart.services.settings import read_settings
    from keyart.services.worker import run_worker

    run_worker(Parts(read_settings().settings))
