"""What torch said of a few titles, kept beside the graph: parity that needs no torch to look at.

They are questions about the catalogue that nobody's history is part of: what is kept for good holds
nothing of a viewer.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from keyart.models.dataset.examples import Example
from keyart.models.llm.scoring.opinions import Opinions
from keyart.models.llm.scoring.options import score_options
from keyart.schemas.errors import ModelRejected

PROBES_FILE: Final = "probes.jsonl"
MOST: Final = 16


class Probe(Struct, frozen=True, kw_only=True):
    """A question, and torch's probability of each option, mean over the orders; sums to 1."""

    question: Example
    said: tuple[float, ...]


def unscaled(opinions: Opinions, examples: Sequence[Example]) -> list[NDArray[np.float64]]:
    """Return what the model itself says, (K,) each: no temperature, the mean over the orders."""
    found = score_options(
        opinions.prompter, opinions.scorer, examples, shuffles=opinions.shuffles, seed=0
    )
    return [each.probabilities for each in found]


def save_probes(folder: Path, torch: Opinions, questions: Sequence[Example]) -> None:
    """Keep what a model on torch says of at most `MOST` questions."""
    asked = questions[:MOST]
    said = unscaled(torch, asked)
    probes = (
        Probe(question=each, said=tuple(one.tolist()))
        for each, one in zip(asked, said, strict=True)
    )
    lines = b"".join(msgspec.json.encode(each) + b"\n" for each in probes)
    (folder / PROBES_FILE).write_bytes(lines)


def parity_with_torch(folder: Path, graph: Opinions) -> float | None:
    """Return the largest difference of the graph's probabilities from torch's; None: no probes.

    Raises
    ------
    ModelRejected
        The probes cannot be read, or are of other options.
    """
    path = folder / PROBES_FILE
    lines = path.read_bytes().splitlines() if path.is_file() else []
    if not lines:
        return None
    try:
        probes = [msgspec.json.decode(line, type=Probe) for line in lines]
    except msgspec.DecodeError as wrong:
        raise ModelRejected(f"{path}: {wrong}") from None
    if any(len(each.said) != len(each.question.options) for each in probes):
        raise ModelRejected(f"{path} is of other options than it asks about")
    found = unscaled(graph, [each.question for each in probes])
    return max(
        float(np.abs(one - np.array(each.said)).max())
        for one, each in zip(found, probes, strict=True)
    )
