"""`keyart serve`, and the processes that it runs: `keyart steps` and `keyart api`."""

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def serve() -> None:
    """Run api, steps and page with the embedded server, until Ctrl-C."""
    from keyart.services.bootstrap import Parts
    from keyart.services.settings import read_settings
    from keyart.services.supervisor import serve as run_family
    from keyart.services.telemetry import set_up_logging

    settings = read_settings().settings
    set_up_logging(settings)
    run_family(Parts(settings))


@app.command(hidden=True)
def steps() -> None:
    """Run the steps of the embedded default."""
    from keyart.services.bootstrap import Parts
    from keyart.services.settings import read_settings
    from keyart.services.steps import run_steps
    from keyart.services.telemetry import set_up_logging

    settings = read_settings().settings
    set_up_logging(settings)
    run_steps(Parts(settings))


@app.command()
def api(
    shares_port: Annotated[bool, typer.Option("--shares-port", hidden=True)] = False,
) -> None:
    """Run the api and the page alone, on a log and a store that are there."""
    from keyart.services.api.run import run_api
    from keyart.services.settings import read_settings
    from keyart.services.telemetry import set_up_logging

    settings = read_settings().settings
    set_up_logging(settings)
    run_api(settings, shares_port=shares_port)
