"""Reasons for known answers, as lines of a file beside the examples that they belong to."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from keyart.models.artifacts.lines import finished_lines
from keyart.models.dataset.examples import Example

Status = Literal["kept", "misses the answer", "names a letter", "empty", "failed"]
REASONS_FILE: Final = "reasons.jsonl"


class Reason(Struct, frozen=True, kw_only=True):
    """One line of the file: what the teacher said of one example, and what became of it."""

    id: str
    status: Status
    reason: str = ""
    calls: int = 0
    characters: int = 0


def read_reasons(path: Path) -> Iterator[Reason]:
    """Yield the lines; a last line that a stopped run left unfinished is passed over.

    Raises
    ------
    InvalidRecord
        Another line is no reason.
    """
    return finished_lines(path, msgspec.json.Decoder(Reason))


def with_reasons(examples: Iterable[Example], path: Path) -> list[Example]:
    """Return the examples, those of which a reason was kept with it."""
    if not path.is_file():
        return list(examples)
    kept = {each.id: each.reason for each in read_reasons(path) if each.status == "kept"}
    return [
        msgspec.structs.replace(example, reason=kept[example.id]) if example.id in kept else example
        for example in examples
    ]
