"""A table as rows of named cells, whichever kind of file holds it."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol


class Row(NamedTuple):
    """A row: where it stands, for a person, and its cells by column."""

    where: str
    cells: dict[str, Any]


class Table(Protocol):
    """Names of columns, and rows."""

    @property
    def names(self) -> Sequence[str]:
        """The columns, in the file's order."""
        ...

    @property
    def heading(self) -> str:
        """Where the names of columns stand: `line 1`, or `columns`."""
        ...

    @property
    def hint(self) -> str:
        """What may be the matter where a column is missing; "" if nothing shows."""
        ...

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        """Yield the rows with these columns; what is wrong with the others becomes a fault."""
        ...
