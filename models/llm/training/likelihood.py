"""Log-probabilities of the labelled tokens, and of nothing else."""

from typing import Any, Final

import torch

IGNORED: Final = -100


def label_log_probs(
    model: Any,
    input_ids: torch.Tensor,
    attention_mask: torch.Tensor,
    labels: torch.Tensor,
    marks: torch.Tensor | None = None,
    shares: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return log p of each labelled token given what stands before it, (B, T); 0 elsewhere.

    With `marks` and `shares`, (B, K) each, a row's first labelled token counts as the mean of log p
    over its marks by their shares: the cross-entropy with a soft answer. A share of 1 on the label
    itself is the same as none.

    The head (49,000 columns wide in a model 576 wide) is applied only where a label follows: over
    a whole prompt it would cost as much as several layers, for nothing.
    """
    targets = labels[:, 1:]  # (B, T - 1), of the next token
    wanted = (targets != IGNORED).any(dim=0).nonzero()[:, 0]  # (N,)
    logits = model(
        input_ids=input_ids,
        attention_mask=attention_mask,
        use_cache=False,
        logits_to_keep=wanted,
    ).logits  # (B, N, V)
    chosen = targets[:, wanted]
    logs = logits.float().log_softmax(-1)
    found = logs.gather(-1, chosen.clamp(min=0)[..., None])[..., 0]  # (B, N)
    found = found.masked_fill(chosen == IGNORED, 0.0)
    if marks is not None and shares is not None:
        first = (chosen != IGNORED).int().argmax(dim=1)  # (B,)
        answers = logs[torch.arange(len(logs), device=logs.device), first]  # (B, V)
        mean = (answers.gather(-1, marks) * shares).sum(-1)
        found = found.scatter(1, first[:, None], mean[:, None])
    empty = torch.zeros(labels.shape, dtype=found.dtype, device=found.device)
    return empty.index_copy(1, wanted + 1, found)


def listwise_loss(logits: torch.Tensor, shares: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return the mean over rows of w * cross-entropy; logits and shares (B, K), weight (B,)."""
    logs = logits.float().log_softmax(-1)
    return -(weight * (shares * logs).sum(-1)).mean()
