"""`keyart serendipity`: make the table of what to propose after any two interests, and read it."""

from pathlib import Path
from typing import Annotated

import typer

from keyart.services.cli.bounds import check_seed, within
from keyart.services.cli.words import counted

app = typer.Typer(no_args_is_help=True, help="What to propose that a viewer has not looked for.")
PLANNERS = ("blend", "ridge", "co-occurrence", "markov", "popular", "likeness")
Folder = Annotated[Path, typer.Argument(help="folder of the table")]


@app.command()
def build(
    table: Folder,
    train: Annotated[
        Path, typer.Option(help="folder of viewers to learn from, as for evaluate serendipity")
    ],
    planner: Annotated[str, typer.Option(help=f"one of {', '.join(PLANNERS)}")] = "blend",
    clusters: Annotated[int, typer.Option(help="interest clusters to make")] = 200,
    positive: Annotated[
        float | None,
        typer.Option(help="least value of a positive engagement [default: any above 0]"),
    ] = None,
    seed: Annotated[int, typer.Option(help="of everything random")] = 0,
) -> None:
    """Cluster the titles, fit a planner, and write its proposals after every pair of clusters.

    A run that was stopped goes on where it was. Which planner serves best on your viewers says
    `keyart evaluate serendipity`.
    """
    from keyart.models.serendipity.cases import Ways
    from keyart.models.serendipity.making import Fitted, make_table
    from keyart.models.serendipity.measure.evaluate import vocabulary_of
    from keyart.models.serendipity.planners.fitted import fit_planners
    from keyart.models.serendipity.reading.folders import read_folders
    from keyart.models.serendipity.vocabulary.vocabulary import report_on
    from keyart.schemas.errors import UnknownName
    from keyart.services.jobs.progress import progress

    check_seed(seed)
    within("--clusters", clusters, 3, 2000)
    if planner not in PLANNERS:
        raise UnknownName(f"--planner must be one of {', '.join(PLANNERS)}, is {planner!r}")
    with progress(transient=True) as tell:
        tell("reading", 0, 0)
        world, teaching, _ = read_folders(train, positive=positive)
        viewers = sorted(teaching)
        vocabulary, _, labels = vocabulary_of(world, viewers, clusters=clusters, seed=seed)
        tell("fitting", 0, 0)
        planners, memory = fit_planners(world, labels, vocabulary.centres, viewers, seed=seed)
        fitted = Fitted(
            vocabulary=vocabulary,
            labels=labels,
            planner=next(each for each in planners if each.name == planner),
            memory=memory,
            ways=Ways(world, labels, seed=seed),
            teaching=viewers,
        )
        made = make_table(table, world, fitted, told=lambda done, of: tell("pairs", done, of))
    size = report_on(labels, made.clusters)
    typer.echo(
        f"{table}: {counted(made.rows, 'pair')} of {made.clusters} clusters by {made.planner}; "
        f"vocabulary {made.vocabulary}, {size.smallest} to {size.largest} titles a cluster, "
        f"{100 * size.coverage:.0f} % of titles covered, entropy {size.entropy:.2f} bits"
    )


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
