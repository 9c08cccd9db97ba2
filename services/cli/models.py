"""`keyart models`: which versions there are, which one serves, and who let it."""

import getpass
import logging
from typing import TYPE_CHECKING, Annotated

import typer

from keyart.schemas.errors import NotFound, UnknownName
from keyart.services.cli.figures import STANDARD_OUTPUT, Json, check_json, write_json
from keyart.services.cli.models_export import export
from keyart.services.cli.models_words import facts, line, moved, rolled, say_worths
from keyart.services.cli.site import site
from keyart.services.cli.words import counted

if TYPE_CHECKING:
    from keyart.schemas.registry import Move
    from keyart.services.wiring.settings import Settings
    from keyart.streams.registry.registry import Registry

log = logging.getLogger(__name__)
PRIORS, TABLES = "priors", "serendipity"
Of = Annotated[
    str,
    typer.Option(help=f"{PRIORS} (which picture), or {TABLES} (tables of proposals)"),
]
app = typer.Typer(
    no_args_is_help=True, help="Versions of models: which there are, which one serves, and why."
)
app.command("export")(export)
Why = Annotated[str, typer.Option(help="why: kept with the move")]
By = Annotated[str, typer.Option(help="who; default: the user of this process")]


@app.command("list")
def show_all(of: Of = PRIORS, json: Json = None) -> None:
    """List the versions, the newest first, with the aliases that stand on them."""
    from keyart.services.jobs.rollout import rollout_in
    from keyart.services.wiring.stores import opinions_of, register_of

    check_json(json)
    quiet = json == STANDARD_OUTPUT
    with site() as its:
        registry = _registry(its.settings, of)
        held = registry.aliases()
        serves = opinions_of(*its).current if of == PRIORS else held.champion or "neutral"
        versions = registry.versions()
        for each in versions:
            aliases = [alias for alias, name in held.named().items() if name == each.name]
            typer.echo(line(each, aliases, serves), err=quiet)
        if not versions:
            makes = "prior fit" if of == PRIORS else "serendipity build"
            typer.echo(f"no versions yet: `keyart {makes}` makes one", err=quiet)
        if serves == "neutral":
            typer.echo(f"no {of.removesuffix('s')} serves (neutral)", err=quiet)
        out = rollout_in(register_of(*its)) if of == PRIORS else None
        if out is not None:
            typer.echo(rolled(out), err=quiet)
        write_json(
            json,
            {"versions": versions, "aliases": held.named(), "serves": serves, "rollout": out},
        )


@app.command()
def show(
    version: Annotated[str, typer.Argument(help="a version or an alias")],
    of: Of = PRIORS,
    json: Json = None,
) -> None:
    """Show one version: what it was made of, its figures, and every move of aliases to it."""
    check_json(json)
    quiet = json == STANDARD_OUTPUT
    with site() as its:
        registry = _registry(its.settings, of)
        found = registry.version(version)
        moves = [each for each in registry.moves() if each.to == found.name]
        for name, value in facts(found).items():
            typer.echo(f"{name:10} {value}", err=quiet)
        say_worths(found, quiet)
        for move in moves:
            typer.echo(moved(move), err=quiet)
        write_json(json, {"version": found, "moves": moves})


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="a version or an alias")] = "candidate",
    second: Annotated[str, typer.Argument(help="what it is compared with")] = "champion",
    of: Of = PRIORS,
    json: Json = None,
) -> None:
    """Compare two versions: what they were made of and what their making reported."""
    check_json(json)
    quiet = json == STANDARD_OUTPUT
    with site() as its:
        registry = _registry(its.settings, of)
        pair = registry.version(first), registry.version(second)
        sides = [facts(each) for each in pair]
        for name in dict.fromkeys([*sides[0], *sides[1]]):
            values = [str(side.get(name, "-")) for side in sides]
            mark = " " if values[0] == values[1] else "*"
            typer.echo(f"{mark} {name:10} {values[0]:32} {values[1]}", err=quiet)
        for each in pair:
            say_worths(each, quiet)
        write_json(json, {"first": pair[0], "second": pair[1]})


