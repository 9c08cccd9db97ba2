"""`keyart schemas`: the JSON Schema of every record, and the AsyncAPI document of the topics."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command("schemas")
def write(
    folder: Annotated[Path, typer.Argument(help="where to write them")] = Path("schemas/json"),
) -> None:
    """Write the JSON Schemas and the AsyncAPI 3 document."""
    from keyart.schemas.documents import documents

    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text)
        typer.echo(folder / name)
