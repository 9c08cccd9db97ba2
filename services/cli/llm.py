"""`keyart llm`: from logged decisions to a prior that serves."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Post-train a language model on logged decisions, and let it score artworks.",
    no_args_is_help=True,
)
_Dataset = Annotated[Path, typer.Argument(help="folder that `keyart llm prepare` made")]
_Out = Annotated[Path, typer.Option("--out", help="where to write")]
_Model = Annotated[
    str, typer.Option("--model", help="folder of train or export, hub name, or smollm2")
]
_Json = Annotated[Path | None, typer.Option("--json", help="write the figures there as JSON")]


@app.command()
def prepare(
    out: _Out,
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
) -> None:
    """Turn decisions and rewards, or a table of tests, into examples."""
    from keyart.services.llm.commands import run_prepare

    run_prepare(
        out=out,
        log=log,
        catalogue=catalogue,
        table=table,
        valid=valid,
        test=test,
        clip=clip,
        entries=entries,
        soft=soft,
        without=without,
    )


@app.command()
def train(
    dataset: _Dataset,
    out: _Out,
    model: _Model = "smollm2",
    template: Annotated[str, typer.Option(help="shipped template or a file")] = "choose.v1",
    method: Annotated[str, typer.Option(help="sft, rationale, dpo or sft+dpo")] = "sft",
    epochs: float = 2.0,
    learning_rate: float = 2e-4,
    batch: int = 8,
    accumulate: int = 1,
    lora: Annotated[int, typer.Option(help="rank of the adapter; 0 trains every weight")] = 16,
    layers: Annotated[int, typer.Option(help="adapt only so many last layers; 0 all")] = 0,
    beta: Annotated[float, typer.Option(help="DPO's beta")] = 0.1,
    shuffles: Annotated[int, typer.Option(help="orders of the options an example")] = 1,
    max_examples: Annotated[int, typer.Option(help="the latest so many; 0 all")] = 0,
    valid_examples: int = 200,
    evaluations: int = 6,
    patience: int = 3,
    seed: int = 0,
    resume: Annotated[bool, typer.Option("--resume", help="go on from a checkpoint")] = False,
    dtype: str = "float32",
    device: Annotated[str, typer.Option(help="cpu or cuda; empty: what is there")] = "",
    checkpointing: bool = False,
) -> None:
    """Post-train a model on the examples; writes it with a report."""
    from keyart.models.llm.training.settings import TrainSettings
    from keyart.services.llm.commands import run_train

    settings = TrainSettings(
        model=model,
        template=template,
        method=method,  # type: ignore[arg-type]  # checked by TrainSettings itself
        epochs=epochs,
        learning_rate=learning_rate,
        batch=batch,
        accumulate=accumulate,
        lora=lora,
        layers=layers,
        beta=beta,
        shuffles=shuffles,
        max_examples=max_examples,
        valid_examples=valid_examples,
        evaluations=evaluations,
        patience=patience,
        seed=seed,
        resume=resume,
        dtype=dtype,
        device=device,
        checkpointing=checkpointing,
    )
    run_train(dataset, out, settings)


@app.command()
def evaluate(
    dataset: _Dataset,
    model: _Model,
    zero_shot: Annotated[str, typer.Option(help="the model before post-training")] = "",
    template: str = "",
    split: Annotated[str, typer.Option(help="train, valid or test")] = "test",
    shuffles: int = 4,
    most: Annotated[int, typer.Option("--max", help="examples at most, the latest; 0 all")] = 0,
    replications: int = 2000,
    device: str = "cpu",
    dual: Annotated[Path | None, typer.Option(help="a folder of distil, judged beside")] = None,
    table: Annotated[Path | None, typer.Option(help="a table of score, judged beside")] = None,
    segment_file: Annotated[Path | None, typer.Option(help="the table's segments")] = None,
    space: Annotated[str, typer.Option(help="embedding space of dual and segments")] = "static",
    json: _Json = None,
) -> None:
    """Judge a model on held-out pairs against zero-shot, random, popularity and the incumbent."""
    from keyart.services.llm.commands import run_evaluate

    run_evaluate(
        dataset,
        model,
        zero_shot=zero_shot,
        template=template,
        split=split,
        shuffles=shuffles,
        most=most,
        replications=replications,
        device=device,
        dual=dual,
        table=table,
        segment_file=segment_file,
        space=space,
        json=json,
    )


@app.command()
def export(
    model: Annotated[str, typer.Argument(help="folder of train, hub name, or smollm2")],
    dataset: Annotated[Path, typer.Option(help="folder of prepare: real prompts for parity")],
    out: _Out,
    name: Annotated[str, typer.Option(help="what decisions call the prior")] = "",
    template: str = "",
    kinds: Annotated[str, typer.Option(help="of fp32, int8, int4, comma-separated")] = "fp32,int4",
    serves: Annotated[str, typer.Option(help="which one serves; by default the first")] = "",
    shuffles: int = 4,
    prompts: Annotated[int, typer.Option(help="prompts on which parity is checked")] = 32,
) -> None:
    """Export to ONNX, check parity with torch, calibrate, and write the manifest."""
    from keyart.services.llm.commands import run_export

    run_export(
        model,
        dataset,
        out,
        name=name,
        template=template,
        kinds=kinds,
        serves=serves,
        shuffles=shuffles,
        prompts=prompts,
    )


@app.command()
def score(
    catalogue: Annotated[Path, typer.Option(help="titles as JSON Lines")],
    out: Annotated[Path, typer.Option("--out", help="the table, JSON Lines; brought up to date")],
    model: _Model,
    log: Annotated[Path | None, typer.Option(help="training log: makes the segments")] = None,
    segments: Annotated[int, typer.Option(help="taste segments beside everybody")] = 0,
    segment_file: Annotated[
        Path | None, typer.Option(help="segments to use, or where to keep new ones")
    ] = None,
    template: str = "",
    shuffles: int = 0,
    strength: Annotated[float, typer.Option(help="impressions an opinion is worth")] = 50.0,
    space: Annotated[str, typer.Option(help="embedding space of the segments")] = "static",
    device: Annotated[str, typer.Option(help="cpu, cuda (asserted) or auto")] = "cpu",
    threads: int = 0,
) -> None:
    """Bring the prior table of (segment, title, artwork) up to date."""
    from keyart.services.llm.commands import run_score

    run_score(
        catalogue,
        out,
        model,
        log=log,
        segments=segments,
        segment_file=segment_file,
        template=template,
        shuffles=shuffles,
        strength=strength,
        space=space,
        device=device,
        threads=threads,
    )


@app.command("export-dpo")
def export_dpo(
    dataset: _Dataset,
    out: Annotated[Path, typer.Option("--out", help="a .jsonl or .parquet file")],
    split: str = "train",
    tokenizer: Annotated[str, typer.Option(help="whose tokens bound the prompts")] = "smollm2",
    template: str = "choose.v1",
    seed: int = 0,
) -> None:
    """Write weighted preference pairs (prompt, chosen, rejected) for others' trainers."""
    from keyart.services.llm.data_commands import run_export_dpo

    run_export_dpo(dataset, out, split=split, tokenizer=tokenizer, template=template, seed=seed)


