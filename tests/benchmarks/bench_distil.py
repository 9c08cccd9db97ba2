"""The dual encoder on one core: a prior for any viewer and artwork, in ONNX Runtime and in torch.

The sizes are the shipped ones; what it learned has no part in its speed, so it learned nothing. A
unit is one viewer with one artwork. The artworks' vectors are given, as the catalogue keeps them.
"""

from tests.benchmarks.common import Row, rates, rows_of, show  # isort: skip (sets threads)

import importlib.util
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

WIDTH = 128
SIZES = ((1, 5), (1, 40), (1, 1000), (64, 1000))
"""Viewers and artworks: one title, a page or a large title, a catalogue, a batch of viewers."""


class Onnx:
    """One call of the exported graph."""

    def __init__(self, dual: Any, viewers: np.ndarray, artworks: np.ndarray) -> None:
        self._dual, self._given = dual, (viewers, artworks)

    def __call__(self) -> int:
        """Score, and return how many viewer-artworks."""
        return int(self._dual.scores(*self._given).size)


class Torch:
    """The same in torch."""

    def __init__(self, network: Any, viewers: np.ndarray, artworks: np.ndarray) -> None:
        import torch

        self._network = network
        self._given = (torch.from_numpy(viewers), torch.from_numpy(artworks))

    def __call__(self) -> int:
        """Score, and return how many viewer-artworks."""
        import torch

        with torch.inference_mode():
            return int(self._network(*self._given).numel())


def exported(folder: Path) -> tuple[Any, Any]:
    """Return a network of the shipped sizes and its export."""
    import torch

    from keyart.models.priors.dual.dual import DualEncoder
    from keyart.models.priors.dual.export import export_dual
    from keyart.models.priors.dual.network import DualNetwork
    from keyart.models.priors.dual.report import DistillReport, DistillSettings
    from keyart.models.priors.dual.vectors import VIEWER_WIDTH
    from keyart.schemas.taste import TASTE_DIMENSIONS

    torch.set_num_threads(1)
    network = DualNetwork(viewer=VIEWER_WIDTH, artwork=WIDTH, shared=TASTE_DIMENSIONS).eval()
    report = DistillReport(
        settings=DistillSettings(),
        examples=0,
        with_answer=0,
        with_soft_label=0,
        parameters=sum(each.numel() for each in network.parameters()),
        best_epoch=0,
        held_out=[],
        seconds=0.0,
    )
    export_dual(network, report, folder, name="bench", space="bench")
    return network, DualEncoder(folder, space="bench")


def main() -> list[Row]:
    """Measure, print and return the tables; nothing where torch is not installed."""
    missing = [each for each in ("torch", "onnxruntime") if importlib.util.find_spec(each) is None]
    if missing:
        Console().print(f"distil: not measured, {', '.join(missing)} not installed")
        return []
    from keyart.models.priors.dual.vectors import VIEWER_WIDTH

    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        network, dual = exported(Path(folder))
        rng = np.random.default_rng(0)
        for count, size in SIZES:
            viewers = rng.normal(size=(count, VIEWER_WIDTH)).astype(np.float32)
            artworks = rng.normal(size=(size, WIDTH)).astype(np.float32)
            contenders: dict[str, Any] = {
                "torch": Torch(network, viewers, artworks),
                "ONNX Runtime": Onnx(dual, viewers, artworks),
            }
            found = rates(contenders, rounds=9, seconds=0.1)
            notes = {
                name: f"{1e6 / np.median(each):.3f} us a viewer-artwork, "
                f"{1e6 * count * size / np.median(each):,.0f} us a call"
                for name, each in found.items()
            }
            bench = f"distil-{count}x{size}"
            made = rows_of(bench, found, unit="pairs/s", against="torch", notes=notes)
            show(f"dual encoder, {count} viewers x {size} artworks, one core", made)
            rows += made
    return rows


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
