"""What an exported model says of itself, and the check that its files are what it says."""

import hashlib
from pathlib import Path
from typing import Final

from msgspec import Struct

from keyart.models.artifacts.described import read_described, write_described
from keyart.models.priors.worth import Worth
from keyart.schemas.errors import ModelRejected

MANIFEST_FILE: Final = "manifest.json"
_CHUNK: Final = 1 << 20


class Parity(Struct, frozen=True, kw_only=True):
    """How far an exported graph's option probabilities are from torch's, on `prompts` prompts.

    `largest` and `mean` are of the absolute differences; `same_choice` is the share of prompts with
    the same first choice; `bound` is what `largest` had to be under.
    """

    prompts: int
    largest: float
    mean: float
    same_choice: float
    bound: float


class Graph(Struct, frozen=True, kw_only=True):
    """One exported graph: its files with their digests (BLAKE2b, 32 hex digits), and its parity."""

    file: str
    digests: dict[str, str]
    opset: int
    bytes: int
    parity: Parity


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


def file_digest(path: Path) -> str:
    """Return the file's BLAKE2b digest, 32 hex digits."""
    found = hashlib.blake2b(digest_size=16)
    with path.open("rb") as data:
        while chunk := data.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest."""
    write_described(folder / MANIFEST_FILE, manifest)


def read_manifest(folder: Path) -> Manifest:
    """Return the folder's manifest; raises as `read_described` does."""
    return read_described(folder / MANIFEST_FILE, Manifest, made_by="keyart llm export")


def check_graph(folder: Path, graph: Graph) -> Path:
    """Return the graph's path, its files checked against their digests.

    Raises
    ------
    ModelRejected
        A file is missing, changed, or lies outside the folder; or the parity failed.
    """
    for name, digest in graph.digests.items():
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise ModelRejected(f"{name} is not in {folder}")
        if file_digest(path) != digest:
            raise ModelRejected(f"{name} is not the file that the manifest describes")
    if not graph.parity.largest <= graph.parity.bound:
        raise ModelRejected(f"{graph.file} did not agree with torch: {graph.parity}")
    return folder / graph.file
