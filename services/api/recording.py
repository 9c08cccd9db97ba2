"""A page of decisions as records of the log."""

from collections.abc import Iterator, Sequence

from msgspec import structs

from keyart.schemas import codec
from keyart.schemas.decisions import DecisionPage


def records_of(
    page: DecisionPage, places: Sequence[int]
) -> Iterator[tuple[DecisionPage, list[int], bytes]]:
    """Return the page with its record; in halves, and those in halves, where one is too large.

    Parameters
    ----------
    places
        (T,) where each decision's artwork stands in the index; a part has its own.
    """
    columns = page.columns
    assert columns is not None
    value = codec.encode(page)
    middle = len(columns) // 2
    if len(value) <= codec.MAX_RECORD_BYTES or not middle:
        yield page, list(places), value
        return
    for half in (range(middle), range(middle, len(columns))):
        part = structs.replace(page, columns=columns.take(half))
        yield from records_of(part, [places[at] for at in half])