@app.command()
def promote(
    version: Annotated[str, typer.Argument(help="a version, `candidate`, or `neutral` for none")],
    why: Why = "",
    by: By = "",
    of: Of = PRIORS,
    json: Json = None,
) -> None:
    """Let a version serve: every api process changes over without a restart."""
    from keyart.services.wiring.models import tables_of
    from keyart.services.wiring.priors import deployment_of

    check_json(json)
    with site() as its:
        if _checked(of) == TABLES:
            tables = tables_of(its.settings)
            move = tables.promote(version, by=by or getpass.getuser(), why=why)
            _moved_to(move, json)
            return
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
def rollback(why: Why = "", by: By = "", of: Of = PRIORS, json: Json = None) -> None:
    """Let what served before serve again."""
    from keyart.services.wiring.models import tables_of
    from keyart.services.wiring.priors import deployment_of

    check_json(json)
    with site() as its:
        who = by or getpass.getuser()
        if _checked(of) == TABLES:
            _moved_to(tables_of(its.settings).rollback(by=who, why=why), json)
            return
        move = deployment_of(*its).rollback(by=who, why=why)
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
        typer.echo(rolled(out), err=json == STANDARD_OUTPUT)
        write_json(json, out)


@app.command("judge")
def judge(json: Json = None) -> None:
    """Judge the prior's calibration and policies that do not serve, and show it on the page.

    From the newest rewards of the log; housekeeping does it by itself now and then.
    """
    from keyart.schemas.extras import need_polars
    from keyart.services.jobs import judging
    from keyart.services.wiring.clock import now_ms
    from keyart.services.wiring.experiment import others_of
    from keyart.services.wiring.logs import archiver_of
    from keyart.services.wiring.places import archive_dir
    from keyart.services.wiring.priors import bounds_of
    from keyart.services.wiring.stores import register_of

    need_polars("judging policies")
    check_json(json)
    with site() as its:
        archiver_of(*its).run()
        try:
            found = judging.judge(
                archive_dir(its.settings),
                register_of(*its),
                others=others_of(its.settings),
                bounds=bounds_of(its.settings),
                clock=now_ms,
            )
        except NotFound as nothing:  # yet: housekeeping asks again
            typer.echo(str(nothing), err=json == STANDARD_OUTPUT)
            write_json(json, {"rewards": 0, "waiting": str(nothing)})
            return
        quiet = json == STANDARD_OUTPUT
        if found.gain is not None:
            typer.echo(
                f"the prior: {found.gain:+.2f} nats for 1,000 rewards "
                f"({found.low:+.2f} to {found.high:+.2f})",
                err=quiet,
            )
        for each in found.policies:
            typer.echo(
                f"{each.policy}: {100 * each.value:.2f} % taken "
                f"({100 * each.low:.2f} to {100 * each.high:.2f})",
                err=quiet,
            )
        typer.echo(found.waiting or f"of {counted(found.rewards, 'reward')}", err=quiet)
        write_json(json, found)


@app.command(hidden=True)
def look() -> None:
    """Look how the version that is let out does, and do what follows."""
    from keyart.models.ope.canary import Act
    from keyart.services.wiring.priors import canaries_of, deployment_of

    with site() as its:
        found = canaries_of(*its, deployment_of(*its)).look()
        if found is not None and found.act is not Act.STAY:
            log.warning("%s: %s: %s", found.rollout.version, found.act.value, found.says)
        typer.echo(f"{found.act.value}: {found.says}" if found else "nothing is out")


@app.command(hidden=True)
def follow() -> None:
    """Let serve what the registry says."""
    from keyart.services.wiring.priors import deployment_of

    with site() as its:
        typer.echo(deployment_of(*its).follow() or "nothing to do")


def _checked(of: str) -> str:
    if of not in (PRIORS, TABLES):
        raise UnknownName(f"--of must be {PRIORS} or {TABLES}, is {of!r}")
    return of


def _registry(settings: "Settings", of: str) -> "Registry":
    from keyart.services.wiring.models import registry_of, tables_of

    return tables_of(settings).registry if _checked(of) == TABLES else registry_of(settings)


def _moved_to(move: "Move", json: Json) -> None:
    held = move.aliases
    typer.echo(
        f"{held.champion} serves" + (f"; before: {held.previous}" if held.previous else ""),
        err=json == STANDARD_OUTPUT,
    )
    write_json(json, {"aliases": held.named(), "move": move})
