"""Options that several commands of `keyart llm` share."""

from pathlib import Path
from typing import Annotated

import typer

Dataset = Annotated[Path, typer.Argument(help="folder that `keyart llm prepare` made")]
Out = Annotated[Path, typer.Option("--out", help="where to write")]
Model = Annotated[
    str, typer.Option("--model", help="folder of train or export, hub name, or smollm2")
]
Tokenizer = Annotated[str, typer.Option(help="whose tokens bound the prompts")]
Template = Annotated[str, typer.Option(help="shipped template or a file; empty: the model's own")]
Shuffles = Annotated[int, typer.Option(help="orders of the options that are averaged")]
Catalogue = Annotated[Path, typer.Option(help="titles as JSON Lines")]
SegmentFile = Annotated[Path | None, typer.Option(help="taste segments, JSON")]
Space = Annotated[str, typer.Option(help="embedding space of tastes and segments")]
Device = Annotated[str, typer.Option(help="cpu, cuda (asserted) or auto")]
