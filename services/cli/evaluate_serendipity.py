"""`keyart evaluate serendipity`: whether proposals are what viewers come to later."""

import time
from pathlib import Path
from typing import Annotated

import typer

from keyart.services.cli.bounds import check_seed, within
from keyart.services.cli.figures import STANDARD_OUTPUT, Json, check_json, write_json

UNTIMED = (
    "No engagement has a time: the order of each viewer's titles is drawn at random, "
    "and a stale table is not judged."
)


def serendipity(
    train: Annotated[
        Path,
        typer.Option(
            help="folder of viewers to learn from: events (viewer, title, time, value) and titles "
            "(title, name, terms, tags, genres, description) as tables; or the four lastfm_* files"
        ),
    ],
    test: Annotated[
        Path | None,
        typer.Option(
            help="folder of other viewers to judge on; without it each fifth of --train is judged "
            "by the rest"
        ),
    ] = None,
    clusters: Annotated[int, typer.Option(help="interest clusters to make")] = 200,
    positive: Annotated[
        float | None,
        typer.Option(help="least value of a positive engagement [default: any above 0]"),
    ] = None,
    language: Annotated[
        str,
        typer.Option(
            help="judge this language model as a planner too: smollm2, a folder of `keyart llm "
            "train` on `keyart serendipity questions`, or one of `keyart llm export`; with --test"
        ),
    ] = "",
    seed: Annotated[int, typer.Option(help="of everything random")] = 0,
    json: Json = None,
) -> None:
    """Judge plans and pages on viewers who were held back, split in time.

    A plan is judged by the clusters that a viewer enters only later; a page of ten titles by the
    titles. hit@5 is compared with co-occurrence over the whole history at equal self-information,
    with 95 % bootstrap intervals over viewers. Nothing is fitted or chosen on those judged.
    """
    from rich.console import Console

    from keyart.models.serendipity.measure.evaluate import evaluate, folds_of
    from keyart.models.serendipity.reading.folders import read_folders
    from keyart.schemas.errors import SettingsError
    from keyart.services.jobs.evaluation.serendipity import asked, figures, tables
    from keyart.services.jobs.progress import progress

    check_json(json)
    check_seed(seed)
    within("--clusters", clusters, 2, 2000)
    if language and test is None:
        raise SettingsError("--language needs --test: other viewers than the model was trained on")
    ask = asked(language) if language else None
    out = Console(quiet=json == STANDARD_OUTPUT, markup=False)
    err = Console(stderr=True)
    began = time.perf_counter()
    with progress(err, transient=True) as tell:
        tell("reading", 0, 0)
        brought = read_folders(train, test, positive=positive)
        folds = folds_of(sorted(brought.teaching), sorted(brought.judged), seed=seed)
        judged = evaluate(
            brought.world, folds, clusters=clusters, seed=seed, language=ask, told=tell
        )
    if not brought.world.timed:
        err.print(UNTIMED, highlight=False)
    for table in tables(judged, seed=seed):
        out.print(table)
    out.print(f"{time.perf_counter() - began:.0f} s", highlight=False)
    write_json(json, figures(judged, seed=seed))
