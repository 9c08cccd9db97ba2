"""`keyart models`: which versions there are, which one serves, and who let it."""

import getpass
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keyart.services.cli.figures import STANDARD_OUTPUT, Json, check_json, write_json
from keyart.services.cli.site import site
from keyart.services.cli.words import counted

if TYPE_CHECKING:
    from keyart.schemas.registry import ModelVersion, Move
    from keyart.schemas.rollout import Rollout

app = typer.Typer(
    no_args_is_help=True, help="Versions of models: which there are, which one serves, and why."
)
Why = Annotated[str, typer.Option(help="why: kept with the move")]
By = Annotated[str, typer.Option(help="who; default: the user of this process")]


@app.command("list")
def show_all(json: Json = None) -> None:
    """List the versions, the newest first, with the aliases that stand on them."""
    from keyart.services.jobs.rollout import rollout_in
    from keyart.services.wiring.models import registry_of
    from keyart.services.wiring.stores import opinions_of, register_of

    check_json(json)
    quiet = json == STANDARD_OUTPUT
    with site() as its:
        registry = registry_of(its.settings)
        held, serves = registry.aliases(), opinions_of(*its).current
        versions = registry.versions()
        for each in versions:
            aliases = [alias for alias, name in held.named().items() if name == each.name]
            typer.echo(_line(each, aliases, serves), err=quiet)
        if not versions:
            typer.echo("no versions yet: `keyart prior fit` makes one", err=quiet)
        if serves == "neutral":
            typer.echo("no prior serves (neutral)", err=quiet)
        if (out := rollout_in(register_of(*its))) is not None:
            typer.echo(_rolled(out), err=quiet)
        write_json(
            json,
            {"versions": versions, "aliases": held.named(), "serves": serves, "rollout": out},
        )


@app.command()
def show(
    version: Annotated[str, typer.Argument(help="a version or an alias")], json: Json = None
) -> None:
    """Show one version: what it was made of, its figures, and every move of aliases to it."""
    from keyart.services.wiring.models import registry_of

    check_json(json)
    quiet = json == STANDARD_OUTPUT
    with site() as its:
        registry = registry_of(its.settings)
        found = registry.version(version)
        moves = [each for each in registry.moves() if each.to == found.name]
        for name, value in _facts(found).items():
            typer.echo(f"{name:10} {value}", err=quiet)
        for move in moves:
            typer.echo(_moved(move), err=quiet)
        write_json(json, {"version": found, "moves": moves})


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="a version or an alias")] = "candidate",
    second: Annotated[str, typer.Argument(help="what it is compared with")] = "champion",
    json: Json = None,
) -> None:
    """Compare two versions: what they were made of and what their making reported."""
    from keyart.services.wiring.models import registry_of

    check_json(json)
    quiet = json == STANDARD_OUTPUT
    with site() as its:
        registry = registry_of(its.settings)
        pair = registry.version(first), registry.version(second)
        sides = [_facts(each) for each in pair]
        for name in dict.fromkeys([*sides[0], *sides[1]]):
            values = [str(side.get(name, "-")) for side in sides]
            mark = " " if values[0] == values[1] else "*"
            typer.echo(f"{mark} {name:10} {values[0]:32} {values[1]}", err=quiet)
        write_json(json, {"first": pair[0], "second": pair[1]})


@app.command()
def promote(
    version: Annotated[str, typer.Argument(help="a version, `candidate`, or `neutral` for none")],
    why: Why = "",
    by: By = "",
    json: Json = None,
) -> None:
    """Let a version serve: every api process changes over without a restart."""
    from keyart.services.wiring.priors import deployment_of

    check_json(json)
    with site() as its:
        deployment = deployment_of(*its)
        scored = deployment.promote(version, by=by or getpass.getuser(), why=why)
        held = deployment.registry.aliases()
        typer.echo(
            f"{held.champion} serves; {counted(scored, 'title')} scored"
            + (f"; before: {held.previous}" if held.previous else ""),
            err=json == STANDARD_OUTPUT,
        )
        write_json(json, {"aliases": held.named(), "scored": scored})


@app.command()
def rollback(why: Why = "", by: By = "", json: Json = None) -> None:
    """Let what served before serve again."""
    from keyart.services.wiring.priors import deployment_of

    check_json(json)
    with site() as its:
        move = deployment_of(*its).rollback(by=by or getpass.getuser(), why=why)
        typer.echo(f"{move.aliases.champion} serves again", err=json == STANDARD_OUTPUT)
        write_json(json, {"aliases": move.aliases.named(), "move": move})


@app.command()
def canary(
    version: Annotated[str, typer.Argument(help="a version or an alias")] = "candidate",
    why: Why = "",
    by: By = "",
    json: Json = None,
) -> None:
    """Let a version out to a share of viewers that grows while it does well; else it goes back."""
    from keyart.services.wiring.priors import canaries_of, deployment_of

    check_json(json)
    with site() as its:
        out = canaries_of(*its, deployment_of(*its)).begin(
            version, by=by or getpass.getuser(), why=why
        )
        typer.echo(_rolled(out), err=json == STANDARD_OUTPUT)
        write_json(json, out)


@app.command(hidden=True)
def look() -> None:
    """Look how the version that is let out does, and do what follows."""
    from keyart.services.wiring.priors import canaries_of, deployment_of

    with site() as its:
        found = canaries_of(*its, deployment_of(*its)).look()
        typer.echo(f"{found.act.value}: {found.says}" if found else "nothing is out")


@app.command(hidden=True)
def follow() -> None:
    """Let serve what the registry says."""
    from keyart.services.wiring.priors import deployment_of

    with site() as its:
        typer.echo(deployment_of(*its).follow() or "nothing to do")


def _rolled(out: "Rollout") -> str:
    last = f"; {out.looks[-1].says}" if out.looks else ""
    if out.phase == "watch":
        return (
            f"watched: {out.version} serves {100 * out.share:.3g} % of viewers, the others keep "
            f"{out.against}{last}"
        )
    return (
        f"canary: {out.version} serves {100 * out.share:.3g} % of viewers beside "
        f"{out.against}{last}"
    )


def _line(version: "ModelVersion", aliases: list[str], serves: str) -> str:
    marks = [*aliases, *(["serves"] if version.name == serves else [])]
    said = f"{version.name}  {version.kind}  {_when(version.made_at_ms)}"
    if version.rows:
        said += f"  {counted(version.rows, 'reward')}"
    if "gain" in version.figures:
        said += f"  held out {version.figures['gain']:+.1f} nats"
    return said + (f"  ({', '.join(marks)})" if marks else "")


def _facts(version: "ModelVersion") -> dict[str, Any]:
    facts: dict[str, Any] = {
        "version": version.name,
        "kind": version.kind,
        "made": _when(version.made_at_ms),
        "by": version.made_by,
        "parent": version.parent,
        "rewards": f"{version.rows:,}" if version.rows else "",
        "from": _when(version.from_ms),
        "to": _when(version.to_ms),
        "space": version.space,
        "encoders": version.encoders,
        "template": version.template,
        "note": version.note,
    }
    facts |= {name: f"{value:g}" for name, value in version.figures.items()}
    facts |= {
        name: f"{mark.size:,} bytes, sha256 {mark.sha256[:16]}"
        for name, mark in version.files.items()
    }
    return {name: value for name, value in facts.items() if value}


def _moved(move: "Move") -> str:
    why = f": {move.why}" if move.why else ""
    return f"{_when(move.moved_at_ms)} {move.act} by {move.by or 'somebody'}{why}"


def _when(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at_ms / 1000)) if at_ms else ""
