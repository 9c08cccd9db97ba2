"""The scoring graph in torch."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from keyart.models.llm.scoring.graph import OptionGraph, SpanGraph, empty_past
from keyart.models.llm.scoring.plan import Tokens
from keyart.models.llm.scoring.span_reader import SpanReader


class TorchEngine:
    """Runs the graph on the device on which the model is.

    Parameters
    ----------
    model
        A causal language model, read at the marks, or a `SpanReader`.
    marks
        Tokens of the options' marks; of a reader only their number counts.
    """

    def __init__(self, model: Any, marks: tuple[int, ...]) -> None:
        self.reads_spans = isinstance(model, SpanReader)
        decoder = model.decoder if self.reads_spans else model
        graph = SpanGraph(model, len(marks)) if self.reads_spans else OptionGraph(model, marks)
        self._graph: Any = graph.to(decoder.device).eval()
        self._empty = empty_past(decoder)

    def remember(self, tokens: Tokens) -> torch.Tensor:
        """Return the prefix's keys and values, (2L, 1, H, P, D)."""
        ids = torch.tensor([list(tokens)], device=self._empty.device)
        with torch.inference_mode():
            _, present = self._run(ids, torch.ones_like(ids), torch.full_like(ids, -1), self._empty)
        kept: torch.Tensor = present
        return kept

    def logits(
        self,
        input_ids: NDArray[np.int64],
        attention_mask: NDArray[np.int64],
        spans: NDArray[np.int64],
        past: torch.Tensor | None,
    ) -> NDArray[np.float32]:
        """Return the options' logits, (B, M)."""
        device = self._empty.device
        with torch.inference_mode():
            logits, _ = self._run(
                torch.from_numpy(input_ids).to(device),
                torch.from_numpy(attention_mask).to(device),
                torch.from_numpy(spans).to(device),
                self._empty if past is None else past,
            )
        found: NDArray[np.float32] = logits.float().cpu().numpy()
        return found

    def _run(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        spans: torch.Tensor,
        past: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        given = (input_ids, attention_mask, *((spans,) if self.reads_spans else ()), past)
        found: tuple[torch.Tensor, torch.Tensor] = self._graph(*given)
        return found
