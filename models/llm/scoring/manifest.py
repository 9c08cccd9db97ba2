"""What an exported language model says of itself."""

from pathlib import Path
from typing import Final

from msgspec import Struct

from keyart.models.artifacts.described import read_described, write_described
from keyart.models.artifacts.graphs import Graph
from keyart.models.priors.worth import Worth

MANIFEST_FILE: Final = "manifest.json"


class Manifest(Struct, frozen=True, kw_only=True):
    """What an exported model is: `graphs` by kind (fp32, int8, int4), and what must travel with it.

    `name` identifies the model wherever a prior is named; `temperature` calibrates its option
    probabilities (log p / temperature, normalised again); `worth`, where the held-out examples
    were enough to measure it, says what these opinions are worth as a prior.
    """

    name: str
    base: str
    template: str
    template_digest: str
    tokenizer_digest: str
    marks: list[int]
    graphs: dict[str, Graph]
    serves: str
    temperature: float = 1.0
    worth: Worth | None = None
    shuffles: int = 4
    libraries: dict[str, str] = {}
    version: int = 1


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest."""
    write_described(folder / MANIFEST_FILE, manifest)


def read_manifest(folder: Path) -> Manifest:
    """Return the folder's manifest; raises as `read_described` does."""
    return read_described(folder / MANIFEST_FILE, Manifest, made_by="keyart llm export")
