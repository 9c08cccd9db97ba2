"""The scoring graph in torch."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from keyart.models.llm.scoring.graph import OptionGraph, empty_past
from keyart.models.llm.scoring.plan import Tokens


class TorchEngine:
    """Runs the graph on the device on which the model is."""

    def __init__(self, model: Any, marks: tuple[int, ...]) -> None:
        self._graph = OptionGraph(model, marks).to(model.device).eval()
        self._empty = empty_past(model)

    def remember(self, tokens: Tokens) -> torch.Tensor:
        """Return the prefix's keys and values, (2L, 1, H, P, D)."""
        ids = torch.tensor([list(tokens)], device=self._empty.device)
        with torch.inference_mode():
            _, present = self._graph(ids, torch.ones_like(ids), self._empty)
        kept: torch.Tensor = present
        return kept

    def logits(
        self,
        input_ids: NDArray[np.int64],
        attention_mask: NDArray[np.int64],
        past: torch.Tensor | None,
    ) -> NDArray[np.float32]:
        """Return the marks' logits, (B, M)."""
        device = self._empty.device
        with torch.inference_mode():
            logits, _ = self._graph(
                torch.from_numpy(input_ids).to(device),
                torch.from_numpy(attention_mask).to(device),
                self._empty if past is None else past,
            )
        found: NDArray[np.float32] = logits.float().cpu().numpy()
        return found
