"""The layout of sentence-transformers: tiny models made here, against the steps done by hand."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from keyart.models.embed import load_space, taste_space
from keyart.models.embed.layout import read_recipe
from keyart.models.embed.protocol import Space
from keyart.schemas.errors import ModelRejected, UnknownName
from tests.unit.models.embed.small import write_hugging_face

torch = pytest.importorskip("torch", reason="needs keyart[llm]")
transformers = pytest.importorskip("transformers", reason="needs keyart[llm]")

TEXTS = ["a rocket", "cooking a space rocket", "space", "a a a cooking rocket space"]
WIDTH = 64


def write_layout(
    folder: Path,
    pooling: dict[str, Any],
    *,
    dense: tuple[int, str] | None = None,
    unit: bool = True,
    prompts: dict[str, str] | None = None,
    default: str | None = None,
    most: int = 128,
) -> Path:
    write_hugging_face(folder, WIDTH)
    modules = [("", "Transformer"), ("1_Pooling", "Pooling")]
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text(json.dumps(pooling))
    if dense is not None:
        modules.append(("2_Dense", "Dense"))
        (folder / "2_Dense").mkdir()
        said = {"activation_function": f"torch.nn.modules.activation.{dense[1]}"}
        (folder / "2_Dense/config.json").write_text(json.dumps(said))
        rng = np.random.default_rng(4)
        layer = {
            "linear.weight": rng.normal(size=(dense[0], WIDTH)).astype(np.float32),
            "linear.bias": rng.normal(size=dense[0]).astype(np.float32),
        }
        save_file(layer, folder / "2_Dense/model.safetensors")
    if unit:
        modules.append(("9_Normalize", "Normalize"))
    listed = [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for at, (path, kind) in enumerate(modules)
    ]
    (folder / "modules.json").write_text(json.dumps(listed))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": most}))
    config = {"prompts": prompts or {}, "default_prompt_name": default}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(config))
    return folder


def states(folder: Path, text: str, most: int = 128) -> Any:
    """Return (L, H): the text's last hidden state, by transformers alone."""
    tokeniser = importlib.import_module("tokenizers").Tokenizer.from_file(
        str(folder / "tokenizer.json")
    )
    model = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        return model(input_ids=torch.tensor([tokeniser.encode(text).ids[:most]]))[0][0]


BY_HAND: dict[str, Any] = {
    "pooling_mode_mean_tokens": lambda x: x.sum(0) / len(x),
    "pooling_mode_cls_token": lambda x: x[0],
    "pooling_mode_max_tokens": lambda x: x.max(0).values,
    "pooling_mode_lasttoken": lambda x: x[len(x) - 1],
    "pooling_mode_mean_sqrt_len_tokens": lambda x: x.sum(0) / len(x) ** 0.5,
    "pooling_mode_weightedmean_tokens": lambda x: (
        sum((at + 1) * row for at, row in enumerate(x)) / sum(range(1, len(x) + 1))
    ),
}


@pytest.mark.parametrize("mode", BY_HAND)
def test_every_pooling_is_what_it_is_by_hand(mode: str, tmp_path: Path) -> None:
    folder = write_layout(tmp_path / "m", {mode: True}, unit=False)
    found = load_space(f"st:{folder}").encode(TEXTS)
    expected = torch.stack([BY_HAND[mode](states(folder, text)) for text in TEXTS])
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


def test_two_poolings_are_joined_in_that_librarys_order(tmp_path: Path) -> None:
    both = {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}
    folder = write_layout(tmp_path / "m", both, unit=False)
    found = load_space(f"st:{folder}").encode(TEXTS[:1])[0]
    x = states(folder, TEXTS[0])
    np.testing.assert_allclose(found, torch.cat([x[0], x.mean(0)]).numpy(), atol=1e-5)


@pytest.mark.parametrize("activation", ["Tanh", "Identity", "GELU", "ReLU", "Sigmoid"])
def test_a_dense_layer_and_unit_length(activation: str, tmp_path: Path) -> None:
    folder = write_layout(tmp_path / "m", {"pooling_mode": "mean"}, dense=(24, activation))
    space = load_space(f"st:{folder}")
    assert space.dimensions == 24
    from safetensors.torch import load_file

    layer = load_file(folder / "2_Dense/model.safetensors")
    act = getattr(torch.nn, activation)()
    for text, vector in zip(TEXTS, space.encode(TEXTS), strict=True):
        mean = states(folder, text).mean(0)
        made = act(layer["linear.weight"] @ mean + layer["linear.bias"])
        np.testing.assert_allclose(vector, (made / made.norm()).numpy(), atol=1e-5)


