"""`keyart catalogue`: load titles from a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from keyart.schemas.catalogue import Title
    from keyart.services.bootstrap import Parts

app = typer.Typer(help="Titles and their artworks.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `load` a command of its own name."""


@app.command("load")
def load(
    file: Annotated[Path, typer.Argument(help="titles as .jsonl, .csv or .parquet")],
    url: Annotated[
        str, typer.Option(help="a running api to send them to; empty: straight to the store")
    ] = "",
    key: Annotated[str, typer.Option(help="bearer key of that api")] = "",
) -> None:
    """Load titles: new ones join, known ones are brought up to date. All rows must be right."""
    from rich.console import Console
    from rich.progress import track

    from keyart.services.catalogue_file import read_titles

    console = Console(stderr=True)
    titles = read_titles(file)
    artworks = sum(len(title.artworks) for title in titles)
    if url:
        from keyart.services.demo.client import HttpClient

        client = HttpClient(url, key=key)
        try:
            for title in track(titles, "loading", console=console, transient=True):
                client.put_title(title)
        finally:
            client.close()
    else:
        from keyart.services.bootstrap import Parts, now_ms
        from keyart.services.settings import read_settings

        _to_store(Parts(read_settings().settings), titles, now_ms())
    typer.echo(f"{len(titles)} titles with {artworks} artworks loaded from {file}")


def _to_store(parts: "Parts", titles: "Sequence[Title]", at_ms: int) -> None:
    """Write the titles to the store; the embedded server is started for it if need be.

    Raises
    ------
    SettingsError
        The catalogue's truth is a topic of Kafka, which the api writes.
    """
    from keyart.schemas.errors import SettingsError

    if not parts.embedded:
        raise SettingsError("with Kafka titles are loaded through an api: give its --url")
    if parts.settings.redis_url:
        parts.catalogue.put(titles, now_ms=at_ms)
        return
    parts.server.start()
    try:
        parts.catalogue.put(titles, now_ms=at_ms)
    finally:
        parts.server.stop()
