"""A language model's lower layers as an encoder: the same numbers, fewer layers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from keyart.models.dataset.creative_table import CreativeTable
from keyart.models.embed.lower_layers import Kept, write_encoder
from keyart.models.embed.protocol import FloatArray
from keyart.models.ope.headlines.texts import opinions_on
from keyart.schemas.errors import SettingsError, UnknownName
from tests.unit.models.conftest import WORDS, small_model


@pytest.fixture
def source(tokenizer: Any, tmp_path: Path) -> tuple[Any, Path]:
    model = small_model(tokenizer, layers=6)
    model.save_pretrained(tmp_path / "source")
    tokenizer.save_pretrained(tmp_path / "source")
    return model, tmp_path / "source"


def test_the_encoder_is_the_models_own_lower_layers(
    source: tuple[Any, Path], tmp_path: Path
) -> None:
    model, folder = source
    assert write_encoder(str(folder), tmp_path / "out") == Kept(layers=4, of=6, width=48)
    encoder: Any = AutoModel.from_pretrained(tmp_path / "out")
    tokens = AutoTokenizer.from_pretrained(tmp_path / "out")(WORDS[0], return_tensors="pt")
    with torch.inference_mode():
        found = encoder(**tokens).last_hidden_state
        hidden = model(**tokens, output_hidden_states=True).hidden_states[4]
        torch.testing.assert_close(found, model.model.norm(hidden))
    assert len(encoder.layers) == 4


@pytest.mark.parametrize("layers", [-1, 7])
def test_layers_that_are_not_there_are_refused(
    source: tuple[Any, Path], tmp_path: Path, layers: int
) -> None:
    with pytest.raises(SettingsError, match="1 to 6"):
        write_encoder(str(source[1]), tmp_path / "out", layers=layers)


def test_it_gives_opinions_alone_and_beside_another(
    source: tuple[Any, Path], tmp_path: Path
) -> None:
    write_encoder(str(source[1]), tmp_path / "out")
    rng = np.random.default_rng(3)
    words = [word for text in WORDS for word in text.split()] or list(WORDS)
    table = CreativeTable(
        test=np.repeat(np.arange(40), 3),
        texts=tuple(" ".join(rng.choice(words, 4)) for _ in range(120)),
        impressions=np.full(120, 1000.0),
        clicks=rng.binomial(1000, 0.05, 120).astype(float),
    )
    early, late = table.part(0, 30), table.part(30, 40)
    alone = opinions_on(f"llm:{tmp_path / 'out'}", early, late)
    np.testing.assert_array_equal(
        alone.test, opinions_on(f"minilm:{tmp_path / 'out'}", early, late).test
    )
    both = opinions_on(f"static+minilm:{tmp_path / 'out'}", early, late)
    assert both.test.shape == alone.test.shape == (30,)
    read: dict[str, FloatArray] = {}
    spec, heard = f"static+minilm:{tmp_path / 'out'}", list[str]()
    for _ in range(2):
        again = opinions_on(
            spec, early, late, told=lambda what, done, total: heard.append(what), read=read
        )
        np.testing.assert_array_equal(again.test, both.test)
    assert len(read) == 2
    assert heard.count("static reads") == 2  # at its start and its end, once
    with pytest.raises(UnknownName, match="joined by"):
        opinions_on("static+other", early, late)
