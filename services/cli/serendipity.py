"""`keyart serendipity`: make the table of what to propose after any two interests, and read it."""

import getpass
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from keyart.services.cli.bounds import check_seed, within
from keyart.services.cli.figures import STANDARD_OUTPUT, Json, check_json, write_json
from keyart.services.cli.grounds import grounds_said
from keyart.services.cli.site import site
from keyart.services.cli.words import counted

if TYPE_CHECKING:
    from keyart.models.serendipity.world import World
    from keyart.services.jobs.serendipity.candidates import Made
    from keyart.services.jobs.serendipity.tables import Tables

app = typer.Typer(no_args_is_help=True, help="What to propose that a viewer has not looked for.")
PLANNERS = ("blend", "ridge", "co-occurrence", "markov", "popular", "likeness")
FROM_PEOPLE = ("blend", "ridge", "co-occurrence", "markov", "popular")
DAY_MS: Final = 86_400_000
Promote = Annotated[bool, typer.Option("--promote", help="let it serve if the gate passes it")]
Why = Annotated[str, typer.Option(help="why: kept with the version")]
Folder = Annotated[Path, typer.Argument(help="folder of the table")]


@app.command()
def build(
    train: Annotated[
        Path, typer.Option(help="folder of viewers to learn from, as for evaluate serendipity")
    ],
    table: Annotated[
        Path | None,
        typer.Argument(
            help="folder to write and nothing else; without it the table becomes the candidate of "
            "this site's registry, judged against the one that serves"
        ),
    ] = None,
    planner: Annotated[str, typer.Option(help=f"one of {', '.join(PLANNERS)}")] = "blend",
    clusters: Annotated[int, typer.Option(help="interest clusters to make")] = 200,
    positive: Annotated[
        float | None,
        typer.Option(help="least value of a positive engagement [default: any above 0]"),
    ] = None,
    seed: Annotated[int, typer.Option(help="of everything random")] = 0,
    promote: Promote = False,
    why: Why = "",
    json: Json = None,
) -> None:
    """Cluster the titles, fit a planner, and write its proposals after every pair of clusters.

    For the registry every eighth viewer is held back, and the gate judges on them. In a folder of
    its own a run that was stopped goes on where it was. Which planner serves best on your viewers
    says `keyart evaluate serendipity`.
    """
    from keyart.models.serendipity.reading.folders import read_folders
    from keyart.schemas.errors import SettingsError, UnknownName
    from keyart.services.jobs.progress import progress
    from keyart.services.jobs.serendipity.candidates import Recipe, make_candidate
    from keyart.services.wiring.clock import now_ms
    from keyart.services.wiring.models import tables_of
    from keyart.services.wiring.settings import read_settings

    check_json(json)
    check_seed(seed)
    within("--clusters", clusters, 3, 2000)
    if planner not in PLANNERS:
        raise UnknownName(f"--planner must be one of {', '.join(PLANNERS)}, is {planner!r}")
    if table is not None and (promote or json):
        raise SettingsError("--promote and --json are of the registry: leave the folder out")
    if table is None and planner == "likeness":
        raise SettingsError("--planner likeness learns from nobody: name a folder for its table")
    with progress(transient=True) as tell:
        tell("reading", 0, 0)
        world, teaching, _ = read_folders(train, positive=positive)
        if table is not None:
            said = _to_folder(table, world, sorted(teaching), planner, clusters, seed, tell)
            typer.echo(said)
            return
        tables = tables_of(read_settings().settings)
        recipe = Recipe(planner=planner, clusters=clusters, seed=seed, by=_who(), note=why)
        made = make_candidate(tables, world, recipe, clock=now_ms, told=tell)
    _kept(tables, made, promote=promote, why=why, json=json)


