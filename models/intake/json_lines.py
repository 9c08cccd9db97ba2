"""Objects of a JSON Lines file."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from keyart.models.intake.faults import MOST_KEPT, Fault, Place
from keyart.models.intake.rows import Row
from keyart.models.intake.source import MAX_ROWS, Cut, Source, text_of_file


class JsonLinesTable:
    """A file of JSON Lines: an object a line; a field that is null is as absent.

    The columns are the fields of the first object; a later one may lack some.
    """

    heading = "columns"
    hint = ""

    def __init__(self, source: Source, faults: list[Fault], place: Place) -> None:
        self._source = source
        self._faults = faults
        self._place = place
        first = next(self.objects(), None)
        self.names: tuple[str, ...] = tuple(first.cells) if first else ()
        if first:
            self._faults.clear()

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        """Yield the rows, each with these columns, None where there is no such field."""
        for row in self.objects():
            yield Row(row.where, {name: row.cells.get(name) for name in columns})

    def objects(self) -> Iterator[Row]:
        """Yield every object with all of its fields that are not null."""
        number, at = 0, 0
        try:
            with text_of_file(self._source) as lines:
                for at, line in enumerate(lines, 1):
                    if not line.strip():
                        continue
                    number += 1
                    where = self._place(number, at)
                    if number > MAX_ROWS:
                        self._faults.append(Fault("", f"has more than {MAX_ROWS:,} lines"))
                        return
                    try:
                        found = without_nulls(msgspec.json.decode(line))
                        if not isinstance(found, dict):
                            raise msgspec.ValidationError("is no object: one stands on each line")
                        yield Row(where, found)
                    except (msgspec.MsgspecError, UnicodeError, RecursionError) as wrong:
                        self._faults.append(Fault(where, str(wrong).replace("`", "")))
                    if len(self._faults) >= MOST_KEPT:
                        return
        except Cut as cut:
            self._faults.append(Fault(self._place(number + 1, cut.line), cut.said))


def without_nulls(value: Any) -> Any:
    """Return the value without fields that are null, at any depth."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value
