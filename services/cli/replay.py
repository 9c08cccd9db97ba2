"""`keyart replay`: rebuild the state from the log, or check that it is what the log says."""

from typing import Annotated

import typer

app = typer.Typer()


@app.command("replay")
def run(
    check: Annotated[
        bool, typer.Option("--check", help="change nothing; compare the state with the log")
    ] = False,
) -> None:
    """Rebuild every taste and posterior from archive and log, or compare them with --check."""
    from rich.console import Console

    from keyart.services.bootstrap import Parts
    from keyart.services.rebuild import check_state, rebuild_state
    from keyart.services.settings import read_settings

    console, settings = Console(), read_settings().settings
    parts = Parts(settings)
    started = not settings.redis_url and parts.server.start()
    try:
        if not check:
            with console.status("reading the log"):
                records, rewards = rebuild_state(parts)
            console.print(f"rebuilt from {records} events and decisions, {rewards} rewards")
            return
        with console.status("reading the log"):
            found = check_state(parts)
        console.print(
            f"{found.tastes} tastes, {found.titles} posteriors, {found.rewards} rewards compared"
        )
        for difference in found.differences:
            console.print(f"  {difference}", style="red")
        console.print("equal" if found.equal else "different")
        raise typer.Exit(0 if found.equal else 1)
    finally:
        if started:
            parts.server.stop()
