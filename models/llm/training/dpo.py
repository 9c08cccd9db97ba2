"""Direct preference optimisation with a weight on every pair, on TRL's trainer."""

from typing import Any

import torch
from torch.nn.functional import logsigmoid
from trl.trainer.dpo_trainer import DataCollatorForPreference, DPOTrainer

from keyart.models.llm.training.likelihood import IGNORED, label_log_probs
from keyart.models.llm.training.trainer import WeightedTrainer


class WeightedPairCollator:
    """Pads pairs and keeps their weights beside them, (B,)."""

    def __init__(self, pad_token: int) -> None:
        self._rest = DataCollatorForPreference(pad_token_id=pad_token)

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Return what TRL's collator does, and `weight` (B,) where the rows have one."""
        batch: dict[str, torch.Tensor] = self._rest(rows)
        if "weight" in rows[0]:
            batch["weight"] = torch.tensor([row["weight"] for row in rows])
        return batch


class WeightedDPOTrainer(WeightedTrainer, DPOTrainer):
    """TRL's DPO trainer with the loss mean over pairs of w * -log sigmoid(beta * margin).

    The reference's log-probabilities are computed once before training, so that no second model is
    held. What pairs weigh on average divides the loss.
    """

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset  # The rows come as tokens.

    def _precompute_ref_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        found: dict[str, list[float]] = {"ref_chosen_logps": [], "ref_rejected_logps": []}
        for start in range(0, len(dataset), batch_size):
            rows = [dataset[at] for at in range(start, min(start + batch_size, len(dataset)))]
            batch = self._prepare_inputs(self.data_collator(rows))
            with torch.no_grad():
                chosen, rejected = pair_log_probs(self.model, batch)
            found["ref_chosen_logps"] += chosen.tolist()
            found["ref_rejected_logps"] += rejected.tolist()
        for column, values in found.items():
            dataset = dataset.add_column(column, values)
        return dataset

    def _compute_loss(
        self, model: Any, inputs: dict[str, torch.Tensor], return_outputs: bool
    ) -> Any:
        chosen, rejected = pair_log_probs(model, inputs)
        margin = (chosen - inputs["ref_chosen_logps"]) - (rejected - inputs["ref_rejected_logps"])
        losses = preference_loss(margin, inputs["weight"], beta=self.beta)
        loss = losses.mean() / self.mean_weight(model)
        mode = "train" if model.training else "eval"
        self._metrics[mode]["rewards/accuracies"].append((margin > 0).float().mean().item())
        return (loss, {"margin": margin}) if return_outputs else loss


def pair_log_probs(model: Any, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return log p of the chosen and of the rejected answers, (B,) each, of a collated batch."""
    labels = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, IGNORED)
    found = label_log_probs(model, batch["input_ids"], batch["attention_mask"], labels)
    chosen, rejected = found.sum(dim=1).chunk(2)
    return chosen, rejected


def preference_loss(margin: torch.Tensor, weight: torch.Tensor, *, beta: float) -> torch.Tensor:
    """Return w * -log sigmoid(beta * margin), (B,): Rafailov et al. 2023, equation 7, weighted."""
    return -weight * logsigmoid(beta * margin)
