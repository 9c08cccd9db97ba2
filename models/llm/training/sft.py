"""Supervised post-training with a weight on every answer, on TRL's trainer."""

from typing import Any, Final

import torch
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling, SFTTrainer

from keyart.models.llm.training.likelihood import label_log_probs
from keyart.models.llm.training.trainer import WeightedTrainer

_READ: Final = ("input_ids", "attention_mask", "labels", "marks", "shares")


class WeightedCollator:
    """Pads rows and keeps their token weights (B, T), marks and shares (B, K) beside them."""

    def __init__(self, pad_token: int) -> None:
        self._rest = DataCollatorForLanguageModeling(pad_token_id=pad_token)

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Return input_ids, attention_mask, labels, token_weights (B, T), marks, shares (B, K)."""
        batch: dict[str, torch.Tensor] = self._rest(
            [{"input_ids": row["input_ids"], "labels": row["labels"]} for row in rows]
        )
        weights = torch.zeros(batch["input_ids"].shape)
        for at, row in enumerate(rows):
            weights[at, : len(row["token_weights"])] = torch.tensor(row["token_weights"])
        options = max(len(row["marks"]) for row in rows)
        marks = torch.zeros(len(rows), options, dtype=torch.int64)
        shares = torch.zeros(len(rows), options)
        for at, row in enumerate(rows):
            marks[at, : len(row["marks"])] = torch.tensor(row["marks"])
            shares[at, : len(row["shares"])] = torch.tensor(row["shares"])
        return {**batch, "token_weights": weights, "marks": marks, "shares": shares}


class WeightedSFTTrainer(WeightedTrainer, SFTTrainer):
    """TRL's SFT trainer whose loss is the mean over rows of sum over tokens of w * -log p.

    The mean over rows of the answer's weight divides it, so a row of weight 2 and
    two rows of weight 1 have the same loss, whatever the others weigh.
    """

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the weighted loss, a scalar."""
        weights = inputs["token_weights"]
        found = label_log_probs(model, **{name: inputs[name] for name in _READ})
        loss = weighted_loss(found, weights) / self.mean_weight(model)
        return (loss, {"log_probs": found}) if return_outputs else loss


def weighted_loss(log_probs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the mean over rows of the sum over tokens of w * -log p; both (B, T)."""
    return -(log_probs * weights).sum() / weights.shape[0]
