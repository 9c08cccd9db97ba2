"""A post-training run from a folder of examples to a folder with a model and a report."""

import shutil
import time
from importlib.metadata import version
from pathlib import Path
from typing import Final

import torch

from keyart.models.artifacts.described import write_described
from keyart.models.dataset.examples import Example
from keyart.models.dataset.preferences import preferences
from keyart.models.dataset.prepare import read_dataset, read_split
from keyart.models.dataset.summed import summed, summed_pairs
from keyart.models.embed.language_models import LanguageModel, load_causal_lm
from keyart.models.llm.prompt.prompts import Prompter
from keyart.models.llm.prompt.template import load_template
from keyart.models.llm.scoring.span_reader import save_reader
from keyart.models.llm.training.progress import Progress, silent
from keyart.models.llm.training.rows import ORDERS, preference_rows, sft_rows
from keyart.models.llm.training.settings import StageReport, TrainReport, TrainSettings
from keyart.models.llm.training.spans import STAGE as SPANS
from keyart.models.llm.training.spans import run_spans, span_rows
from keyart.models.llm.training.stages import run_stage
from keyart.schemas.errors import InvalidRecord, SettingsError

REPORT_FILE: Final = "report.json"
TEMPLATE_FILE: Final = "template.txt"
STAGES: Final = {
    "sft": ("sft",),
    "rationale": ("rationale",),
    "dpo": ("dpo",),
    "sft+dpo": ("sft", "dpo"),
}


def train(
    dataset: Path,
    out: Path,
    settings: TrainSettings,
    *,
    cache: Path | None = None,
    progress: Progress = silent,
) -> TrainReport:
    """Post-train a model on a folder of examples; write it, its template and a report to `out`.

    Adapters are merged into the weights; they are also kept beside them (`adapter-STAGE`).
    Checkpoints stand in `out/checkpoints` until the run is finished; with `settings.resume` a run
    that was stopped goes on from the newest.

    Raises
    ------
    InvalidRecord
        No example has an answer (or, for `rationale`, a reason).
    """
    started = time.monotonic()
    described = read_dataset(dataset)
    template = load_template(settings.template)
    device = settings.device or ("cuda" if torch.cuda.is_available() else "cpu")
    dtype = settings.dtype if device != "cpu" else "float32"
    loaded = load_causal_lm(settings.model, cache=cache, dtype=dtype, device=device)
    prompter = Prompter(loaded.tokenizer, template)
    # of what was not taken only preferences are made
    answered = "dpo" not in settings.method
    training = read_split(dataset, "train", answered=answered)
    training = _limited(training, settings.max_examples)
    held_out = read_split(dataset, "valid", answered=answered)
    if settings.method == SPANS:
        reports, parameters, trained = _train_reader(
            loaded, prompter, training, held_out, out, settings, progress
        )
    else:
        reports, parameters, trained = _train_letters(
            loaded, prompter, training, held_out, out, settings, progress
        )
    (out / TEMPLATE_FILE).write_text(template.text, "utf-8")
    done = TrainReport(
        settings=settings,
        base=loaded.name,
        template_digest=template.digest,
        parameters=parameters,
        trained_parameters=trained,
        stages=reports,
        seconds=round(time.monotonic() - started, 1),
        device=device,
        dataset=described.source,
        libraries={name: version(name) for name in ("torch", "transformers", "trl", "peft")},
    )
    write_described(out / REPORT_FILE, done)
    shutil.rmtree(out / "checkpoints", ignore_errors=True)
    return done


def _train_letters(
    loaded: LanguageModel,
    prompter: Prompter,
    training: list[Example],
    held_out: list[Example],
    out: Path,
    settings: TrainSettings,
    progress: Progress,
) -> tuple[list[StageReport], int, int]:
    """Run the stages one after the other, write the model; return reports and parameters."""
    model, reports, trained = loaded.model, list[StageReport](), 0
    model.config.use_cache = False
    for stage in STAGES[settings.method]:
        folder = out / "checkpoints" / stage
        rows = _rows(stage, prompter, training, settings)
        valid = _rows(stage, prompter, held_out, settings, held_out=True)
        model, report, count = run_stage(
            stage, model, loaded.tokenizer, rows, valid, folder, settings, progress
        )
        reports.append(report)
        trained = max(trained, count)
    model.config.use_cache = True
    model.save_pretrained(str(out))
    loaded.tokenizer.save_pretrained(str(out))
    return reports, sum(p.numel() for p in model.parameters()), trained


def _train_reader(
    loaded: LanguageModel,
    prompter: Prompter,
    training: list[Example],
    held_out: list[Example],
    out: Path,
    settings: TrainSettings,
    progress: Progress,
) -> tuple[list[StageReport], int, int]:
    """Train a span reader, write it; return its report and parameters.

    Raises
    ------
    SettingsError
        The template has the title before the viewer: its options would not have seen the viewer.
    """
    if prompter.template.order != "viewer-first":
        raise SettingsError("a span reader needs a template with the viewer before the title")
    seed, folder = settings.seed, out / "checkpoints" / SPANS
    taught, asked = summed(_answered(training)), summed(_answered(held_out))
    rows = list(span_rows(prompter, taught, shuffles=settings.shuffles, seed=seed))
    some = asked[: settings.valid_examples]
    valid = list(span_rows(prompter, some, shuffles=1, seed=seed, orders=1))
    reader, report, trained = run_spans(loaded, rows, valid, folder, settings, progress)
    save_reader(reader, loaded.tokenizer, out, base=loaded.name)
    return [report], sum(p.numel() for p in reader.parameters()), trained


def _answered(examples: list[Example]) -> list[Example]:
    return [example for example in examples if example.answer >= 0 and example.weight > 0]


def _limited(examples: list[Example], most: int) -> list[Example]:
    """Return the latest examples, at most so many answered ones; the unanswered among them stay."""
    if not most:
        return examples
    kept, answered = list[Example](), 0
    for example in reversed(examples):
        answered += example.answer >= 0
        if answered > most:
            break
        kept.append(example)
    return kept[::-1]


def _rows(
    stage: str,
    prompter: Prompter,
    examples: list[Example],
    settings: TrainSettings,
    *,
    held_out: bool = False,
) -> list[object]:
    """Return a stage's rows: what asks the same is one, in one order where it is held out."""
    most = settings.valid_examples if held_out else None
    asked: dict[str, int] = {
        "shuffles": 1 if held_out else settings.shuffles,
        "orders": 1 if held_out else ORDERS,
        "seed": settings.seed,
    }
    if stage == "dpo":
        pairs = [pair for pair in preferences(examples, seed=settings.seed) if pair.weight > 0]
        return list(preference_rows(prompter, summed_pairs(pairs)[:most], **asked))
    answered = _answered(examples)
    if stage == "rationale":
        answered = [example for example in answered if example.reason]
        if not answered:
            raise InvalidRecord("no example has a reason: keyart llm rationales writes them")
        share = settings.reason_share
        return list(sft_rows(prompter, answered[:most], **asked, reason_share=share))
    return list(sft_rows(prompter, summed(answered)[:most], **asked))