@app.command()
def rationales(
    dataset: _Dataset,
    teacher: Annotated[str, typer.Option(help="model name: Hugging Face, or the endpoint's")] = "",
    url: Annotated[str, typer.Option(help="an OpenAI-compatible endpoint, https://host/v1")] = "",
    key_file: Annotated[Path | None, typer.Option(help="file with the endpoint's key")] = None,
    tokenizer: str = "smollm2",
    template: str = "choose.v1",
    calls: Annotated[int, typer.Option(help="calls of the teacher at most, over all runs")] = 2000,
    characters: Annotated[int, typer.Option(help="characters both ways at most")] = 5_000_000,
    seed: int = 0,
) -> None:
    """Let a teacher explain the known answers; goes on where it stopped."""
    from keyart.services.llm.data_commands import run_rationales

    run_rationales(
        dataset,
        teacher=teacher,
        url=url,
        key_file=key_file,
        tokenizer=tokenizer,
        template=template,
        calls=calls,
        characters=characters,
        seed=seed,
    )


@app.command()
def caption(
    catalogue: Annotated[Path, typer.Option(help="titles as JSON Lines")],
    images: Annotated[Path, typer.Option(help="folder that the image references point into")],
    out: Annotated[Path, typer.Option("--out", help="the catalogue with descriptions")],
    model: Annotated[str, typer.Option(help="any Hugging Face image-to-text model")],
    cache: Annotated[Path | None, typer.Option(help="captions by image digest")] = None,
    batch: int = 8,
) -> None:
    """Describe artworks from their images."""
    from keyart.services.llm.data_commands import run_caption

    run_caption(catalogue, images, out, model=model, cache=cache, batch=batch)


@app.command()
def distil(
    dataset: _Dataset,
    out: _Out,
    model: Annotated[str, typer.Option(help="whose soft labels; empty: the log alone")] = "",
    name: str = "",
    soft: Annotated[int, typer.Option(help="soft labels at most, the latest; 0 all")] = 0,
    share: Annotated[float, typer.Option(help="weight of the soft labels, 0 to 1")] = 0.5,
    epochs: int = 40,
    shuffles: int = 4,
    space: str = "static",
    seed: int = 0,
) -> None:
    """Distil language model and log into a dual encoder for any viewer and artwork."""
    from keyart.models.distill.train import DistillSettings
    from keyart.services.llm.knowledge import run_distil

    settings = DistillSettings(share=share, epochs=epochs, seed=seed)
    run_distil(
        dataset,
        out,
        model=model,
        name=name,
        most=soft,
        shuffles=shuffles,
        space=space,
        settings=settings,
    )


@app.command()
def words(
    dataset: _Dataset,
    out: _Out,
    dual: Annotated[Path, typer.Option(help="folder of distil")],
    most: Annotated[int, typer.Option(help="interests named at most")] = 3,
    space: str = "static",
) -> None:
    """Write the examples anew with the dual encoder's view of the viewer in words."""
    from keyart.services.llm.knowledge import taste_words

    taste_words(dataset, out, dual, space=space, words=most)
