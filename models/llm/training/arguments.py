"""What every stage's trainer is set to."""

from pathlib import Path
from typing import Any

import torch

from keyart.models.llm.training.settings import TrainSettings


def trainer_arguments(folder: Path, settings: TrainSettings, steps: int) -> dict[str, Any]:
    """Return the arguments that SFT, DPO and span reading have in common."""
    every = max(1, steps // settings.evaluations)
    cuda = settings.device.startswith("cuda") if settings.device else torch.cuda.is_available()
    return {
        "output_dir": str(folder),
        "per_device_train_batch_size": settings.batch,
        "per_device_eval_batch_size": settings.batch,
        "gradient_accumulation_steps": settings.accumulate,
        "max_steps": steps,
        "learning_rate": settings.learning_rate,
        "warmup_steps": max(1, steps // 20),
        "lr_scheduler_type": "cosine",
        "seed": settings.seed,
        "data_seed": settings.seed,
        "eval_strategy": "steps",
        "eval_steps": every,
        "save_strategy": "steps",
        "save_steps": every,
        "save_total_limit": 1,
        "load_best_model_at_end": True,
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
        "logging_steps": max(1, every // 4),
        "logging_nan_inf_filter": False,
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": not cuda,
        "bf16": cuda and settings.dtype == "bfloat16",
        "gradient_checkpointing": settings.checkpointing,
        "dataloader_pin_memory": cuda,
        "prediction_loss_only": True,
        "remove_unused_columns": False,
    }


def newest_checkpoint(folder: Path) -> str | None:
    """Return the folder of the newest checkpoint, if there is one."""
    steps = {
        int(each.name.removeprefix("checkpoint-")): each for each in folder.glob("checkpoint-*")
    }
    return str(steps[max(steps)]) if steps else None
