"""From the log, or a table, to a folder of examples: train, valid, test, and what was done."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from keyart.models.artifacts.described import read_described, write_described
from keyart.models.dataset.catalogue import read_catalogue
from keyart.models.dataset.creative_files import read_distinct, test_ids
from keyart.models.dataset.examples import SPLITS, Example, read_examples, write_examples
from keyart.models.dataset.influence import Bounds
from keyart.models.dataset.logs import Logged, Reader, read_log
from keyart.models.dataset.reasons import REASONS_FILE, with_reasons
from keyart.models.dataset.splits import Splitter, time_bounds
from keyart.models.dataset.table_examples import table_examples
from keyart.models.dataset.taught import Shares, shares_of
from keyart.models.dataset.weights import effective_size, inverse_propensity
from keyart.schemas.catalogue import Title
from keyart.schemas.errors import InvalidRecord, NotFound, SettingsError

DATASET_FILE = "dataset.json"
MAX_ENTRIES = 1000


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
    catalogue: Path | Mapping[str, Title],
    out: Path,
    *,
    valid: float = 0.1,
    test: float = 0.2,
    clip: float = 20.0,
    entries: int = 12,
    taste: Callable[[Example], str] | None = None,
    lately: Callable[[Example], str] | None = None,
    bounds: Bounds | None = None,
    since_ms: int = 0,
) -> Dataset:
    """Write the examples of a training log (Parquet by day) under `out`.

    Parameters
    ----------
    log
        Folder or file of rewards, one row each.
    catalogue
        JSON Lines of titles, or titles by id: where the words come from.
    valid, test
        Shares of the decisions, the latest ones.
    clip
        Greatest inverse propensity.
    entries
        Entries of history at most, 0 to `MAX_ENTRIES`.
    taste
        Says the viewer's taste in words, for the prompt; None leaves it out.
    lately
        Says what had recently worked when it was shown; None leaves it out.
    bounds
        What may teach; None: everything, in full.
    since_ms
        What was shown before makes no example; it is history.
    """
    _check(valid, test, clip)
    if not 0 <= entries <= MAX_ENTRIES:
        raise SettingsError(f"--entries must be 0 to {MAX_ENTRIES}, is {entries}")
    titles = read_catalogue(catalogue) if isinstance(catalogue, Path) else dict(catalogue)
    reader = Reader(titles, entries=entries)
    shares = shares_of(log, bounds, since_ms=since_ms) if bounds else Shares()
    counts = shares.counts

    def rows() -> Iterator[Logged]:
        for row in read_log(log):
            if counts.get(row.id, 1.0) > 0.0:
                yield row

    def examples() -> Iterator[Example]:
        for row in rows():
            example = reader.example(row)
            if example is not None and row.shown_at_ms >= since_ms:
                example = msgspec.structs.replace(
                    example,
                    counts=counts.get(row.id, 1.0),
                    place=shares.places.at(row.surface, row.position),
                    lately=lately(example) if lately else "",
                )
                yield _with_taste(example, taste)

    times = [(row.pair, row.shown_at_ms) for row in rows() if row.shown_at_ms >= since_ms]
    if held := sum(each == 0.0 for each in counts.values()):
        reader.left_out["held back or beyond its share"] = held
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

    Raises
    ------
    NotFound, InvalidRecord
        As `read_distinct` does; or there are too few tests to split.
    """
    _check(valid, test, clip)
    unseen = test_ids(without) if without is not None else set()
    tests = read_distinct(table, without=unseen)
    made = list(table_examples(tests, soft=soft))
    # split by the order of the tests: their times may be the same, or not known
    order = {example.pair: at for at, example in enumerate(made)}
    kind = {"source": table.name, "kind": "table"}
    other = "of the other table" if without is None else f"of {without.name}"
    left_out = {
        f"test {why.replace('of the other table', other)}": count
        for why, count in tests.reasons.items()
    }
    return _write(
        made,
        list(order.items()),
        out,
        kind,
        valid,
        test,
        clip,
        left_out,
        at=lambda example: order[example.pair],
    )


