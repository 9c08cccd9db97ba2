"""A span reader in ONNX against torch: same option probabilities, prefixes shared or not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from keyart.models.embed.language_models import LanguageModel
from keyart.models.llm.export.export import export
from keyart.models.llm.prompt.prompts import Prompter
from keyart.models.llm.prompt.template import load_template
from keyart.models.llm.scoring.manifest import Manifest
from keyart.models.llm.scoring.onnx_engine import OnnxEngine
from keyart.models.llm.scoring.opinions import load_opinions
from keyart.models.llm.scoring.scorer import Scorer
from keyart.models.llm.scoring.span_reader import load_reader, new_reader, save_reader
from keyart.models.llm.scoring.torch_engine import TorchEngine
from tests.unit.models.conftest import example, small_model, small_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
EXAMPLES = [example(at, count=2 + at % 4, answer=at % 2, history=at % 3 * 2) for at in range(12)]


@pytest.fixture(scope="module")
def reader_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reader")
    tokenizer: Any = small_tokenizer()
    small = LanguageModel(name="small", model=small_model(tokenizer), tokenizer=tokenizer)
    reader = new_reader(small, 0)
    torch.manual_seed(0)
    torch.nn.init.normal_(reader.head.weight)
    save_reader(reader, tokenizer, folder, base="small")
    return folder


@pytest.fixture(scope="module")
def exported(
    reader_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Manifest]:
    out = tmp_path_factory.mktemp("exported") / "model"
    manifest = export(
        str(reader_folder), EXAMPLES, out, name="reader", kinds=("fp32", "int8"), prompts=12
    )
    return out, manifest


def test_every_graph_agrees_with_torch(exported: tuple[Path, Manifest]) -> None:
    _, manifest = exported
    assert manifest.graphs["fp32"].parity.largest < 1e-4
    for graph in manifest.graphs.values():
        assert graph.parity.largest <= graph.parity.bound
        assert graph.parity.prompts == 12


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("batch_tokens", [1, 4096])
def test_onnx_is_torch(
    exported: tuple[Path, Manifest], reader_folder: Path, share: bool, batch_tokens: int
) -> None:
    out, manifest = exported
    prompter = Prompter(small_tokenizer(), load_template("choose.v1"))
    prompts = [prompter.prompt(each, spans=True) for each in EXAMPLES]
    counts = [len(each.options) for each in EXAMPLES]
    engine = OnnxEngine(out / manifest.graphs["fp32"].file)
    assert engine.reads_spans
    found = Scorer(engine, share=share, batch_tokens=batch_tokens).score(prompts, counts)
    torch_engine = TorchEngine(load_reader(reader_folder).model, prompter.marks)
    expected = Scorer(torch_engine, share=False).score(prompts, counts)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.exp(one), np.exp(other), atol=1e-4)


def test_folder_and_export_have_the_same_opinions(
    exported: tuple[Path, Manifest], reader_folder: Path
) -> None:
    served, trained = load_opinions(str(exported[0])), load_opinions(str(reader_folder))
    for one, other in zip(served.scored(EXAMPLES), trained.scored(EXAMPLES), strict=True):
        logs = np.log(other.probabilities) / served.temperature
        expected = np.exp(logs - logs.max()) / np.exp(logs - logs.max()).sum()
        np.testing.assert_allclose(one.probabilities, expected, atol=1e-3)
