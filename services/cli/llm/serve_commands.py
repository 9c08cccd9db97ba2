"""`keyart llm export`, `score` and `encoder`: from a model to what serves."""

import hashlib
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from keyart.schemas.errors import SettingsError
from keyart.services.cli.llm.options import (
    Catalogue,
    Device,
    Model,
    Out,
    SegmentFile,
    Shuffles,
    Space,
    Template,
)


def export(
    model: Annotated[str, typer.Argument(help="folder of train, hub name, or smollm2")],
    dataset: Annotated[Path, typer.Option(help="folder of prepare: real prompts for parity")],
    out: Out,
    name: Annotated[str, typer.Option(help="what decisions call the prior")] = "",
    template: Template = "",
    kinds: Annotated[str, typer.Option(help="of fp32, int8, int4, comma-separated")] = "fp32,int4",
    serves: Annotated[str, typer.Option(help="which one serves; by default the first")] = "",
    shuffles: Shuffles = 4,
    prompts: Annotated[int, typer.Option(help="prompts on which parity is checked")] = 32,
    calibrate_on: Annotated[
        int, typer.Option(help="held-out examples, the latest, that measure the prior's worth")
    ] = 400,
) -> None:
    """Export to ONNX, check parity with torch, calibrate, and write the manifest."""
    from rich.console import Console

    from keyart.models.dataset.prepare import read_split
    from keyart.models.llm.export.export import export as write_export

    manifest = write_export(
        model,
        read_split(dataset, "valid"),
        out,
        name=name or f"llm-{_short(model)}",
        template=template,
        kinds=tuple(kind.strip() for kind in kinds.split(",") if kind.strip()),
        serves=serves,
        shuffles=shuffles,
        prompts=prompts,
        calibrate_on=calibrate_on,
        tell=Console(stderr=True).print,
    )
    Console().print_json(msgspec.json.encode(manifest).decode())


def score(
    catalogue: Catalogue,
    out: Annotated[Path, typer.Option("--out", help="the table, JSON Lines; brought up to date")],
    model: Model,
    log: Annotated[Path | None, typer.Option(help="training log: makes the segments")] = None,
    segments: Annotated[int, typer.Option(help="taste segments beside everybody")] = 0,
    segment_file: SegmentFile = None,
    template: Template = "",
    shuffles: Annotated[int, typer.Option(help="orders averaged; 0: what the model says")] = 0,
    strength: Annotated[
        float | None, typer.Option(help="impressions an opinion is worth; default: as measured")
    ] = None,
    space: Space = "static",
    device: Device = "cpu",
    threads: int = 0,
) -> None:
    """Bring the prior table of (segment, title, artwork) up to date.

    Segments are made once and then kept in a file beside the table: viewers are told apart as the
    table was scored. Delete the file to make them anew.
    """
    from rich.console import Console

    from keyart.models.dataset.catalogue import read_catalogue
    from keyart.models.dataset.segments import Segment, read_segments, write_segments
    from keyart.models.llm.scoring.opinions import load_opinions
    from keyart.models.llm.scoring.table import score_table
    from keyart.services.jobs.progress import progress

    titles = read_catalogue(catalogue)
    chosen = [Segment(name="", viewers=0)]
    kept = segment_file or out.with_suffix(".segments.json")
    if kept.is_file() and (segments or segment_file):
        chosen = read_segments(kept)
        Console(stderr=True).print(f"{kept}: {len(chosen) - 1} segments, as they are")
    elif segments:
        if log is None:
            raise SettingsError("segments are made from a log: give --log, or --segment-file")
        from keyart.models.dataset.logs import last_histories
        from keyart.models.dataset.segments import make_segments
        from keyart.models.embed.load import taste_space

        where = taste_space(space)
        histories = last_histories(log, titles)
        chosen = make_segments(histories, where.encode, count=segments, space=where.identity)
        write_segments(kept, chosen)
    opinions = load_opinions(
        model, template=template, shuffles=shuffles, device=device, threads=threads
    )
    with progress() as draw:
        report = score_table(
            opinions,
            list(titles.values()),
            chosen,
            out,
            strength=strength,
            progress=lambda done, total: draw("scoring", done, total, ""),
        )
    Console().print_json(msgspec.json.encode(report).decode())


def encoder(
    model: Annotated[str, typer.Argument(help="folder of train, hub name, or smollm2")],
    out: Out,
    layers: Annotated[int, typer.Option(help="keep so many; 0: two thirds of them")] = 0,
) -> None:
    """Write a language model's lower layers as a text encoder, for spaces and ridge priors."""
    from rich.console import Console

    from keyart.models.embed.lower_layers import write_encoder

    kept = write_encoder(model, out, layers=layers)
    Console().print(f"{out}: {kept.layers} of {kept.of} layers, {kept.width} dimensions")


def read(
    model: Annotated[
        str, typer.Argument(help="an encoder's folder, or encoders by name, joined by +")
    ],
    table: Annotated[
        Path, typer.Option(help="tests to learn from: test, text, impressions, clicks")
    ],
    catalogue: Catalogue,
    out: Annotated[Path, typer.Option("--out", help="opinions, JSON Lines")],
    name: Annotated[str, typer.Option(help="what decisions call the prior")] = "",
    without: Annotated[
        Path | None, typer.Option(help="do not learn from the tests of this other table")
    ] = None,
) -> None:
    """Judge artworks by a ridge on an encoder's vectors, fitted on a table of tests."""
    from rich.console import Console

    from keyart.models.dataset.catalogue import read_catalogue
    from keyart.models.embed.joined import encode_all
    from keyart.models.embed.load import load_space
    from keyart.models.priors.reading import read_opinions

    encoder = load_space(f"hf:{model}" if Path(model).is_dir() else model)
    opinions, report = read_opinions(
        lambda texts: encode_all(encoder, texts),
        table,
        list(read_catalogue(catalogue).values()),
        name=name,
        without=without,
    )
    out.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in opinions))
    Console().print_json(msgspec.json.encode(report).decode())


def _short(model: str) -> str:
    return hashlib.blake2b(str(Path(model).resolve()).encode(), digest_size=4).hexdigest()
