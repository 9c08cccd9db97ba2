"""`keyart catalogue`: load titles from a file, and a sample to begin with."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keyart.services.cli.figures import STANDARD_OUTPUT, Json, check_json, write_json
from keyart.services.cli.words import counted

if TYPE_CHECKING:
    from keyart.schemas.catalogue import Title
    from keyart.services.wiring.settings import Settings

app = typer.Typer(help="Titles and their artworks.", no_args_is_help=True)


@app.command("load")
def load(
    file: Annotated[
        Path, typer.Argument(help="titles as .jsonl, .csv, .tsv (each also .gz) or .parquet")
    ],
    url: Annotated[
        str, typer.Option(help="a running api to send them to; empty: straight to the store")
    ] = "",
    key: Annotated[str, typer.Option(help="bearer key of that api")] = "",
    start: Annotated[
        str, typer.Option(help="begin with this title: where an earlier load stopped")
    ] = "",
    json: Json = None,
) -> None:
    """Load titles: new ones join, known ones are brought up to date. All rows must be right.

    A load through an api that stops says how far it came, and goes on with --start; sending a title
    twice changes nothing.
    """
    from rich.console import Console
    from rich.progress import track

    from keyart.services.jobs.catalogue_file import read_titles
    from keyart.services.jobs.catalogue_load import send_all, starting_with

    check_json(json)
    console = Console(stderr=True)
    titles = starting_with(read_titles(file), start)
    artworks = sum(len(title.artworks) for title in titles)
    if url:
        from keyart.services.client import Client

        client = Client(url, key=key, timeout_s=30.0, attempts=1)
        try:
            send_all(
                titles,
                client.put_title,
                shown=lambda each: track(each, "loading", console=console, transient=True),
            )
        finally:
            client.close()
    else:
        from keyart.services.wiring.clock import now_ms
        from keyart.services.wiring.settings import read_settings

        _to_store(read_settings().settings, titles, now_ms())
    said = f"{counted(len(titles), 'title')} with {counted(artworks, 'artwork')} loaded from {file}"
    typer.echo(said, err=json == STANDARD_OUTPUT)
    write_json(json, {"titles": len(titles), "artworks": artworks})


@app.command("sample")
def sample(
    out: Annotated[
        Path | None, typer.Argument(help="file to write, .jsonl; without it they are printed")
    ] = None,
) -> None:
    """Write three described titles, t1 to t3, to try keyart with before your own are ready."""
    from importlib.resources import files

    from keyart.schemas.errors import SettingsError

    text = files("keyart.services.jobs").joinpath("sample_titles.jsonl").read_text("utf-8")
    if out is None:
        typer.echo(text, nl=False)
        return
    if out.exists():
        raise SettingsError(f"{out} is there already: nothing was written")
    out.write_text(text, "utf-8")
    typer.echo(f"{counted(text.count(chr(10)), 'title')} written to {out}")


def _to_store(settings: "Settings", titles: "Sequence[Title]", at_ms: int) -> None:
    """Write the titles to the store; the embedded server is started for it if need be.

    Raises
    ------
    SettingsError
        The catalogue's truth is a topic of Kafka, which the api writes.
    """
    from keyart.schemas.errors import SettingsError
    from keyart.services.wiring.stores import catalogue_of, running

    if not settings.embedded:
        raise SettingsError("with Kafka titles are loaded through an api: give its --url")
    with running(settings) as client:
        catalogue_of(settings, client).put(titles, now_ms=at_ms)
