"""Any table that people bring, opened by its kind."""

from pathlib import Path

from keyart.models.intake.delimited import DelimitedTable
from keyart.models.intake.faults import Fault, Place, by_line
from keyart.models.intake.json_lines import JsonLinesTable
from keyart.models.intake.rows import Table
from keyart.models.intake.source import DELIMITED, PARQUET, look_at


def open_table(path: Path, faults: list[Fault], place: Place = by_line) -> Table:
    """Return the table in a file: CSV, TSV, JSON Lines (text also packed by gzip) or Parquet.

    Parameters
    ----------
    faults
        Takes what is wrong with rows.
    place
        Names a row.

    Raises
    ------
    NotFound, InvalidRecord
        As `look_at` does; or a Parquet file cannot be read, or claims more than it can hold.
    """
    source = look_at(path)
    if source.kind in DELIMITED:
        return DelimitedTable(source, faults, place)
    if source.kind in PARQUET:
        from keyart.models.intake.parquet import ParquetTable

        return ParquetTable(source, faults, place)
    return JsonLinesTable(source, faults, place)
