"""A decoder that reads each option from the option's own tokens.

Small language models cannot tell which letter stood before the text they like best; what they know
of a text is in the text's own hidden states. So an option's logit is a linear head on the mean
hidden state of its description's tokens, each of which has seen the viewer's history, the title and
the options before it: still one forward pass for all options, and the mean over shuffles takes away
what the place did. Lower layers say more about a text than the last ones (see `encoder`), so a part
of them is kept.
"""

from pathlib import Path
from typing import Any, Final

import torch
from msgspec import Struct
from safetensors.torch import load_file, save_file
from torch import nn

from keyart.models.artifacts.described import READER_FILE, read_described, write_described
from keyart.models.embed.language_models import LanguageModel, load_causal_lm, load_tokenizer_of
from keyart.models.embed.lower_layers import lower_layers
from keyart.schemas.errors import ModelRejected

HEAD_FILE: Final = "head.safetensors"
NO_LOGIT: Final = -1e4
"""Of an option that has no token: out of the question, and finite in half precision."""


class Described(Struct, frozen=True, kw_only=True):
    """What stands in the folder of a reader: its base, the layers kept, and the head's width."""

    base: str
    layers: int
    width: int
    version: int = 1


class SpanReader(nn.Module):
    """Decoder and head.

    Parameters
    ----------
    decoder
        Of transformers, without a head: (B, T) tokens to hidden states (B, T, H).
    """

    def __init__(self, decoder: Any) -> None:
        super().__init__()
        self.decoder = decoder
        where = next(decoder.parameters()).device
        self.head = nn.Linear(int(decoder.config.hidden_size), 1, bias=False, device=where)
        nn.init.zeros_(self.head.weight)

    def gradient_checkpointing_enable(self, **given: Any) -> None:
        """Recompute the decoder's activations in the backward pass, to save memory."""
        self.decoder.gradient_checkpointing_enable(**given)
        # with adapters alone to train, nothing else would ask for gradients of the first layer
        self.decoder.enable_input_require_grads()

    def pooled(self, hidden: torch.Tensor, spans: torch.Tensor, options: int) -> torch.Tensor:
        """Return the options' mean hidden states (B, K, H), of unit length; 0 without a token."""
        member = spans[..., None] == torch.arange(options, device=spans.device)  # (B, T, K)
        total = torch.einsum("btk,bth->bkh", member.to(hidden.dtype), hidden)
        # its gradient is 0, not nan, where there is no token: titles differ in their options
        return nn.functional.normalize(total.float(), dim=-1).to(hidden.dtype)

    def read(self, hidden: torch.Tensor, spans: torch.Tensor, options: int) -> torch.Tensor:
        """Return logits (B, K) from hidden states (B, T, H) and spans (B, T)."""
        logits = self.head(self.pooled(hidden, spans, options))[..., 0]
        there = (spans[..., None] == torch.arange(options, device=spans.device)).any(dim=1)
        return torch.where(there, logits, NO_LOGIT)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        spans: torch.Tensor,
        options: int,
    ) -> torch.Tensor:
        """Return logits (B, K) of prompts padded on either side."""
        hidden = self.decoder(
            input_ids=input_ids, attention_mask=attention_mask, use_cache=False
        ).last_hidden_state
        return self.read(hidden, spans, options)


def new_reader(model: LanguageModel, layers: int) -> SpanReader:
    """Return a reader on the model's lower layers (0: two thirds), its head at zero.

    Raises
    ------
    SettingsError
        The model has fewer layers, or is not laid out as a decoder with layers.
    """
    return SpanReader(lower_layers(model, layers)[0])


def save_reader(reader: SpanReader, tokenizer: Any, out: Path, *, base: str) -> None:
    """Write the reader as safetensors, with its tokenizer."""
    decoder = reader.decoder
    decoder.save_pretrained(str(out))
    tokenizer.save_pretrained(str(out))
    save_file({"weight": reader.head.weight.detach().cpu().contiguous()}, out / HEAD_FILE)
    described = Described(
        base=base,
        layers=int(decoder.config.num_hidden_layers),
        width=int(decoder.config.hidden_size),
    )
    write_described(out / READER_FILE, described)


def is_reader(folder: str | Path) -> bool:
    """Whether the folder holds a reader."""
    return (Path(folder) / READER_FILE).is_file()


def load_reader(folder: Path, *, dtype: str = "float32", device: str = "cpu") -> LanguageModel:
    """Return a reader in evaluation mode on the device, as the model of a `LanguageModel`.

    Raises
    ------
    NotFound, InvalidRecord
        There is none, or what describes it cannot be read.
    ModelRejected
        The head is not as wide as the decoder.
    """
    from transformers import AutoModel

    described = read_described(folder / READER_FILE, Described, made_by="keyart llm train")
    decoder = AutoModel.from_pretrained(
        str(folder), dtype=getattr(torch, dtype), use_safetensors=True, local_files_only=True
    )
    reader = SpanReader(decoder)
    weight = load_file(folder / HEAD_FILE)["weight"]
    if weight.shape != reader.head.weight.shape:
        raise ModelRejected(f"the head in {folder} is not as wide as its decoder")
    reader.head.weight.data.copy_(weight)
    placed: Any = reader.to(device=device, dtype=getattr(torch, dtype)).eval()
    return LanguageModel(
        name=described.base, model=placed, tokenizer=load_tokenizer_of(str(folder))
    )


def load_scoring_model(
    name: str, *, cache: Path | None = None, dtype: str = "float32", device: str = "cpu"
) -> LanguageModel:
    """Return a reader from its folder, else the causal language model of that name.

    Raises
    ------
    NotFound
        There is neither.
    """
    if is_reader(name):
        return load_reader(Path(name), dtype=dtype, device=device)
    return load_causal_lm(name, cache=cache, dtype=dtype, device=device)