@app.command()
def refresh(
    when_due: Annotated[
        bool, typer.Option("--when-due", help="only if KEYART_SERENDIPITY_REFRESH_HOURS asks")
    ] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="of new clusters, not of those that serve")
    ] = False,
    days: Annotated[
        float, typer.Option(min=0, help="learn from the last days only; 0: from all that is kept")
    ] = 0.0,
    planner: Annotated[str, typer.Option(help=f"one of {', '.join(FROM_PEOPLE)}")] = "blend",
    clusters: Annotated[int, typer.Option(help="interest clusters, where they are new")] = 200,
    seed: Annotated[int, typer.Option(help="of everything random")] = 0,
    promote: Promote = False,
    why: Why = "what the site's viewers did",
    json: Json = None,
) -> None:
    """Make the table again from what this site's own viewers did, and keep it as candidate.

    Clusters stay those of the table that serves, so that what viewers declined stays declined;
    without one they are made of the catalogue. `--when-due` promotes what passes the gate.
    """
    from keyart.schemas.errors import UnknownName
    from keyart.services.jobs.progress import progress
    from keyart.services.jobs.serendipity.candidates import Recipe, make_candidate
    from keyart.services.jobs.serendipity.due import refresh_is_due
    from keyart.services.wiring.clock import now_ms
    from keyart.services.wiring.models import tables_of
    from keyart.services.wiring.stores import lease_of
    from keyart.services.wiring.tables import site_world

    check_json(json)
    check_seed(seed)
    within("--clusters", clusters, 3, 2000)
    if planner not in FROM_PEOPLE:
        raise UnknownName(f"--planner must be one of {', '.join(FROM_PEOPLE)}, is {planner!r}")
    with site() as its, progress(transient=True) as tell:
        tables = tables_of(its.settings)
        if when_due and not refresh_is_due(
            tables, hours=its.settings.serendipity_refresh_hours, now_ms=now_ms()
        ):
            typer.echo("nothing asks for it", err=json == STANDARD_OUTPUT)
            write_json(json, {"outcome": "not due"})
            return
        recipe = Recipe(
            planner=planner,
            clusters=clusters,
            seed=seed,
            anew=anew or tables.champion() is None,
            by="refresh" if when_due else _who(),
            note=why,
        )
        with lease_of(*its, "serendipity", f"{_who()} {os.getpid()}") as lease:
            tell("reading", 0, 0)
            world = site_world(*its, since_ms=now_ms() - round(days * DAY_MS) if days else 0)
            made = make_candidate(tables, world, recipe, clock=now_ms, told=tell)
            lease.check()
            fence = lease.token
    _kept(tables, made, promote=promote or when_due, why=why, json=json, fence=fence)


@app.command()
def report(
    days: Annotated[float, typer.Option(min=0, help="of pages of the last days; 0: of all")] = 30.0,
    keep: Annotated[bool, typer.Option("--keep", help="show it on the page from now on")] = False,
    json: Json = None,
) -> None:
    """Say what came of the pages that this site served, by kind of place, from its log.

    UEUC are unique pairs of a viewer and an interest cluster that they engaged with, per 1,000
    places seen. Guardrails beside it: whether what was seen was as new as the dose meant it to be,
    and whether what was engaged with was finished or liked as what viewers find by themselves.
    Intervals are 95 % and count viewers. Housekeeping keeps it for the page by itself.
    """
    from keyart.services.cli.came import came_said
    from keyart.services.jobs.serendipity import came
    from keyart.services.wiring.clock import now_ms
    from keyart.services.wiring.logs import history_of
    from keyart.services.wiring.stores import register_of

    check_json(json)
    with site() as its:
        at_ms = now_ms()
        found = came.came_of(
            history_of(*its),
            its.settings.partitions,
            since_ms=at_ms - round(days * DAY_MS) if days else 0,
            at_ms=at_ms,
        )
        if keep:
            came.keep(register_of(*its), found)
    for line in came_said(found):
        typer.echo(line, err=json == STANDARD_OUTPUT)
    write_json(json, found)


def _to_folder(
    table: Path,
    world: "World",
    viewers: "list[int]",
    planner: str,
    clusters: int,
    seed: int,
    tell: "Callable[[str, int, int], None]",
) -> str:
    from keyart.models.serendipity.making import fit, make_table
    from keyart.models.serendipity.measure.evaluate import vocabulary_of
    from keyart.models.serendipity.vocabulary.vocabulary import report_on
    from keyart.services.jobs.serendipity.grounding import ground_by_all

    vocabulary, vectors, labels = vocabulary_of(world, viewers, clusters=clusters, seed=seed)
    tell("fitting", 0, 0)
    fitted = fit(world, vocabulary, vocabulary.centres, labels, viewers, planner=planner, seed=seed)
    made = make_table(table, world, fitted, told=lambda done, of: tell("pairs", done, of))
    tell("judging", 0, 0)
    grounds = ground_by_all(table, world, labels, vectors, viewers, seed=seed)
    size = report_on(labels, made.clusters)
    return (
        f"{table}: {counted(made.rows, 'pair')} of {made.clusters} clusters by {made.planner}; "
        f"vocabulary {made.vocabulary}, {size.smallest} to {size.largest} titles a cluster, "
        f"{100 * size.coverage:.0f} % of titles covered, entropy {size.entropy:.2f} bits; "
        f"{grounds_said(grounds)}"
    )


