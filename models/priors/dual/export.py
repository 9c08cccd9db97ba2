"""The dual encoder as two ONNX graphs, one a side, checked against torch."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from keyart.models.artifacts.digests import file_digest
from keyart.models.dataset.examples import Example
from keyart.models.priors.dual.manifest import (
    ARTWORK_GRAPH,
    MANIFEST_FILE,
    VIEWER_GRAPH,
    DualManifest,
    write_dual_manifest,
)
from keyart.models.priors.dual.network import DualNetwork
from keyart.models.priors.dual.probes import PROBES_FILE, save_probes
from keyart.models.priors.dual.report import DistillReport
from keyart.models.priors.dual.sides import DualSides
from keyart.models.priors.dual.vectors import VIEWER_WIDTH, Floats
from keyart.models.priors.worth import Worth, measure_worth
from keyart.schemas.errors import ModelRejected

BOUND: Final = 1e-4


class _Side(torch.nn.Module):
    """One side of the network, as a module that can be exported."""

    def __init__(self, network: DualNetwork, side: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.network = network
        self._side = side

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self._side(rows)


def export_dual(
    network: DualNetwork,
    report: DistillReport,
    out: Path,
    *,
    name: str,
    space: str,
    worth: Worth | None = None,
) -> DualManifest:
    """Write both graphs, what torch says of a few rows, and the manifest to `out`.

    Raises
    ------
    ModelRejected
        ONNX Runtime's scores differ from torch's by more than `BOUND`.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / MANIFEST_FILE).unlink(missing_ok=True)
    width = network.artwork_width
    generator = torch.Generator().manual_seed(0)
    viewers = torch.randn(5, VIEWER_WIDTH, generator=generator)
    artworks = torch.randn(7, width, generator=generator)
    opset = _export(network, network.viewer_side, viewers, out / VIEWER_GRAPH)
    _export(network, network.artwork_side, artworks, out / ARTWORK_GRAPH)
    sides = DualSides(*((out / each).read_bytes() for each in (VIEWER_GRAPH, ARTWORK_GRAPH)))
    found = sides.viewers(viewers.numpy()) @ sides.artworks(artworks.numpy()).T
    with torch.no_grad():
        expected = network(viewers, artworks).numpy()
    difference = float(np.abs(found - expected).max())
    if not difference <= BOUND:
        for graph in (VIEWER_GRAPH, ARTWORK_GRAPH):
            (out / graph).unlink()
        raise ModelRejected(f"the dual encoder differs from torch by {difference}")
    save_probes(out, viewers.numpy(), artworks.numpy(), expected)
    manifest = DualManifest(
        name=name,
        space=space,
        artwork_width=width,
        width=sides.width,
        digests={
            each: file_digest(out / each) for each in (VIEWER_GRAPH, ARTWORK_GRAPH, PROBES_FILE)
        },
        opset=opset,
        largest_difference=difference,
        bound=BOUND,
        report=report,
        worth=worth,
    )
    write_dual_manifest(out, manifest)
    return manifest


def _export(
    network: DualNetwork,
    side: Callable[[torch.Tensor], torch.Tensor],
    example: torch.Tensor,
    path: Path,
) -> int:
    """Write one side's graph and return its opset; the number of rows is dynamic."""
    with torch.no_grad():
        program: Any = torch.onnx.export(
            _Side(network, side).eval(),
            (example,),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("N")},),
            input_names=["rows"],
            output_names=["side"],
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export(dynamo=True) returns a program")
    program.save(str(path), external_data=False)
    return int(program.model.opset_imports[""])


def worth_for_strangers(
    network: DualNetwork, examples: Sequence[Example], vectors: dict[str, Floats]
) -> Worth | None:
    """Return what the network's word for a viewer of whom nothing is known is worth as a prior.

    Parameters
    ----------
    examples
        Held out, answered or not; None comes back where they are too few to tell.
    """
    stranger = torch.zeros(1, VIEWER_WIDTH)
    said = []
    with torch.no_grad():
        for example in examples:
            words = np.stack([vectors[option.description] for option in example.options])
            scores = network(stranger, torch.from_numpy(words))[0].double()
            said.append(scores.softmax(-1).numpy())
    return measure_worth(examples, said)
