"""`keyart serendipity questions`: what a language model learns planning from, as a dataset."""

from pathlib import Path
from typing import Final

import numpy as np

from keyart.models.artifacts.described import write_described
from keyart.models.dataset.examples import write_examples
from keyart.models.dataset.prepare import DATASET_FILE, Dataset
from keyart.models.serendipity.cases import Ways
from keyart.models.serendipity.language.rows import answered_questions
from keyart.models.serendipity.measure.evaluate import vocabulary_of
from keyart.models.serendipity.memory import remember
from keyart.models.serendipity.planners.counting import Cooccurrence
from keyart.models.serendipity.reading.folders import read_folders
from keyart.schemas.errors import InvalidRecord

VALID: Final = 0.1
"""Share of the viewers who say when training has learned enough."""


def write_questions(
    dataset: Path, train: Path, *, clusters: int, positive: float | None, seed: int
) -> Dataset:
    """Write the questions of the viewers in a folder; return what was written.

    Raises
    ------
    InvalidRecord
        Nobody came to three clusters.
    """
    world, teaching, _ = read_folders(train, positive=positive)
    viewers = sorted(teaching)
    vocabulary, _, labels = vocabulary_of(world, viewers, clusters=clusters, seed=seed)
    ways = Ways(world, labels, seed=seed)
    shortlist = Cooccurrence(remember(world, ways, labels, viewers, len(vocabulary.names)))
    order = np.random.default_rng(seed).permutation(viewers).tolist()
    apart = max(1, int(VALID * len(order)))
    splits = {"train": order[apart:], "valid": order[:apart], "test": []}
    dataset.mkdir(parents=True, exist_ok=True)
    counts = {}
    for split, some in splits.items():
        orders = [ways.sequence(viewer).order for viewer in some]
        made = answered_questions(vocabulary, orders, shortlist, seed=seed)
        counts[split] = write_examples(dataset / f"{split}.jsonl", made)
    if not counts["train"]:
        raise InvalidRecord("nobody came to three interest clusters: there is nothing to learn")
    described = Dataset(
        source=vocabulary.identity,
        kind="plan",
        clip=1.0,
        valid_from_ms=0,
        test_from_ms=0,
        counts=counts,
        answered=counts,
        left_out={},
        effective=float(counts["train"]),
    )
    write_described(dataset / DATASET_FILE, described)
    return described
