"""A small Llama with random weights and a tokenizer trained on the spot: nothing is downloaded."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from keyart.models.dataset.examples import Choice, Entry, Example, write_examples
from keyart.models.dataset.prepare import DATASET_FILE, Dataset

WORDS = (
    "space opera with a lonely robot",
    "a wedding in the rain",
    "detective in a dark city",
    "two friends and a dog on the road",
    "cooking in a small kitchen",
)
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def small_tokenizer(*, chat: bool = True) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|pad|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    trained.train_from_iterator(WORDS, trainer)
    make: Any = PreTrainedTokenizerFast
    tokenizer = make(tokenizer_object=trained, pad_token="<|pad|>", eos_token="<|im_end|>")
    if chat:
        tokenizer.chat_template = CHAT
    return tokenizer


def small_model(tokenizer: Any, *, layers: int = 2, seed: int = 0) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        initializer_range=0.2,
    )
    make: Any = LlamaForCausalLM
    return make(config).eval()


def example(at: int, *, count: int = 3, answer: int = 0, history: int = 2, **given: Any) -> Example:
    made: dict[str, Any] = {
        "id": f"d{at}",
        "pair": f"v{at}\x1ft{at}",
        "viewer": f"v{at}",
        "title": f"t{at}",
        "name": f"title {at}",
        "shown_at_ms": 1_000_000 + at,
        "history": tuple(
            Entry(title=f"earlier {place}", description=WORDS[place % 5])
            for place in range(history)
        ),
        "options": tuple(
            Choice(artwork=f"a{place}", description=WORDS[(at + place) % 5])
            for place in range(count)
        ),
        "propensities": (1 / count,) * count,
        "impressions": tuple(float(place == max(answer, 0)) for place in range(count)),
        "rewards": tuple(float(place == answer) for place in range(count)),
        "answer": answer,
        "weight": 1.0 if answer >= 0 else 0.0,
    }
    return Example(**{**made, **given})


def write_dataset(folder: Path, counts: dict[str, int], *, options: int) -> Path:
    """Write a dataset of so many examples a split: the answer is the option about space."""
    at = 0
    for split, count in counts.items():
        rows = []
        for _ in range(count):
            places = [(at + place) % len(WORDS) for place in range(options)]
            answer = places.index(0) if 0 in places else 0
            rows.append(example(at, count=options, answer=answer))
            at += 1
        write_examples(folder / f"{split}.jsonl", rows)
    described = Dataset(
        source="made",
        kind="log",
        clip=20.0,
        valid_from_ms=1_000_000 + counts["train"],
        test_from_ms=1_000_000 + counts["train"] + counts["valid"],
        counts=counts,
        answered=counts,
        left_out={},
        effective=float(counts["train"]),
    )
    (folder / DATASET_FILE).write_bytes(msgspec.json.encode(described))
    return folder


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return small_tokenizer()


@pytest.fixture(scope="session")
def model(tokenizer: Any) -> Any:
    return small_model(tokenizer)


@pytest.fixture(scope="session")
def model_folder(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    small_model(tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `prepare` makes it: the answer is the option about space, else the first."""
    folder = tmp_path_factory.mktemp("dataset")
    return write_dataset(folder, {"train": 24, "valid": 8, "test": 12}, options=3)
