"""The scoring graph: tokens and a remembered prefix in, logits of the option marks out."""

from typing import Any

import torch
from torch import nn
from transformers import DynamicCache


class OptionGraph(nn.Module):
    """A causal language model reduced to what scoring options needs: the answer's mark.

    The same module runs in torch and is what is exported. Inputs: `input_ids` (B, T) int64, padded
    on the left; `attention_mask` (B, P + T) int64, ones over the prefix; `past` (2L, 1, H, P, D),
    keys and values of a prefix of P tokens (P may be 0), layer by layer, shared by the batch.
    Outputs: `logits` (B, M) of the M marks at the last position; `present` (2L, B, H, T, D), keys
    and values of the T tokens given.
    """

    def __init__(self, model: Any, marks: tuple[int, ...]) -> None:
        super().__init__()
        self.model = model
        self.layers = int(model.config.num_hidden_layers)
        self.register_buffer("marks", torch.tensor(marks, dtype=torch.int64), persistent=False)
        self.marks: torch.Tensor

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, past: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits (B, M) and present (2L, B, H, T, D)."""
        given, cache = after_prefix(input_ids, attention_mask, past, self.layers)
        out = self.model(**given, logits_to_keep=1)
        logits = out.logits[:, -1].index_select(-1, self.marks)
        return logits, present(cache, past.shape[3])


class SpanGraph(nn.Module):
    """A decoder with a head that reads each option from its own tokens.

    Inputs and outputs as `OptionGraph`, and `spans` (B, T) int64: the place, below M, of the option
    whose description a token is in, -1 for none. `logits` of places without a token are far below
    all others.
    """

    def __init__(self, reader: Any, options: int) -> None:
        super().__init__()
        self.reader = reader
        self.options = options
        self.layers = int(reader.decoder.config.num_hidden_layers)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        spans: torch.Tensor,
        past: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits (B, M) and present (2L, B, H, T, D)."""
        given, cache = after_prefix(input_ids, attention_mask, past, self.layers)
        hidden = self.reader.decoder(**given).last_hidden_state
        return self.reader.read(hidden, spans, self.options), present(cache, past.shape[3])


def after_prefix(
    input_ids: torch.Tensor, attention_mask: torch.Tensor, past: torch.Tensor, layers: int
) -> tuple[dict[str, Any], DynamicCache]:
    """Return what a model takes to go on after a prefix, and the cache that it fills."""
    batch, length = input_ids.shape
    before = past.shape[3]
    cache = DynamicCache()
    for layer in range(layers):
        keys = past[2 * layer].expand(batch, -1, -1, -1)
        values = past[2 * layer + 1].expand(batch, -1, -1, -1)
        cache.update(keys, values, layer)
    positions = (attention_mask.cumsum(-1) - 1).clamp(min=0)[:, before:]  # (B, T)
    rows = torch.arange(length, device=input_ids.device) + before
    columns = torch.arange(before + length, device=input_ids.device)
    seen = (columns[None, :] <= rows[:, None])[None, None] & (
        attention_mask[:, None, None, :] > 0
    )  # (B, 1, T, P + T)
    # A finite floor: a padded row sees nothing, and the softmax of -inf alone is nan.
    floor = torch.finfo(past.dtype).min / 2
    given = {
        "input_ids": input_ids,
        "attention_mask": torch.where(seen, 0.0, floor).to(past.dtype),
        "position_ids": positions,
        "past_key_values": cache,
        "use_cache": True,
    }
    return given, cache


def present(cache: DynamicCache, before: int) -> torch.Tensor:
    """Return keys and values of what came after the prefix, (2L, B, H, T, D)."""
    kept: list[torch.Tensor] = []
    for layer in cache.layers:
        filled: Any = layer
        kept += [filled.keys[:, :, before:], filled.values[:, :, before:]]
    return torch.stack(kept)


def empty_past(model: Any) -> torch.Tensor:
    """Return the past of no prefix: (2L, 1, H, 0, D)."""
    config = model.config
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    return torch.zeros(
        (2 * config.num_hidden_layers, 1, heads, 0, size), dtype=model.dtype, device=model.device
    )
