"""The table of columns in docs/training-log.md, made of `keyart.schemas.training`.

usage: training_log.py [--write]     prints the table; with --write puts it into the document
"""

import sys
from pathlib import Path

from keyart.schemas.training import LOGGED_COLUMNS, REWARD_COLUMNS

DOCUMENT = Path(__file__).resolve().parent.parent / "docs/training-log.md"
BEGIN, END = "<!-- columns: infra/training_log.py --write -->\n", "<!-- end of the columns -->\n"


def table() -> str:
    """Return the table, a row a column."""
    rows = [
        f"| `{name}` | {column.kind.value} | {column.about} | {column.range} | {column.since} |\n"
        for name, column in (LOGGED_COLUMNS | REWARD_COLUMNS).items()
    ]
    head = "| column | holds | what | range | since |\n|---|---|---|---|---:|\n"
    return "\n" + head + "".join(rows) + "\n"


def written(text: str) -> str:
    """Return the document with the table put between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table() + END + after


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        DOCUMENT.write_text(written(DOCUMENT.read_text()))
    else:
        print(table())
