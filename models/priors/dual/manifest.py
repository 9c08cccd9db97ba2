"""What an exported dual encoder says of itself."""

from pathlib import Path
from typing import Final

from msgspec import Struct

from keyart.models.artifacts.described import read_described, write_described
from keyart.models.priors.dual.report import DistillReport
from keyart.models.priors.worth import Worth

VIEWER_GRAPH: Final = "viewer.onnx"
ARTWORK_GRAPH: Final = "artwork.onnx"
MANIFEST_FILE: Final = "dual.json"


class DualManifest(Struct, frozen=True, kw_only=True):
    """What an exported dual encoder is: its space, its files' digests, its parity with torch.

    `width` is P, the numbers on either side of the product. `worth` is what its word for strangers
    is worth as a prior, where the held-out examples were enough to measure it.
    """

    name: str
    space: str
    artwork_width: int
    width: int
    digests: dict[str, str]
    opset: int
    largest_difference: float
    bound: float
    report: DistillReport
    worth: Worth | None = None
    version: int = 2


def write_dual_manifest(folder: Path, manifest: DualManifest) -> None:
    """Write the manifest."""
    write_described(folder / MANIFEST_FILE, manifest)


def read_dual_manifest(folder: Path) -> DualManifest:
    """Return the manifest of an exported dual encoder; raises as `read_described` does."""
    return read_described(folder / MANIFEST_FILE, DualManifest, made_by="keyart llm distil")
