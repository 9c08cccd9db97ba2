"""From the log, or a table, to a folder of examples: train, valid, test, and what was done."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from msgspec import Struct

from keyart.models.llm.catalogue import read_catalogue
from keyart.models.llm.examples import SPLITS, Example, read_examples, write_examples
from keyart.models.llm.files import read_described, write_described
from keyart.models.llm.logs import Reader, read_log
from keyart.models.llm.rationales.write import REASONS_FILE, with_reasons
from keyart.models.llm.splits import Splitter, time_bounds
from keyart.models.llm.tables import read_table, table_examples
from keyart.models.llm.weights import effective_size, inverse_propensity
from keyart.schemas.errors import NotFound

DATASET_FILE = "dataset.json"


class Dataset(Struct, frozen=True, kw_only=True):
    """What a folder of examples holds, and how it came about.

    `left_out` counts rows that became no example, by reason; `effective` is Kish's sample size of
    the training weights: how much the inverse propensities cost.
    """

    source: str
    kind: str
    clip: float
    valid_from_ms: int
    test_from_ms: int
    counts: dict[str, int]
    answered: dict[str, int]
    left_out: dict[str, int]
    effective: float
    version: int = 1


def prepare_log(
    log: Path,
    catalogue: Path,
    out: Path,
    *,
    valid: float = 0.1,
    test: float = 0.2,
    clip: float = 20.0,
    entries: int = 12,
    taste: Callable[[Example], str] | None = None,
) -> Dataset:
    """Write the examples of a training log (Parquet by day) under `out`.

    Parameters
    ----------
    log
        Folder or file of rewards, one row each.
    catalogue
        JSON Lines of titles: where the words come from.
    valid, test
        Shares of the decisions, the latest ones.
    clip
        Greatest inverse propensity.
    entries
        Entries of history at most.
    taste
        Says the viewer's taste in words, for the prompt; None leaves it out.
    """
    reader = Reader(read_catalogue(catalogue), entries=entries)

    def examples() -> Iterator[Example]:
        for row in read_log(log):
            example = reader.example(row)
            if example is not None:
                yield _with_taste(example, taste)

    times = [(row.pair, row.shown_at_ms) for row in read_log(log)]
    kind = {"source": log.name, "kind": "log"}
    return _write(examples(), times, out, kind, valid, test, clip, reader.left_out)


def prepare_table(
    table: Path,
    out: Path,
    *,
    valid: float = 0.1,
    test: float = 0.3,
    clip: float = 20.0,
    soft: bool = True,
    without: Path | None = None,
) -> Dataset:
    """Write the examples of a table of tests (test, text, impressions, clicks) under `out`.

    Parameters
    ----------
    soft
        Whether examples say how probably each text is the best, for training to aim at.
    without
        Another table, whose tests (column test) are left out: those that are to stay unseen.
    """
    frame = read_table(table)
    left_out: dict[str, int] = {}
    if without is not None:
        unseen = read_table(without)["test"].unique()
        tests = frame["test"].n_unique()
        frame = frame.filter(~pl.col("test").is_in(unseen.to_list()))
        left_out = {f"test of {without.name}": tests - frame["test"].n_unique()}
    made = list(table_examples(frame, soft=soft))
    times = [(example.pair, example.shown_at_ms) for example in made]
    kind = {"source": table.name, "kind": "table"}
    return _write(made, times, out, kind, valid, test, clip, left_out)


def _with_taste(example: Example, taste: Callable[[Example], str] | None) -> Example:
    if taste is None:
        return example
    return msgspec.structs.replace(example, taste=taste(example))


def _write(
    examples: Iterable[Example],
    pairs: list[tuple[str, int]],
    out: Path,
    kind: dict[str, str],
    valid: float,
    test: float,
    clip: float,
    left_out: dict[str, int],
) -> Dataset:
    bounds = time_bounds((at for _, at in pairs), valid=valid, test=test)
    splitter = Splitter(valid_from_ms=bounds[0], test_from_ms=bounds[1])
    for pair, at in pairs:
        splitter.note(pair, at)
    out.mkdir(parents=True, exist_ok=True)
    encode = msgspec.json.encode
    dropped = 0
    answered: dict[str, list[tuple[float, float]]] = {split: [] for split in SPLITS}
    counts = dict.fromkeys(SPLITS, 0)
    raw = {split: out / f"{split}.unweighted" for split in SPLITS}
    files = {split: path.open("wb") for split, path in raw.items()}
    try:
        for example in examples:
            split = splitter.split_of(example.pair, example.shown_at_ms)
            if not split:
                dropped += 1
                continue
            counts[split] += 1
            files[split].write(encode(example) + b"\n")
            if example.answer >= 0:
                answered[split].append(_evidence(example))
    finally:
        for file in files.values():
            file.close()
    effective = 0.0
    for split in SPLITS:
        columns = np.array(answered[split], np.float64).reshape(-1, 2)
        weights = inverse_propensity(columns[:, 0], columns[:, 1], clip=clip)
        if split == "train":
            effective = effective_size(weights)
        write_examples(out / f"{split}.jsonl", _weighted(raw[split], weights))
        raw[split].unlink()
    dataset = Dataset(
        source=kind["source"],
        kind=kind["kind"],
        clip=clip,
        valid_from_ms=bounds[0],
        test_from_ms=bounds[1],
        counts=counts,
        answered={split: len(found) for split, found in answered.items()},
        left_out={**left_out, **({"pair of a later split": dropped} if dropped else {})},
        effective=round(effective, 1),
    )
    write_described(out / DATASET_FILE, dataset)
    return dataset


def _evidence(example: Example) -> tuple[float, float]:
    """Return the answer's propensity and value, which its weight is made of.

    A decision's answer is known because it was shown, with its propensity. In a table's test every
    option was shown, so that its answer is known whichever it is: propensity 1, value 1.
    """
    if sum(example.impressions) == 1:
        return example.propensities[example.answer], example.rewards[example.answer]
    return 1.0, 1.0


def _weighted(path: Path, weights: np.ndarray[Any, np.dtype[np.float64]]) -> Iterator[Example]:
    given = iter(weights.tolist())
    for example in read_examples(path):
        yield (
            msgspec.structs.replace(example, weight=next(given)) if example.answer >= 0 else example
        )


def read_split(folder: Path, split: str) -> list[Example]:
    """Return one split's examples, with the reasons that were kept.

    Raises
    ------
    NotFound
        The folder was not made by `prepare`.
    """
    path = folder / f"{split}.jsonl"
    if not path.is_file():
        raise NotFound(f"no {split}.jsonl in {folder}: keyart llm prepare makes it")
    return with_reasons(read_examples(path), folder / REASONS_FILE)


def read_dataset(folder: Path) -> Dataset:
    """Return what the folder says of itself; raises as `read_described` does."""
    return read_described(folder / DATASET_FILE, Dataset, made_by="keyart llm prepare")
