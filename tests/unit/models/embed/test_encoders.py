"""Other encoders by setting: a small Hugging Face model made here, and the same one as ONNX."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from keyart.models.embed import taste_space
from keyart.models.embed.concepts import read_vocabulary
from keyart.schemas.errors import MissingExtra, ModelRejected
from tests.unit.models.embed.small import write_hugging_face, write_tokeniser

torch = pytest.importorskip("torch", reason="needs keyart[llm]")
transformers = pytest.importorskip("transformers", reason="needs keyart[llm]")
onnx = pytest.importorskip("onnx", reason="needs keyart[onnx]")

TEXTS = ["a rocket to the moon", "", "cooking", "a much longer text about space and cooking"]


@pytest.fixture(scope="module")
def hf_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spaces") / "hf"
    write_hugging_face(folder, 144)
    return folder


@pytest.fixture(scope="module")
def onnx_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write an encoder that looks its tokens up in a table: hidden state (N, L, 96)."""
    folder = tmp_path_factory.mktemp("spaces") / "onnx"
    folder.mkdir()
    size = write_tokeniser(folder)
    table = np.random.default_rng(3).normal(size=(size, 96)).astype(np.float32)
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])],
        "encoder",
        [helper.make_tensor_value_info("input_ids", onnx.TensorProto.INT64, ["n", "l"])],
        [
            helper.make_tensor_value_info(
                "last_hidden_state", onnx.TensorProto.FLOAT, ["n", "l", 96]
            )
        ],
        [numpy_helper.from_array(table, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(folder / "model.onnx"))
    np.save(folder / "table.npy", table)
    return folder


def test_hugging_face_rows_are_unit_cut_to_128_and_free_of_their_company(hf_folder: Path) -> None:
    space = taste_space(f"hf:{hf_folder}")
    vectors = space.encode(TEXTS)
    assert vectors.shape == (4, 128) and space.dimensions == 128
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors[[0, 2, 3]], axis=1), 1, atol=1e-6)
    assert not vectors[1].any()
    alone = np.concatenate([space.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(vectors, alone, atol=1e-5)
    assert space.encode([]).shape == (0, 128)


def test_hugging_face_pools_as_transformers_does(hf_folder: Path) -> None:
    """Cosines between centred vectors equal those of mean pooling; the turn loses little."""
    space = taste_space(f"hf:{hf_folder}")
    tokeniser = importlib.import_module("tokenizers").Tokenizer.from_file(
        str(hf_folder / "tokenizer.json")
    )
    model = transformers.AutoModel.from_pretrained(hf_folder).eval()

    def pooled(text: str) -> np.ndarray:
        with torch.inference_mode():
            hidden = model(input_ids=torch.tensor([tokeniser.encode(text).ids]))[0]
        mean = hidden[0].numpy().mean(axis=0)
        unit: np.ndarray = mean / np.linalg.norm(mean)
        return unit

    names = [f"{name}: {words}" for name, words in read_vocabulary()]
    centre = np.mean([pooled(text) for text in names], axis=0)
    some = [names[at] for at in (0, 40, 80, 120)]
    rows = np.stack([pooled(text) - centre for text in some])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    vectors = space.encode(some)
    np.testing.assert_allclose(vectors @ vectors.T, rows @ rows.T, atol=0.05)


def test_the_leading_dimensions_tell_interests_apart_best(hf_folder: Path) -> None:
    space = taste_space(f"hf:{hf_folder}")
    vectors = space.encode([f"{name}: {words}" for name, words in read_vocabulary()])
    spread = vectors.var(axis=0)
    assert spread[:64].sum() > 2 * spread[64:].sum()


def test_onnx_agrees_with_the_table_it_was_made_from(onnx_folder: Path) -> None:
    space = taste_space(f"onnx:{onnx_folder}")
    assert space.dimensions == 96
    table = np.load(onnx_folder / "table.npy").astype(float)
    vocabulary = json.loads((onnx_folder / "tokenizer.json").read_text())["model"]["vocab"]

    def pooled(text: str) -> np.ndarray:
        ids = [vocabulary.get(word, 1) for word in text.lower().split()]
        mean = table[ids].mean(axis=0)
        unit: np.ndarray = mean / np.linalg.norm(mean)
        return unit

    centre = np.mean([pooled(f"{name}: {words}") for name, words in read_vocabulary()], axis=0)
    rows = np.stack([pooled(text) - centre for text in ("a rocket", "cooking", "space rocket")])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    vectors = space.encode(["a rocket", "cooking", "space rocket"])
    # 96 dimensions are all kept, so the turn is a rotation and loses nothing.
    np.testing.assert_allclose(vectors @ vectors.T, rows @ rows.T, atol=1e-5)


def test_spaces_have_identities_of_their_own(
    hf_folder: Path, onnx_folder: Path, tmp_path: Path
) -> None:
    write_hugging_face(tmp_path / "other", 144, seed=6)
    specs = ["static", f"hf:{hf_folder}", f"hf:{tmp_path / 'other'}", f"onnx:{onnx_folder}"]
    assert len({taste_space(spec).identity for spec in specs}) == 4
    assert taste_space(specs[1]).identity == taste_space(specs[1]).identity


def test_a_narrow_encoder_is_refused(tmp_path: Path) -> None:
    write_hugging_face(tmp_path / "narrow", 32)
    with pytest.raises(ModelRejected, match="32 dimensions; taste needs 64"):
        taste_space(f"hf:{tmp_path / 'narrow'}")


def test_a_graph_with_strange_inputs_is_refused(onnx_folder: Path, tmp_path: Path) -> None:
    model = onnx.load(str(onnx_folder / "model.onnx"))
    model.graph.input[0].name = "pixels"
    model.graph.node[0].input[1] = "pixels"
    onnx.save(model, str(tmp_path / "model.onnx"))
    (tmp_path / "tokenizer.json").write_bytes((onnx_folder / "tokenizer.json").read_bytes())
    with pytest.raises(ModelRejected, match="pixels"):
        taste_space(f"onnx:{tmp_path}")


def test_missing_files_and_missing_extras_are_named(
    hf_folder: Path, onnx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for spec in (f"hf:{tmp_path}", f"onnx:{tmp_path}"):
        with pytest.raises(ModelRejected, match=r"tokenizer\.json"):
            taste_space(spec)
    for module, spec, extra in (
        ("torch", f"hf:{hf_folder}", "llm"),
        ("onnxruntime", f"onnx:{onnx_folder}", "onnx"),
    ):
        monkeypatch.setitem(importlib.import_module("sys").modules, module, None)
        with pytest.raises(MissingExtra, match=rf"keyart\[{extra}\]"):
            taste_space(spec)
