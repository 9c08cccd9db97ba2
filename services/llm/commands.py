"""What the commands of `keyart llm` do."""

import hashlib
from pathlib import Path

import msgspec
from rich.console import Console

from keyart.models.llm.training.settings import TrainSettings
from keyart.schemas.errors import SettingsError
from keyart.services.llm.screen import evaluation_tables, progress_bar


def run_prepare(
    *,
    out: Path,
    log: Path | None,
    catalogue: Path | None,
    table: Path | None,
    valid: float,
    test: float,
    clip: float,
    entries: int,
    soft: bool,
    without: Path | None,
) -> None:
    """Write examples of a log with its catalogue, or of a table."""
    from keyart.models.llm.prepare import prepare_log, prepare_table

    if table is not None and log is None:
        made = prepare_table(
            table, out, valid=valid, test=test, clip=clip, soft=soft, without=without
        )
    elif log is not None and catalogue is not None and table is None:
        made = prepare_log(log, catalogue, out, valid=valid, test=test, clip=clip, entries=entries)
    else:
        raise SettingsError("give either --table, or --log and --catalogue")
    Console().print_json(msgspec.json.encode(made).decode())


def run_train(dataset: Path, out: Path, settings: TrainSettings) -> None:
    """Post-train, with progress, and print the report."""
    from keyart.models.llm.training.run import train

    with progress_bar() as draw:
        report = train(
            dataset,
            out,
            settings,
            progress=lambda stage, done, total, loss: draw(stage, done, total, f"loss {loss:.3f}"),
        )
    Console().print_json(msgspec.json.encode(report).decode())


def run_evaluate(
    dataset: Path,
    model: str,
    *,
    zero_shot: str,
    template: str,
    split: str,
    shuffles: int,
    most: int,
    replications: int,
    device: str,
    dual: Path | None,
    table: Path | None,
    segment_file: Path | None,
    space: str,
    json: Path | None,
) -> None:
    """Judge a model, print the tables, and write them as JSON where asked."""
    from keyart.models.llm.evaluation.baselines import at_random, incumbent, popularity
    from keyart.models.llm.evaluation.table import evaluate
    from keyart.models.llm.opinions import load_opinions
    from keyart.models.llm.prepare import read_split
    from keyart.models.llm.scoring.options import position_bias
    from keyart.services.llm.knowledge import dual_opinions, table_opinions

    examples = read_split(dataset, split)[-most if most else 0 :]
    found = {
        "random": at_random(examples),
        "popularity": popularity(read_split(dataset, "train"), examples),
        "incumbent": incumbent(examples),
    }
    bias = {}
    own = Path(model) / "template.txt"
    wording = template or (str(own) if own.is_file() else "")
    with progress_bar() as draw:
        for name, source in (("zero-shot", zero_shot), ("model", model)):
            if not source:
                continue
            opinions = load_opinions(source, template=wording, shuffles=shuffles, device=device)
            scored = []
            for start in range(0, len(examples), 64):
                draw(name, start, len(examples), "")
                scored += opinions.scored(examples[start : start + 64])
            draw(name, len(examples), len(examples), "")
            found[name] = [one.probabilities for one in scored]
            bias[name] = position_bias(scored)
    if dual is not None:
        found["dual encoder"] = dual_opinions(examples, dual, space=space)
    if table is not None:
        found["segment table"] = table_opinions(examples, table, segment_file, space=space)
    result = evaluate(examples, found, replications=replications, position_bias=bias)
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2))
    for drawn in evaluation_tables(result):
        Console().print(drawn)


def run_export(
    model: str,
    dataset: Path,
    out: Path,
    *,
    name: str,
    template: str,
    kinds: str,
    serves: str,
    shuffles: int,
    prompts: int,
) -> None:
    """Export a model and print its manifest."""
    from keyart.models.llm.export.export import export
    from keyart.models.llm.prepare import read_split

    stderr = Console(stderr=True)
    manifest = export(
        model,
        read_split(dataset, "valid"),
        out,
        name=name or f"llm-{_short(model)}",
        template=template,
        kinds=tuple(kind.strip() for kind in kinds.split(",") if kind.strip()),
        serves=serves,
        shuffles=shuffles,
        prompts=prompts,
        tell=stderr.print,
    )
    Console().print_json(msgspec.json.encode(manifest).decode())


def run_score(
    catalogue: Path,
    out: Path,
    model: str,
    *,
    log: Path | None,
    segments: int,
    segment_file: Path | None,
    template: str,
    shuffles: int,
    strength: float,
    space: str,
    device: str,
    threads: int,
) -> None:
    """Score the catalogue for every segment."""
    from keyart.models.llm.catalogue import read_catalogue
    from keyart.models.llm.opinions import load_opinions
    from keyart.models.llm.scoring.table import score_table
    from keyart.models.llm.segments import Segment, read_segments, write_segments

    titles = read_catalogue(catalogue)
    chosen = [Segment(name="", viewers=0)]
    if segment_file is not None and segment_file.is_file():
        chosen = read_segments(segment_file)
    elif segments:
        if log is None:
            raise SettingsError("segments are made from a log: give --log, or --segment-file")
        from keyart.models.llm.logs import last_histories
        from keyart.models.llm.segments import make_segments
        from keyart.models.space.load import load_space

        where = load_space(space)
        histories = last_histories(log, titles)
        chosen = make_segments(histories, where.encode, count=segments, space=where.identity)
        write_segments(segment_file or out.with_suffix(".segments.json"), chosen)
    opinions = load_opinions(
        model, template=template, shuffles=shuffles, device=device, threads=threads
    )
    with progress_bar() as draw:
        report = score_table(
            opinions,
            list(titles.values()),
            chosen,
            out,
            strength=strength,
            progress=lambda done, total: draw("scoring", done, total, ""),
        )
    Console().print_json(msgspec.json.encode(report).decode())


def _short(model: str) -> str:
    return hashlib.blake2b(str(Path(model).resolve()).encode(), digest_size=4).hexdigest()
