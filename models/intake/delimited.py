"""Rows of a CSV or TSV file."""

import csv
from collections.abc import Iterator, Sequence
from typing import Any, Final

from keyart.models.intake.faults import MOST_KEPT, Fault, Place
from keyart.models.intake.rows import Row
from keyart.models.intake.source import (
    DELIMITED,
    MAX_COLUMNS,
    MAX_ROWS,
    Cut,
    Source,
    text_of_file,
)

_OTHER_SIGNS: Final = ";\t|,"


class DelimitedTable:
    """A CSV or TSV file: a heading, then rows of as many fields.

    Parameters
    ----------
    faults
        Takes what is wrong; the row is then not yielded.
    place
        Names a row.
    """

    heading = "line 1"

    def __init__(self, source: Source, faults: list[Fault], place: Place) -> None:
        self._source = source
        self._faults = faults
        self._place = place
        self._sign = DELIMITED[source.kind]
        self.names: tuple[str, ...] = ()
        for row in self._parsed():
            self.names = tuple(row[1])
            break
        if len(self.names) > MAX_COLUMNS:
            faults.append(
                Fault("line 1", f"has {len(self.names):,} columns; the bound is {MAX_COLUMNS:,}")
            )

    @property
    def hint(self) -> str:
        """What may be the matter where a column is missing."""
        only = self.names[0] if len(self.names) == 1 else ""
        for sign in _OTHER_SIGNS:
            if sign != self._sign and sign in only:
                return f"; fields seem to be separated by {sign!r}, not {self._sign!r}"
        return ""

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        """Yield the rows, each with these columns."""
        places = [(name, self.names.index(name)) for name in columns]
        number = 0
        for line, fields in self._parsed():
            if number == 0:
                number = 1
                continue
            if number > MAX_ROWS:
                self._faults.append(Fault("", f"has more than {MAX_ROWS:,} rows"))
                return
            where = self._place(number, line)
            more = len(fields) - len(self.names)
            if more:
                kind = "more" if more > 0 else "fewer"
                said = f"has {kind} fields than the heading: {len(fields)}, not {len(self.names)}"
                self._faults.append(Fault(where, said))
            else:
                yield Row(where, {name: fields[at] for name, at in places})
            if len(self._faults) >= MOST_KEPT:
                return
            number += 1

    def _parsed(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the fields of every row that is not empty, the heading's first, with its line."""
        number = 0
        reader: Any = None
        try:
            with text_of_file(self._source) as lines:
                reader = csv.reader(lines, delimiter=self._sign, strict=True)
                for fields in reader:
                    if fields:
                        yield reader.line_num, fields
                        number += 1
        except Cut as cut:
            self._faults.append(Fault(self._place(number, cut.line), cut.said))
        except csv.Error as broken:
            line = max(reader.line_num, 1) if reader else 1
            self._faults.append(Fault(self._place(number, line), _plain(str(broken))))


def _plain(said: str) -> str:
    if "unexpected end of data" in said:
        return "the file ends within quotes: it is cut off, or a quote is not closed"
    return said