@pytest.mark.parametrize("pooled", [True, False])
def test_a_prompt_is_put_before_and_pooled_or_not(pooled: bool, tmp_path: Path) -> None:
    pooling = {"pooling_mode_mean_tokens": True, "include_prompt": pooled}
    prompts = {"document": "a rocket ", "query": "cooking "}
    folder = write_layout(tmp_path / "m", pooling, unit=False, prompts=prompts, default="query")
    for name, prompt, tokens in (("#document", "a rocket ", 2), ("", "cooking ", 1)):
        found = load_space(f"st:{folder}{name}").encode(TEXTS)
        for text, vector in zip(TEXTS, found, strict=True):
            x = states(folder, prompt + text)
            np.testing.assert_allclose(vector, x[0 if pooled else tokens :].mean(0), atol=1e-5)
    with pytest.raises(UnknownName, match="document, query"):
        load_space(f"st:{folder}#nothing")


def test_no_more_tokens_are_read_than_the_folder_says(tmp_path: Path) -> None:
    folder = write_layout(tmp_path / "m", {"pooling_mode_mean_tokens": True}, unit=False, most=3)
    found = load_space(f"st:{folder}").encode([TEXTS[3]])[0]
    np.testing.assert_allclose(found, states(folder, TEXTS[3], most=3).mean(0), atol=1e-5)


def test_alone_or_in_company_and_nothing_is_nothing(tmp_path: Path) -> None:
    space = load_space(f"st:{write_layout(tmp_path / 'm', {'pooling_mode_max_tokens': True})}")
    together = space.encode([*TEXTS, "", "  "])
    alone = np.concatenate([space.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together[:4], alone, atol=1e-6)
    assert not together[4:].any()
    assert space.encode([]).shape == (0, WIDTH)


def test_what_can_change_a_vector_changes_the_identity(tmp_path: Path) -> None:
    mean, maximum = {"pooling_mode_mean_tokens": True}, {"pooling_mode_max_tokens": True}
    prompts = {"one": "a ", "two": "space "}
    made: list[Space] = [
        load_space(f"st:{write_layout(tmp_path / 'mean', mean, prompts=prompts)}"),
        load_space(f"st:{tmp_path / 'mean'}#one"),
        load_space(f"st:{tmp_path / 'mean'}#two"),
        load_space(f"st:{write_layout(tmp_path / 'max', maximum)}"),
        load_space(f"st:{write_layout(tmp_path / 'long', mean, unit=False)}"),
        load_space(f"st:{write_layout(tmp_path / 'dense', mean, dense=(24, 'Tanh'))}"),
        load_space(f"st:{write_layout(tmp_path / 'few', mean, most=7)}"),
    ]
    assert len({each.identity for each in made}) == len(made)
    # the mean of 256 tokens, of unit length: what a folder without a layout has always been
    plain = write_layout(tmp_path / "plain", mean, most=256)
    assert load_space(f"st:{plain}").identity == load_space(f"hf:{plain}").identity


def test_a_layout_can_be_the_space_of_tastes(tmp_path: Path) -> None:
    folder = write_layout(tmp_path / "m", {"pooling_mode_cls_token": True})
    space = taste_space(f"st:{folder}")
    lengths = np.linalg.norm(space.encode(TEXTS), axis=1)
    np.testing.assert_allclose(lengths, 1.0, atol=1e-5)
    assert space.identity != load_space(f"st:{folder}").identity
    with pytest.raises(UnknownName, match="none for tastes"):
        taste_space("style")


def broken(folder: Path, file: str, content: str) -> str:
    (folder / file).write_text(content)
    return f"st:{folder}"


@pytest.mark.parametrize(
    ("file", "content", "match"),
    [
        ("modules.json", "[", "modules.json"),
        ("modules.json", '[{"path": "", "type": "x.Transformer"}]', "names no pooling"),
        ("modules.json", '[{"path": "", "type": "x.WordEmbeddings"}]', "WordEmbeddings, is not"),
        ("modules.json", '[{"path": "../..", "type": "x.Transformer"}]', "leads out"),
        ("1_Pooling/config.json", '{"pooling_mode": "best"}', "'best' is not known"),
        ("1_Pooling/config.json", "{}", "names no pooling"),
        ("2_Dense/config.json", '{"activation_function": "x.Swish"}', "'Swish' is not known"),
        ("2_Dense/model.safetensors", "no tensors", "safetensors"),
        ("sentence_bert_config.json", '{"max_seq_length": -1}', "max_seq_length"),
        ("config_sentence_transformers.json", "x" * 1_000_001, "too large"),
    ],
)
def test_what_cannot_be_read_is_refused(
    file: str, content: str, match: str, tmp_path: Path
) -> None:
    folder = write_layout(tmp_path / "m", {"pooling_mode_mean_tokens": True}, dense=(8, "Tanh"))
    with pytest.raises(ModelRejected, match=match):
        load_space(broken(folder, file, content))


def test_a_folder_without_a_layout_says_so(tmp_path: Path) -> None:
    write_hugging_face(tmp_path / "m", WIDTH)
    with pytest.raises(ModelRejected, match="no layout"):
        load_space(f"st:{tmp_path / 'm'}")
    assert read_recipe(tmp_path / "m").modes == ("mean",)
