"""ONNX against torch: the same option probabilities, with and without a remembered prefix."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from keyart.models.artifacts.graphs import check_graph
from keyart.models.llm.export import export as exporting
from keyart.models.llm.export.export import export
from keyart.models.llm.prompt.prompts import Prompter
from keyart.models.llm.prompt.template import load_template
from keyart.models.llm.scoring.manifest import MANIFEST_FILE, Manifest, read_manifest
from keyart.models.llm.scoring.onnx_engine import OnnxEngine
from keyart.models.llm.scoring.opinions import load_opinions
from keyart.models.llm.scoring.scorer import Scorer
from keyart.models.llm.scoring.torch_engine import TorchEngine
from keyart.models.priors.worth import UNMEASURED
from keyart.schemas.errors import ModelRejected
from tests.unit.models.conftest import example, small_model, small_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
EXAMPLES = [example(at, count=2 + at % 4, answer=at % 2, history=at % 3 * 2) for at in range(12)]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    tokenizer = small_tokenizer()
    small_model(tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def exported(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    out = tmp_path_factory.mktemp("exported") / "model"
    manifest = export(
        str(model_folder), EXAMPLES, out, name="small", kinds=("fp32", "int8", "int4"), prompts=12
    )
    return out, manifest


def test_manifest_says_what_the_model_is(exported: tuple[Path, Manifest]) -> None:
    out, manifest = exported
    assert read_manifest(out) == manifest
    assert manifest.template_digest == load_template("choose.v1").digest
    assert manifest.serves == "fp32"
    assert set(manifest.graphs) == {"fp32", "int8", "int4"}
    assert 0.05 <= manifest.temperature <= 20
    for graph in manifest.graphs.values():
        assert graph.parity.largest <= graph.parity.bound
        assert graph.parity.prompts == 12
        assert check_graph(out, graph).is_file()
    assert manifest.graphs["fp32"].parity.largest < 1e-4


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("batch_tokens", [1, 4096])
def test_onnx_is_torch(
    exported: tuple[Path, Manifest], model_folder: Path, share: bool, batch_tokens: int
) -> None:
    out, manifest = exported
    tokenizer: Any = small_tokenizer()
    prompter = Prompter(tokenizer, load_template("choose.v1"))
    prompts = [prompter.prompt(each) for each in EXAMPLES]
    counts = [len(each.options) for each in EXAMPLES]
    engine = OnnxEngine(out / manifest.graphs["fp32"].file)
    found = Scorer(engine, share=share, batch_tokens=batch_tokens).score(prompts, counts)
    torch_engine = TorchEngine(small_model(tokenizer), prompter.marks)
    expected = Scorer(torch_engine, share=False).score(prompts, counts)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.exp(one), np.exp(other), atol=1e-4)


def test_an_exported_folder_has_opinions(exported: tuple[Path, Manifest]) -> None:
    out, manifest = exported
    opinions = load_opinions(str(out), graph="fp32")
    assert opinions.name == "small"
    assert opinions.temperature == manifest.temperature
    for one in opinions.scored(EXAMPLES[:3]):
        assert one.probabilities.sum() == pytest.approx(1)


@pytest.fixture(scope="module")
def shallow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One layer, where it does not matter what is read: it is exported in half the time."""
    folder = tmp_path_factory.mktemp("shallow")
    tokenizer = small_tokenizer()
    small_model(tokenizer, layers=1).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_what_opinions_are_worth_travels_with_the_model(shallow: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    tests = []
    for at in range(14):
        takes = rng.binomial(1000, 0.03, 3)
        shown, taken = (1000.0,) * 3, tuple(float(each) for each in takes)
        answer = int(takes.argmax())
        tests.append(example(at, answer=answer, history=0, impressions=shown, rewards=taken))
    manifest = export(str(shallow), tests, tmp_path / "m", name="x", kinds=("fp32",))
    assert manifest.worth is not None
    assert manifest.worth.titles == 14
    opinions = load_opinions(str(tmp_path / "m"))
    assert opinions.worth == manifest.worth
    few = export(
        *(str(shallow), tests, tmp_path / "few"), name="x", kinds=("fp32",), calibrate_on=5
    )
    assert few.worth is None
    assert load_opinions(str(tmp_path / "few")).worth.strength == UNMEASURED


def test_a_changed_file_does_not_serve(exported: tuple[Path, Manifest], tmp_path: Path) -> None:
    out, manifest = exported
    for name in (*manifest.graphs["fp32"].digests, MANIFEST_FILE):
        (tmp_path / name).write_bytes((out / name).read_bytes())
    graph = manifest.graphs["fp32"]
    check_graph(tmp_path, graph)
    data = bytearray((tmp_path / graph.file).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / graph.file).write_bytes(data)
    with pytest.raises(ModelRejected, match="not the file"):
        check_graph(tmp_path, graph)
    far = msgspec.structs.replace(graph.parity, largest=graph.parity.bound * 2)
    with pytest.raises(ModelRejected, match="agree"):
        check_graph(out, msgspec.structs.replace(graph, parity=far))
    with pytest.raises(ModelRejected):
        check_graph(out, msgspec.structs.replace(graph, digests={"../x": "0"}))


def test_a_model_that_fails_parity_is_not_left_behind(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exported: Any
) -> None:
    ready, _ = exported

    def copy(_model: Any, _marks: Any, path: Path) -> int:
        for name in ("fp32.onnx", "fp32.onnx.data"):
            if (ready / name).is_file():
                (path.parent / name).write_bytes((ready / name).read_bytes())
        return 20

    monkeypatch.setattr(exporting, "export_graph", copy)
    with pytest.raises(ModelRejected, match="fp32"):
        export(
            str(model_folder),
            EXAMPLES,
            tmp_path / "out",
            name="x",
            kinds=("fp32",),
            bounds={"fp32": -1.0},
        )
    assert not (tmp_path / "out").exists()


def test_cuda_is_asserted_where_it_is_asked_for(exported: tuple[Path, Manifest]) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("CUDA is here: tests/gpu checks that it is used")
    out, manifest = exported
    with pytest.raises(ModelRejected, match="CUDA"):
        OnnxEngine(out / manifest.graphs["fp32"].file, device="cuda")
    engine = OnnxEngine(out / manifest.graphs["fp32"].file, device="auto")
    assert engine.providers == ["CPUExecutionProvider"]
