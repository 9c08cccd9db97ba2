"""`keyart demo`: real titles, a simulated audience, and keyart beside uniform and best fixed."""

import signal
from typing import Annotated

import typer

from keyart.services.cli.figures import STANDARD_OUTPUT, Json, check_json

app = typer.Typer()


@app.command("demo")
def demo(
    seconds: Annotated[float, typer.Option(min=1, max=86_400, help="how long to play")] = 50.0,
    decisions: Annotated[
        int | None, typer.Option(min=1, help="play this many decisions instead of by time")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="of audience, visits and luck")] = 1,
    url: Annotated[str, typer.Option(help="a running keyart; empty starts one for the demo")] = "",
    key: Annotated[str, typer.Option(help="bearer key of that keyart")] = "",
    prior: Annotated[str, typer.Option(help="start from it: llm, ridge, or one of your own")] = "",
    stay: Annotated[bool, typer.Option(help="keep the page and slow traffic until Ctrl-C")] = False,
    loop: Annotated[
        bool, typer.Option(help="tell the loop afterwards: drift, retraining, gate, canary")
    ] = True,
    proposals: Annotated[
        bool, typer.Option(help="compare proposals of unexplored interests afterwards")
    ] = True,
    json: Json = None,
) -> None:
    """Play real titles to a simulated audience for a minute, then close the loop; show both."""
    from rich.console import Console

    from keyart.services.demo.run import Plan, run_demo

    check_json(json)
    plan = Plan(
        seconds=seconds,
        decisions=decisions,
        seed=seed,
        url=url,
        key=key,
        prior=prior,
        stay=stay,
        loop=loop,
        proposals=proposals,
        json=json,
    )
    # Ended from outside, the demo still stops the server that it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    run_demo(plan, Console(stderr=json == STANDARD_OUTPUT))