def _kept(
    tables: "Tables", made: "Made", *, promote: bool, why: str, json: Json, fence: int = 0
) -> None:
    """Say what became of a candidate; promote it if that is asked for and the gate lets it."""
    quiet, version, verdict = json == STANDARD_OUTPUT, made.version, made.verdict
    said = (
        f"{version.name}: candidate; hit@5 {made.hits.hit5:.3f} on "
        f"{counted(len(made.hits.hits), 'viewer')} held back"
    )
    if made.champion is not None:
        said += f" (the table that serves: {made.champion.hit5:.3f})"
    typer.echo(f"{said}, {100 * made.hits.coverage:.0f} % covered", err=quiet)
    typer.echo(grounds_said(made.grounds), err=quiet)
    for reason in verdict.against:
        typer.echo(f"the gate refuses it: {reason}", err=quiet)
    serves = tables.registry.aliases().champion
    if serves == version.name:
        typer.echo("it is the table that serves", err=quiet)
    elif promote and verdict.passed:
        tables.promote(version.name, by=version.made_by, why=why, fence=fence)
        serves = version.name
        typer.echo("it passed the gate, and serves", err=quiet)
    elif verdict.passed:
        typer.echo(
            "it passed the gate: `keyart models promote candidate --of serendipity` lets it serve",
            err=quiet,
        )
    write_json(
        json,
        {
            "version": version,
            "passed": verdict.passed,
            "against": list(verdict.against),
            "serves": serves,
        },
    )


def _who() -> str:
    return getpass.getuser()


@app.command()
def questions(
    dataset: Annotated[Path, typer.Argument(help="folder to write, for `keyart llm train`")],
    train: Annotated[
        Path, typer.Option(help="folder of viewers to learn from, as for evaluate serendipity")
    ],
    clusters: Annotated[int, typer.Option(help="interest clusters to make")] = 200,
    positive: Annotated[
        float | None,
        typer.Option(help="least value of a positive engagement [default: any above 0]"),
    ] = None,
    seed: Annotated[int, typer.Option(help="of everything random")] = 0,
) -> None:
    """Write what a language model learns planning from: which of 20 clusters a viewer came to next.

    Train it with `keyart llm train DATASET OUT --template plan.v1`, and judge it beside the other
    planners with `keyart evaluate serendipity --language OUT`.
    """
    from keyart.services.jobs.evaluation.questions import write_questions
    from keyart.services.jobs.progress import progress

    check_seed(seed)
    within("--clusters", clusters, 3, 2000)
    with progress(transient=True) as tell:
        tell("reading", 0, 0)
        made = write_questions(dataset, train, clusters=clusters, positive=positive, seed=seed)
    told = ", ".join(f"{split} {count:,}" for split, count in made.counts.items())
    typer.echo(f"{dataset}: {told}")


@app.command()
def show(
    table: Folder,
    first: Annotated[str, typer.Option(help="name of a cluster; with --second: what follows")] = "",
    second: Annotated[str, typer.Option(help="name of the cluster after it")] = "",
) -> None:
    """Read a table: its clusters by name, or what it proposes after two of them."""
    from keyart.models.serendipity.table import read_table
    from keyart.schemas.errors import NotFound, SettingsError

    held = read_table(table)
    names = held.words.names
    if not first and not second:
        typer.echo(f"vocabulary {held.manifest.vocabulary}, planner {held.manifest.planner}")
        for name, keywords in zip(names, held.words.keywords, strict=True):
            typer.echo(f"  {name}  ({', '.join(keywords)})")
        return
    if not (first and second) or first == second:
        raise SettingsError("--first and --second must name two clusters")
    for name in (first, second):
        if name not in names:
            raise NotFound(f"no cluster is called {name!r}; without options `show` lists them")
    typer.echo(f"after {first} and {second}:")
    for at in held.rows[names.index(first), names.index(second)].proposals:
        typer.echo(f"  {names[at]}")
