"""`keyart replay`: rebuild the state from the log, or check that it is what the log says."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from keyart.services.cli.figures import STANDARD_OUTPUT, Json, check_json, write_json

if TYPE_CHECKING:
    from keyart.streams.compare import Check

app = typer.Typer()
DIFFERENT, NOT_WHOLE = 1, 3


@app.command("replay")
def run(
    check: Annotated[
        bool, typer.Option("--check", help="change nothing; compare the state with the log")
    ] = False,
    json: Json = None,
) -> None:
    """Rebuild every taste and posterior from archive and log, or compare them with --check.

    --check ends with status 0 when all is equal, 1 when something differs, and 3 when nothing
    differs but something could not be compared.
    """
    from rich.console import Console

    from keyart.schemas.errors import NotFound
    from keyart.services.wiring.places import data_dir, is_there
    from keyart.services.wiring.rebuilding import rebuilding_of
    from keyart.services.wiring.settings import read_settings
    from keyart.services.wiring.stores import running

    check_json(json)
    console, settings = Console(stderr=True), read_settings().settings
    if not settings.redis_url and not is_there(settings):
        raise NotFound(f"there is no keyart in {data_dir(settings).resolve()}")
    with running(settings) as client:
        if not check:
            with console.status("reading the log"):
                records, rewards = rebuilding_of(settings, client).rebuild()
            typer.echo(
                f"rebuilt from {records} events and decisions, {rewards} rewards",
                err=json == STANDARD_OUTPUT,
            )
            write_json(json, {"records": records, "rewards": rewards})
            return
        with console.status("reading the log"):
            found = rebuilding_of(settings, client).check()
        for line in told(found):
            typer.echo(line, err=json == STANDARD_OUTPUT)
        write_json(json, figures(found))
        raise typer.Exit(status(found))


def figures(found: "Check") -> dict[str, Any]:
    """Return what a check found as `--json` has it."""
    kinds = {
        kind: {
            "equal": tally.equal,
            "differ": tally.differ,
            "state_alone": tally.state_alone,
            "log_alone": tally.log_alone,
        }
        for kind, tally in found.tallies.items()
    }
    return {
        "equal": found.equal,
        "whole": found.whole,
        "tastes": found.tastes,
        "titles": found.titles,
        "rewards": found.rewards,
        "kinds": kinds,
        "differences": list(found.differences),
        "not_compared": list(found.not_compared),
        "notes": list(found.notes),
    }


def status(found: "Check") -> int:
    """Return the exit status that a check ends with."""
    if not found.equal:
        return DIFFERENT
    return 0 if found.whole else NOT_WHOLE


def told(found: "Check") -> list[str]:
    """Return what a check found, in lines; the last one is the verdict."""
    lines = [f"{found.tastes} tastes, {found.titles} posteriors, {found.rewards} rewards compared"]
    for kind, tally in found.tallies.items():
        counts = f"{kind}: {tally.equal} equal"
        if not tally.whole:
            counts += (
                f", {tally.differ} differ, {tally.state_alone} in the state alone, "
                f"{tally.log_alone} in the log alone"
            )
        lines.append(counts)
    lines += [f"  {difference}" for difference in found.differences]
    if found.more:
        lines.append(f"  and {found.more} more")
    lines += [f"not compared: {left}" for left in found.not_compared]
    lines += [f"note: {note}" for note in found.notes]
    lines.append("note: open windows and the page's figures are not part of it")
    if not found.equal:
        return [*lines, "different"]
    return [*lines, "equal" if found.whole else "equal, as far as it could be compared"]