def _check(valid: float, test: float, clip: float) -> None:
    """Raise SettingsError where a share or the bound of weights cannot be used; before any work."""
    time_bounds((), valid=valid, test=test)
    if not 1.0 <= clip < math.inf:
        raise SettingsError(f"--clip must be a number of at least 1, is {clip}")


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
    *,
    at: Callable[[Example], int] = attrgetter("shown_at_ms"),
) -> Dataset:
    """Write the splits of examples; `pairs` says where each stands in time, as `at` does."""
    bounds = time_bounds((when for _, when in pairs), valid=valid, test=test)
    splitter = Splitter(valid_from_ms=bounds[0], test_from_ms=bounds[1])
    for pair, when in pairs:
        splitter.note(pair, when)
    out.mkdir(parents=True, exist_ok=True)
    encode = msgspec.json.encode
    dropped = 0
    answered: dict[str, list[tuple[float, float]]] = {split: [] for split in SPLITS}
    counts, since = dict.fromkeys(SPLITS, 0), dict[str, int]()
    raw = {split: out / f"{split}.unweighted" for split in SPLITS}
    files = {split: path.open("wb") for split, path in raw.items()}
    try:
        for example in examples:
            split = splitter.split_of(example.pair, at(example))
            if not split:
                dropped += 1
                continue
            counts[split] += 1
            since[split] = min(since.get(split, example.shown_at_ms), example.shown_at_ms)
            files[split].write(encode(example) + b"\n")
            if example.answer >= 0:
                answered[split].append(_evidence(example))
    finally:
        for file in files.values():
            file.close()
    if not all(counts.values()):
        for path in raw.values():
            path.unlink()
        raise InvalidRecord(
            f"{kind['source']}: too little to split in time: "
            + ", ".join(f"{count:,} for {split}" for split, count in counts.items())
        )
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
        valid_from_ms=since["valid"],
        test_from_ms=since["test"],
        counts=counts,
        answered={split: len(found) for split, found in answered.items()},
        left_out={**left_out, **({"pair of a later split": dropped} if dropped else {})},
        effective=round(effective, 1),
    )
    write_described(out / DATASET_FILE, dataset)
    return dataset


def _evidence(example: Example) -> tuple[float, float]:
    """Return the answer's propensity and value, which its weight is made of.

    A decision's answer is known because it was shown, with its propensity; its value is what of it
    counts, as at an average place on the page. In a table's test every
    option was shown, so that its answer is known whichever it is: propensity 1, value 1.
    """
    if sum(example.impressions) == 1:
        value = example.counts * example.rewards[example.answer] / example.place
        return example.propensities[example.answer], value
    return 1.0, 1.0


def _weighted(path: Path, weights: np.ndarray[Any, np.dtype[np.float64]]) -> Iterator[Example]:
    given = iter(weights.tolist())
    for example in read_examples(path):
        yield (
            msgspec.structs.replace(example, weight=next(given)) if example.answer >= 0 else example
        )


def read_split(folder: Path, split: str, *, answered: bool = False) -> list[Example]:
    """Return one split's examples, or those that were answered, with the reasons that were kept.

    Raises
    ------
    NotFound
        The folder was not made by `prepare`.
    """
    path = folder / f"{split}.jsonl"
    if not path.is_file():
        raise NotFound(f"no {split}.jsonl in {folder}: keyart llm prepare makes it")
    found = (each for each in read_examples(path) if each.answer >= 0 or not answered)
    return with_reasons(found, folder / REASONS_FILE)


def read_dataset(folder: Path) -> Dataset:
    """Return what the folder says of itself; raises as `read_described` does."""
    return read_described(folder / DATASET_FILE, Dataset, made_by="keyart llm prepare")
