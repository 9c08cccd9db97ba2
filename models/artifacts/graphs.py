"""An exported graph: its files with their digests, and how far it agreed with what it came from."""

from pathlib import Path

from msgspec import Struct

from keyart.models.artifacts.digests import file_digest
from keyart.schemas.errors import ModelRejected


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
