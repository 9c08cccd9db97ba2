"""Post-training of a span reader: one softmax over a title's options, weighted, listwise.

The loss of a prompt is the cross-entropy between the options' logits and the answer (or the soft
answer), times its weight: the listwise loss of Cao et al. (ICML 2007) with one relevant item. The
head is fitted first, on the frozen decoder; adapters and head then go on together.
"""

import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypedDict

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import EarlyStoppingCallback, TrainingArguments, set_seed

from keyart.models.dataset.examples import Example
from keyart.models.embed.language_models import LanguageModel
from keyart.models.llm.prompt.prompts import NO_OPTION, Prompter, shuffled
from keyart.models.llm.scoring.span_reader import SpanReader, new_reader
from keyart.models.llm.training.arguments import trainer_arguments
from keyart.models.llm.training.head import fit_head
from keyart.models.llm.training.likelihood import listwise_loss
from keyart.models.llm.training.progress import Progress, Tell
from keyart.models.llm.training.rows import ORDERS, orders_of
from keyart.models.llm.training.settings import StageReport, TrainSettings
from keyart.models.llm.training.trainer import WeightedTrainer, planned_steps, run_trainer
from keyart.schemas.errors import InvalidRecord

STAGE: Final = "spans"
HEAD_FACTOR: Final = 50.0
"""Learning rate of the head over that of the adapters: it reads vectors of length 1."""


class SpanRow(TypedDict):
    """One prompt: which option each token is of (-1 none), and each option's share of the answer.

    `length` is that of `input_ids`: rows of like length are batched together.
    """

    input_ids: list[int]
    spans: list[int]
    shares: list[float]
    weight: float
    length: int


def span_rows(
    prompter: Prompter,
    examples: Sequence[Example],
    *,
    shuffles: int,
    seed: int,
    orders: int = ORDERS,
) -> Iterator[SpanRow]:
    """Yield a row for each answered example and order of its options, as `sft_rows`."""
    for example in examples:
        if example.answer < 0:
            continue
        count = orders_of(example, shuffles, orders)
        for shuffle in range(count):
            order = shuffled(len(example.options), key=example.id, shuffle=shuffle, seed=seed)
            prompt = prompter.prompt(example, order, spans=True)
            shares = example.shares()
            yield SpanRow(
                input_ids=prompt.tokens,
                spans=prompt.spans,
                shares=[shares[at] for at in order],
                weight=example.weight * shuffles / count,
                length=len(prompt),
            )


class SpanCollator:
    """Pads rows on the right to tensors (B, T) and (B, K)."""

    def __init__(self, pad_token: int) -> None:
        self._pad = pad_token

    def __call__(self, rows: Sequence[SpanRow]) -> dict[str, torch.Tensor]:
        """Return input_ids, attention_mask, spans (B, T), shares (B, K) and weight (B,)."""
        length = max(len(row["input_ids"]) for row in rows)
        options = max(len(row["shares"]) for row in rows)
        ids = torch.full((len(rows), length), self._pad, dtype=torch.int64)
        mask, spans = torch.zeros_like(ids), torch.full_like(ids, NO_OPTION)
        shares = torch.zeros(len(rows), options)
        for at, row in enumerate(rows):
            own = len(row["input_ids"])
            ids[at, :own] = torch.tensor(row["input_ids"])
            mask[at, :own] = 1
            spans[at, :own] = torch.tensor(row["spans"])
            shares[at, : len(row["shares"])] = torch.tensor(row["shares"])
        weight = torch.tensor([row["weight"] for row in rows])
        found = {"input_ids": ids, "attention_mask": mask, "spans": spans}
        return {**found, "shares": shares, "weight": weight}


class SpanTrainer(WeightedTrainer):
    """Hugging Face's trainer with the listwise loss, divided by what prompts weigh."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the weighted loss, a scalar."""
        names = ("input_ids", "attention_mask", "spans")
        logits = model(*(inputs[name] for name in names), inputs["shares"].shape[1])
        loss = listwise_loss(logits, inputs["shares"], inputs["weight"])
        loss = loss / self.mean_weight(model)
        return (loss, {"logits": logits}) if return_outputs else loss

    def create_optimizer(self, *args: Any) -> Any:
        """Return AdamW, the head at `HEAD_FACTOR` times the adapters' rate and without decay."""
        model: Any = self.model
        head = list(model.head.parameters())
        rest = [each for each in model.decoder.parameters() if each.requires_grad]
        rate = float(self.args.learning_rate)
        self.optimizer = torch.optim.AdamW(
            [
                {"params": rest, "lr": rate, "weight_decay": 0.01},
                {"params": head, "lr": rate * HEAD_FACTOR, "weight_decay": 0.0},
            ]
        )
        return self.optimizer


def run_spans(
    loaded: LanguageModel,
    train: Sequence[SpanRow],
    valid: Sequence[SpanRow],
    folder: Path,
    settings: TrainSettings,
    progress: Progress,
) -> tuple[SpanReader, StageReport, int]:
    """Train a reader; return it (adapters merged), its report, and its trained parameters.

    What had the lowest loss on `valid` is kept, and that may be the head on the frozen decoder.

    Raises
    ------
    InvalidRecord
        There is nothing to learn from, or nothing to hold out.
    """
    if not train or not valid:
        raise InvalidRecord("a span reader needs examples to train on and to hold out")
    started = time.monotonic()
    set_seed(settings.seed)
    reader = new_reader(loaded, settings.keep)
    collator = SpanCollator(loaded.tokenizer.pad_token_id)
    start = fit_head(reader, train, valid, collator, progress=progress)
    head = reader.head.weight.detach().clone()
    if settings.lora:
        lora = LoraConfig(
            r=settings.lora, lora_alpha=2 * settings.lora, target_modules="all-linear"
        )
        reader.decoder = get_peft_model(reader.decoder, lora)
    steps = planned_steps(len(train), settings)
    trainer: Any = SpanTrainer(
        model=reader,
        args=TrainingArguments(
            **trainer_arguments(folder, settings, steps),
            train_sampling_strategy="group_by_length",
            length_column_name="length",
            label_names=["shares"],
        ),
        data_collator=collator,
        train_dataset=Dataset.from_list([dict(row) for row in train]),
        eval_dataset=Dataset.from_list([dict(row) for row in valid]),
        callbacks=[
            Tell(STAGE, progress),
            EarlyStoppingCallback(early_stopping_patience=settings.patience),
        ],
        mean_weight=sum(row["weight"] for row in train) / len(train),
        mean_held_out=sum(row["weight"] for row in valid) / len(valid),
    )
    trained, train_loss = run_trainer(trainer, folder, resume=settings.resume)
    done = int(trainer.state.global_step)
    # the state knows evaluations from before a resumption, too
    held_out = [each["eval_loss"] for each in trainer.state.log_history if "eval_loss" in each]
    worse = not min(held_out, default=math.inf) < start
    decoder: Any = reader.decoder
    if settings.lora:
        reader.decoder = decoder.unload() if worse else decoder.merge_and_unload()
    if worse and settings.lora:
        reader.head.weight.data.copy_(head)
    report = StageReport(
        stage=STAGE,
        examples=len(train),
        steps=done,
        seconds=round(time.monotonic() - started, 1),
        train_loss=train_loss,
        held_out=[start, *held_out],
        stopped_early=done < steps,
    )
    return reader.eval(), report, trained
