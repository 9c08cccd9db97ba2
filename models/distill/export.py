"""The dual encoder as ONNX, checked against torch."""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from msgspec import Struct

from keyart.models.distill.network import DualNetwork
from keyart.models.distill.train import DistillReport
from keyart.models.distill.vectors import VIEWER_WIDTH
from keyart.models.llm.export.manifest import file_digest
from keyart.models.llm.files import read_described, write_described
from keyart.schemas.errors import ModelRejected

GRAPH_FILE: Final = "dual.onnx"
MANIFEST_FILE: Final = "dual.json"
BOUND: Final = 1e-4


class DualManifest(Struct, frozen=True, kw_only=True):
    """What an exported dual encoder is: its space, its file's digest, its parity with torch."""

    name: str
    space: str
    artwork_width: int
    digest: str
    opset: int
    largest_difference: float
    bound: float
    report: DistillReport
    version: int = 1


def export_dual(
    network: DualNetwork, report: DistillReport, out: Path, *, name: str, space: str
) -> DualManifest:
    """Write graph and manifest to `out`.

    Raises
    ------
    ModelRejected
        ONNX Runtime's scores differ from torch's by more than `BOUND`.
    """
    from onnxruntime import InferenceSession

    out.mkdir(parents=True, exist_ok=True)
    width = network.appeal.in_features
    generator = torch.Generator().manual_seed(0)
    viewers = torch.randn(5, VIEWER_WIDTH, generator=generator)
    artworks = torch.randn(7, width, generator=generator)
    path = out / GRAPH_FILE
    with torch.no_grad():
        program = torch.onnx.export(
            network,
            (viewers, artworks),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("V")}, {0: torch.export.Dim("K")}),
            input_names=["viewers", "artworks"],
            output_names=["scores"],
            verbose=False,
        )
        expected = network(viewers[:2], artworks[:3]).numpy()
    if program is None:
        raise RuntimeError("torch.onnx.export(dynamo=True) returns a program")
    program.save(str(path), external_data=False)
    session = InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feeds = {"viewers": viewers[:2].numpy(), "artworks": artworks[:3].numpy()}
    found = np.asarray(session.run(["scores"], feeds)[0])
    difference = float(np.abs(found - expected).max())
    if not difference <= BOUND:
        path.unlink()
        raise ModelRejected(f"the dual encoder differs from torch by {difference}")
    manifest = DualManifest(
        name=name,
        space=space,
        artwork_width=width,
        digest=file_digest(path),
        opset=int(program.model.opset_imports[""]),
        largest_difference=difference,
        bound=BOUND,
        report=report,
    )
    write_described(out / MANIFEST_FILE, manifest)
    return manifest


def read_dual_manifest(folder: Path) -> DualManifest:
    """Return the manifest of an exported dual encoder; raises as `read_described` does."""
    return read_described(folder / MANIFEST_FILE, DualManifest, made_by="keyart llm distil")
