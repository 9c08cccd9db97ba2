"""A text encoder small enough to be made in a test."""

import importlib
from pathlib import Path
from typing import Any

from keyart.models.embed.concepts import read_vocabulary


def write_tokeniser(folder: Path) -> int:
    """Write a tokeniser of the vocabulary's words; return how many tokens it knows."""
    tokenizers = importlib.import_module("tokenizers")
    words = sorted({word for _, text in read_vocabulary() for word in text.lower().split()})
    vocabulary = {"[PAD]": 0, "[UNK]": 1, "a": 2, "rocket": 3, "cooking": 4, "space": 5}
    for word in words:
        vocabulary.setdefault(word, len(vocabulary))
    model = tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]")
    tokeniser = tokenizers.Tokenizer(model)
    tokeniser.normalizer = tokenizers.normalizers.Lowercase()
    tokeniser.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    tokeniser.save(str(folder / "tokenizer.json"))
    return len(vocabulary)


def write_hugging_face(folder: Path, hidden: int, seed: int = 5) -> None:
    """Write an encoder of one layer with random weights."""
    folder.mkdir()
    size = write_tokeniser(folder)
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    torch.manual_seed(seed)
    config = transformers.BertConfig(
        vocab_size=size,
        hidden_size=hidden,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    transformers.BertModel(config, add_pooling_layer=False).eval().save_pretrained(folder)
