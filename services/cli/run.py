"""`keyart serve`, and the processes that it runs: `keyart steps` and `keyart api`."""

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def serve() -> None:
    """Run api, steps and page with the embedded server, until Ctrl-C."""
    from keyart.services.processes.serve import serve as run_family
    from keyart.services.processes.start import started
    from keyart.services.wiring.roles import Role

    run_family(started(Role.SERVE))


@app.command(hidden=True)
def steps() -> None:
    """Run the steps of the embedded default."""
    from keyart.services.processes.start import started
    from keyart.services.processes.steps import run_steps
    from keyart.services.wiring.roles import Role

    run_steps(started(Role.STEPS))


@app.command()
def api(
    shares_port: Annotated[bool, typer.Option("--shares-port", hidden=True)] = False,
) -> None:
    """Run the api and the page alone, on a log and a store that are there."""
    from keyart.services.processes.api import run_api
    from keyart.services.processes.start import started
    from keyart.services.wiring.roles import Role

    run_api(started(Role.API), shares_port=shares_port)
