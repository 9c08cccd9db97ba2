"""Preference pairs as a dataset that others' trainers read."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as arrow
import pyarrow.parquet as parquet

from keyart.models.dataset.preferences import Preference
from keyart.models.llm.prompt.marks import MARKS
from keyart.models.llm.prompt.prompts import Prompter, shuffled
from keyart.schemas.errors import SettingsError

_MESSAGES = arrow.list_(arrow.struct([("role", arrow.string()), ("content", arrow.string())]))
SCHEMA = arrow.schema(
    [
        ("prompt", _MESSAGES),
        ("chosen", _MESSAGES),
        ("rejected", _MESSAGES),
        ("weight", arrow.float64()),
        ("seen", arrow.bool_()),
    ]
)


def dpo_rows(
    prompter: Prompter, pairs: Sequence[Preference], *, seed: int = 0
) -> Iterator[dict[str, Any]]:
    """Yield conversational preference rows: prompt, chosen, rejected, weight, seen.

    The answers are option letters under one shuffle an example; `weight` has the importance weight
    and `seen` says whether the rejected one was really shown.
    """
    for pair in pairs:
        count = len(pair.example.options)
        order = shuffled(count, key=pair.example.id, shuffle=0, seed=seed)
        places = order.tolist()
        yield {
            "prompt": prompter.messages(pair.example, order),
            "chosen": [_said(MARKS[places.index(pair.chosen)])],
            "rejected": [_said(MARKS[places.index(pair.rejected)])],
            "weight": round(pair.weight, 6),
            "seen": pair.seen,
        }


def _said(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def write_dpo(prompter: Prompter, pairs: Sequence[Preference], path: Path, *, seed: int = 0) -> int:
    """Write the pairs as `.jsonl` or `.parquet`, and return how many.

    Raises
    ------
    SettingsError
        Another kind of file.
    """
    rows = dpo_rows(prompter, pairs, seed=seed)
    if path.suffix == ".jsonl":
        with path.open("wb") as out:
            for row in rows:
                out.write(msgspec.json.encode(row) + b"\n")
    elif path.suffix == ".parquet":
        parquet.write_table(arrow.Table.from_pylist(list(rows), schema=SCHEMA), path)
    else:
        raise SettingsError("preference pairs are written as .jsonl or .parquet")
    return len(pairs)
