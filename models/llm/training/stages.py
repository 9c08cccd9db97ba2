"""One stage of post-training: rows in, a better model out."""

import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel
from transformers import EarlyStoppingCallback
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.sft_config import SFTConfig

from keyart.models.llm.training.arguments import trainer_arguments
from keyart.models.llm.training.dpo import WeightedDPOTrainer, WeightedPairCollator
from keyart.models.llm.training.progress import Progress, Tell
from keyart.models.llm.training.settings import StageReport, TrainSettings
from keyart.models.llm.training.sft import WeightedCollator, WeightedSFTTrainer
from keyart.models.llm.training.trainer import planned_steps, run_trainer
from keyart.schemas.errors import InvalidRecord

_LAYER = re.compile(r"\.(\d+)\.")


def run_stage(
    stage: str,
    model: Any,
    tokenizer: Any,
    train: Sequence[Any],
    valid: Sequence[Any],
    folder: Path,
    settings: TrainSettings,
    progress: Progress,
) -> tuple[Any, StageReport, int]:
    """Train one stage; return the model (adapters merged), its report, and its trained parameters.

    The loss on `valid` is taken `evaluations` times; the weights with the lowest are kept, and the
    stage stops after `patience` evaluations without a lower one.

    Raises
    ------
    InvalidRecord
        There is nothing to learn from, or nothing to hold out.
    """
    if not train or not valid:
        raise InvalidRecord(f"stage {stage} needs examples to train on and to hold out")
    started = time.monotonic()
    steps = planned_steps(len(train), settings)
    tell = Tell(stage, progress)
    stop = EarlyStoppingCallback(early_stopping_patience=settings.patience)
    config = _config(stage, folder, settings, steps)
    lora = None
    if settings.lora:
        lora = LoraConfig(
            r=settings.lora,
            lora_alpha=2 * settings.lora,
            target_modules=_last_layers(model, settings.layers) or "all-linear",
            task_type="CAUSAL_LM",
        )
    kind: Any = WeightedDPOTrainer if stage == "dpo" else WeightedSFTTrainer
    pad = tokenizer.pad_token_id
    collator = WeightedPairCollator(pad) if stage == "dpo" else WeightedCollator(pad)
    trainer: Any = kind(
        model=model,
        args=config,
        data_collator=collator,
        train_dataset=Dataset.from_list(list(train)),
        eval_dataset=Dataset.from_list(list(valid)),
        processing_class=tokenizer,
        peft_config=lora,
        callbacks=[tell, stop],
        mean_weight=_mean_weight(train),
        mean_held_out=_mean_weight(valid),
    )
    trained, train_loss = run_trainer(trainer, folder, resume=settings.resume)
    done = int(trainer.state.global_step)
    final = trainer.model
    if isinstance(final, PeftModel):
        final.save_pretrained(str(folder.parent / f"adapter-{stage}"))
        final = final.merge_and_unload()
    report = StageReport(
        stage=stage,
        examples=len(train),
        steps=done,
        seconds=round(time.monotonic() - started, 1),
        train_loss=train_loss,
        held_out=tell.held_out,
        stopped_early=done < steps,
    )
    return final, report, trained


def _config(stage: str, folder: Path, settings: TrainSettings, steps: int) -> Any:
    shared = trainer_arguments(folder, settings, steps)
    if stage == "dpo":
        return DPOConfig(
            **shared, max_length=None, beta=settings.beta, precompute_ref_log_probs=True
        )
    return SFTConfig(
        **shared,
        max_length=None,
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        dataset_kwargs={"skip_prepare_dataset": True},
    )


def _last_layers(model: Any, count: int) -> list[str]:
    """Return the names of the linear modules in the last `count` layers."""
    first = int(model.config.num_hidden_layers) - count
    found = []
    for name, module in model.named_modules():
        layer = _LAYER.search(name)
        if count and layer and int(layer[1]) >= first and isinstance(module, torch.nn.Linear):
            found.append(name)
    return found


def _mean_weight(rows: Iterable[Any]) -> float:
    weights: list[float] = [
        row["weight"] if "weight" in row else next(w for w in row["token_weights"] if w != 0)
        for row in rows
    ]
    mean = sum(weights) / len(weights)
    if mean <= 0:
        raise InvalidRecord("every example weighs nothing")
    return mean
