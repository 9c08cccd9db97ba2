"""The head of a span reader, fitted on what the frozen decoder says."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch

from keyart.models.llm.scoring.span_reader import NO_LOGIT, SpanReader
from keyart.models.llm.training.likelihood import listwise_loss
from keyart.models.llm.training.progress import NO_LOSS, Progress

MOST: Final = 5000
"""Prompts, the latest, that the head is fitted on."""
TOGETHER: Final = 16
PENALTIES: Final = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4)
"""Tried from strong to weak; the one with the lowest held-out loss is kept."""

Collate = Callable[[Sequence[Any]], dict[str, torch.Tensor]]


def fit_head(
    reader: SpanReader,
    train: Sequence[Any],
    valid: Sequence[Any],
    collate: Collate,
    *,
    progress: Progress,
) -> float:
    """Fit the head by penalised likelihood (L-BFGS), and return the loss on `valid`, in nats.

    Parameters
    ----------
    train, valid
        Rows of `spans.span_rows`.
    """
    rows = list(train)[-MOST:]
    total = len(rows) + len(valid)
    known = _Features(reader, rows, collate, lambda done: progress("head", done, total, NO_LOSS))
    held = _Features(
        reader, valid, collate, lambda done: progress("head", len(rows) + done, total, NO_LOSS)
    )
    weight = torch.zeros_like(reader.head.weight[0], dtype=torch.float32, requires_grad=True)
    best, lowest = torch.zeros_like(weight), held.loss(torch.zeros_like(weight)).item()
    for penalty in PENALTIES:
        _descend(weight, known, penalty)
        loss = held.loss(weight.detach()).item()
        if loss < lowest:
            best, lowest = weight.detach().clone(), loss
    reader.head.weight.data.copy_(best[None])
    return lowest


def _descend(weight: torch.Tensor, known: "_Features", penalty: float) -> None:
    optimiser: Any = torch.optim.LBFGS([weight], max_iter=50, line_search_fn="strong_wolfe")

    def closure() -> Any:
        optimiser.zero_grad()
        loss: Any = known.loss(weight) + penalty * weight.pow(2).sum()
        loss.backward()
        return loss

    optimiser.step(closure)


class _Features:
    """Pooled hidden states (N, K, H) of rows, their shares (N, K) and weights (N,)."""

    def __init__(
        self, reader: SpanReader, rows: Sequence[Any], collate: Collate, told: Callable[[int], None]
    ) -> None:
        options = max(len(row["shares"]) for row in rows)
        parts: dict[str, list[torch.Tensor]] = {name: [] for name in ("x", "shares", "weight")}
        device = reader.head.weight.device
        reader.eval()
        for start in range(0, len(rows), TOGETHER):
            batch = {
                name: each.to(device)
                for name, each in collate(rows[start : start + TOGETHER]).items()
            }
            with torch.no_grad():
                hidden = reader.decoder(
                    input_ids=batch["input_ids"],
                    attention_mask=batch["attention_mask"],
                    use_cache=False,
                ).last_hidden_state
                parts["x"].append(reader.pooled(hidden, batch["spans"], options).float())
            shares = torch.zeros(len(batch["shares"]), options, device=device)
            shares[:, : batch["shares"].shape[1]] = batch["shares"]
            parts["shares"].append(shares)
            parts["weight"].append(batch["weight"])
            told(min(start + TOGETHER, len(rows)))
        self._x, self._shares = torch.cat(parts["x"]), torch.cat(parts["shares"])
        self._weight = torch.cat(parts["weight"])
        self._there = self._x.abs().sum(-1) > 0

    def loss(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the weighted mean cross-entropy of a head (H,)."""
        logits = torch.where(self._there, self._x @ weight, NO_LOGIT)
        return listwise_loss(logits, self._shares, self._weight) / self._weight.mean()
