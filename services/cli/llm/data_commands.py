"""`keyart llm prepare`, `caption`, `rationales` and `export-dpo`: commands that make data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from keyart.schemas.errors import SettingsError
from keyart.services.cli.llm.options import Catalogue, Dataset, Out, Tokenizer
from keyart.services.cli.words import counted

if TYPE_CHECKING:
    from keyart.models.llm.rationales.write import Teacher

MAX_KEY_BYTES = 4096


def prepare(
    out: Out,
    log: Annotated[Path | None, typer.Option(help="training log: Parquet by day")] = None,
    catalogue: Annotated[Path | None, typer.Option(help="titles as JSON Lines")] = None,
    table: Annotated[
        Path | None, typer.Option(help="or a table: test, text, impressions, clicks")
    ] = None,
    valid: Annotated[float, typer.Option(help="share held out to stop early")] = 0.1,
    test: Annotated[float, typer.Option(help="share held out to judge, the latest")] = 0.2,
    clip: Annotated[float, typer.Option(help="greatest inverse propensity")] = 20.0,
    entries: Annotated[int, typer.Option(help="entries of history at most")] = 12,
    soft: Annotated[
        bool, typer.Option("--soft/--hard", help="table: aim at each text's chance to be the best")
    ] = True,
    without: Annotated[
        Path | None, typer.Option(help="table: leave out the tests of this other table")
    ] = None,
    bounds: Annotated[
        bool,
        typer.Option(help="log: no viewer and no hour counts more than its share (settings)"),
    ] = True,
) -> None:
    """Turn decisions and rewards, or a table of tests, into examples, split by time.

    A viewer-title pair belongs to the latest split in which it occurs; its earlier decisions are
    left out and counted, so that no pair that is judged was trained on.
    """
    from rich.console import Console

    from keyart.models.dataset.prepare import prepare_log, prepare_table
    from keyart.services.wiring.priors import bounds_of
    from keyart.services.wiring.settings import read_settings

    if table is not None and log is None:
        made = prepare_table(
            table, out, valid=valid, test=test, clip=clip, soft=soft, without=without
        )
    elif log is not None and catalogue is not None and table is None:
        made = prepare_log(
            log,
            catalogue,
            out,
            valid=valid,
            test=test,
            clip=clip,
            entries=entries,
            bounds=bounds_of(read_settings().settings) if bounds else None,
        )
    else:
        raise SettingsError("give either --table, or --log and --catalogue")
    Console().print_json(msgspec.json.encode(made).decode())


def export_dpo(
    dataset: Dataset,
    out: Annotated[Path, typer.Option("--out", help="a .jsonl or .parquet file")],
    split: str = "train",
    tokenizer: Tokenizer = "smollm2",
    template: str = "choose.v1",
    seed: int = 0,
) -> None:
    """Write weighted preference pairs (prompt, chosen, rejected) for others' trainers."""
    from rich.console import Console

    from keyart.models.dataset.preferences import preferences
    from keyart.models.dataset.prepare import read_split
    from keyart.models.embed.language_models import load_causal_lm
    from keyart.models.llm.prompt.prompts import Prompter
    from keyart.models.llm.prompt.template import load_template
    from keyart.models.llm.training.dpo_dataset import write_dpo

    prompter = Prompter(load_causal_lm(tokenizer).tokenizer, load_template(template))
    pairs = [pair for pair in preferences(read_split(dataset, split), seed=seed) if pair.weight > 0]
    written = write_dpo(prompter, pairs, out, seed=seed)
    seen = sum(pair.seen for pair in pairs)
    Console().print(
        f"{counted(written, 'pair')}, {seen} of them with a rejected artwork that was shown"
    )


def rationales(
    dataset: Dataset,
    teacher: Annotated[str, typer.Option(help="model name: Hugging Face, or the endpoint's")] = "",
    url: Annotated[str, typer.Option(help="an OpenAI-compatible endpoint, https://host/v1")] = "",
    key_file: Annotated[Path | None, typer.Option(help="file with the endpoint's key")] = None,
    tokenizer: Tokenizer = "smollm2",
    template: str = "choose.v1",
    calls: Annotated[int, typer.Option(help="calls of the teacher at most, over all runs")] = 2000,
    characters: Annotated[int, typer.Option(help="characters both ways at most")] = 5_000_000,
    seed: int = 0,
) -> None:
    """Let a teacher explain the known answers; goes on where it stopped."""
    from rich.console import Console

    from keyart.models.dataset.prepare import read_split
    from keyart.models.dataset.reasons import REASONS_FILE
    from keyart.models.embed.language_models import load_causal_lm
    from keyart.models.llm.prompt.prompts import Prompter
    from keyart.models.llm.prompt.template import load_template
    from keyart.models.llm.rationales.write import Spending, write_reasons
    from keyart.services.jobs.progress import progress

    if not teacher:
        raise SettingsError("name the teacher's model: --teacher, with --url for an endpoint")
    asked = _teacher(teacher, url, key_file)
    prompter = Prompter(load_causal_lm(tokenizer).tokenizer, load_template(template))
    examples = read_split(dataset, "valid") + read_split(dataset, "train")
    with progress() as draw:
        report = write_reasons(
            prompter,
            examples,
            asked,
            asked,
            dataset / REASONS_FILE,
            spending=Spending(calls=calls, characters=characters),
            seed=seed,
            progress=lambda done, total: draw("reasons", done, total, ""),
        )
    Console().print_json(msgspec.json.encode(report).decode())


def _teacher(model: str, url: str, key_file: Path | None) -> "Teacher":
    if url:
        from keyart.services.cli.llm.endpoint import endpoint_teacher

        key = ""
        if key_file is not None:
            key = key_file.read_text("utf-8")[:MAX_KEY_BYTES].strip()
        return endpoint_teacher(url, model, key=key)
    from keyart.models.llm.rationales.hugging_face import hugging_face_teacher

    return hugging_face_teacher(model)


def caption(
    catalogue: Catalogue,
    images: Annotated[Path, typer.Option(help="folder that the image references point into")],
    out: Annotated[Path, typer.Option("--out", help="the catalogue with descriptions")],
    model: Annotated[str, typer.Option(help="any Hugging Face image-to-text model")],
    cache: Annotated[Path | None, typer.Option(help="captions by image digest")] = None,
    batch: int = 8,
) -> None:
    """Describe the artworks that have an image and no words, and write the catalogue anew."""
    from rich.console import Console

    from keyart.models.dataset.catalogue import read_catalogue
    from keyart.models.embed.captions import CaptionCache, HuggingFaceCaptioner, caption_catalogue
    from keyart.services.jobs.progress import progress

    titles = list(read_catalogue(catalogue).values())
    with progress() as draw:
        described, report = caption_catalogue(
            titles,
            images,
            HuggingFaceCaptioner(model),
            CaptionCache(cache or out.with_suffix(".captions.jsonl")),
            batch=batch,
            progress=lambda done, total: draw("captions", done, total, ""),
        )
    with out.open("wb") as written:
        for title in described:
            written.write(msgspec.json.encode(title) + b"\n")
    Console().print_json(msgspec.json.encode(report).decode())
