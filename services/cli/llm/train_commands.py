"""`keyart llm train` and `evaluate`."""

import math
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from keyart.models.llm.training.settings import TrainSettings
from keyart.schemas.errors import InvalidRecord
from keyart.services.cli.bounds import within
from keyart.services.cli.figures import STANDARD_OUTPUT, Json, check_json, write_json
from keyart.services.cli.llm.options import (
    Dataset,
    Device,
    Model,
    Out,
    SegmentFile,
    Shuffles,
    Space,
    Template,
)

MAX_REPLICATIONS = 100_000
MAX_SHUFFLES = 1000
MAX_EXAMPLES = 10**9


def train(
    dataset: Dataset,
    out: Out,
    model: Model = "smollm2",
    template: Annotated[str, typer.Option(help="shipped template or a file")] = "choose.v1",
    method: Annotated[str, typer.Option(help="sft, rationale, dpo, sft+dpo or spans")] = "sft",
    epochs: float = 2.0,
    learning_rate: float = 2e-4,
    batch: int = 8,
    accumulate: int = 1,
    lora: Annotated[int, typer.Option(help="rank of the adapter; 0 trains every weight")] = 16,
    layers: Annotated[int, typer.Option(help="adapt only so many last layers; 0 all")] = 0,
    keep: Annotated[
        int, typer.Option(help="spans: lower layers that read the options; 0 two thirds")
    ] = 0,
    beta: Annotated[float, typer.Option(help="DPO's beta")] = 0.1,
    reason_share: Annotated[
        float, typer.Option(help="weight of the reason, method rationale")
    ] = 0.5,
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
    """Post-train a model on the examples; writes it with a report.

    sft, rationale and dpo teach the model to answer with an option's letter. spans reads each
    option from its own tokens instead, with a head: what small models can learn from few examples.
    """
    from rich.console import Console

    from keyart.services.jobs.progress import progress

    given = dict(locals())
    settings = TrainSettings(**{name: given[name] for name in TrainSettings.__struct_fields__})
    from keyart.models.llm.training.run import train as run_training

    with progress() as draw:
        report = run_training(
            dataset,
            out,
            settings,
            progress=lambda stage, done, total, loss: draw(
                stage, done, total, "" if math.isnan(loss) else f"loss {loss:.3f}"
            ),
        )
    Console().print_json(msgspec.json.encode(report).decode())


def evaluate(
    dataset: Dataset,
    model: Model,
    zero_shot: Annotated[str, typer.Option(help="the model before post-training")] = "",
    template: Template = "",
    split: Annotated[str, typer.Option(help="train, valid or test")] = "test",
    shuffles: Shuffles = 4,
    most: Annotated[int, typer.Option("--max", help="examples at most, the latest; 0 all")] = 0,
    answered: Annotated[
        bool, typer.Option("--answered", help="log: only what was taken; no values then")
    ] = False,
    replications: int = 2000,
    device: Device = "cpu",
    dual: Annotated[Path | None, typer.Option(help="a folder of distil, judged beside")] = None,
    table: Annotated[Path | None, typer.Option(help="a table of score, judged beside")] = None,
    segment_file: SegmentFile = None,
    space: Space = "static",
    json: Json = None,
) -> None:
    """Judge a model on held-out pairs against zero-shot, random, popularity and the incumbent.

    Where few decisions are taken, accuracy and likelihood need many examples: `--answered` leaves
    out the others. IPS and SNIPS are then no values of the log, and only to be compared.
    """
    from rich.console import Console

    from keyart.models.dataset.prepare import read_split
    from keyart.models.llm.scoring.opinions import load_opinions
    from keyart.models.llm.scoring.options import position_bias
    from keyart.models.ope.choices.baselines import at_random, incumbent, popularity
    from keyart.models.ope.choices.table import evaluate as judge
    from keyart.services.cli.llm.knowledge import dual_opinions, table_opinions
    from keyart.services.cli.llm.screen import evaluation_tables
    from keyart.services.jobs.progress import progress

    check_json(json)
    within("--replications", replications, 1, MAX_REPLICATIONS)
    within("--shuffles", shuffles, 1, MAX_SHUFFLES)
    within("--max", most, 0, MAX_EXAMPLES)
    examples = read_split(dataset, split)
    if answered:
        examples = [example for example in examples if example.answer >= 0]
    if not examples:
        raise InvalidRecord(f"{dataset}: there is no example in {split} to judge on")
    examples = examples[-most if most else 0 :]
    found = {
        "random": at_random(examples),
        "popularity": popularity(read_split(dataset, "train"), examples),
        "incumbent": incumbent(examples),
    }
    bias = {}
    own = Path(model) / "template.txt"
    wording = template or (str(own) if own.is_file() else "")
    with progress() as draw:
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
    result = judge(examples, found, replications=replications, position_bias=bias)
    write_json(json, result)
    for drawn in evaluation_tables(result):
        Console(quiet=json == STANDARD_OUTPUT).print(drawn)
