"""Files of one partition read as one log, whichever day each file is of.

A file is named by its first offset and lies under the day of its records. Offsets only grow, days
do not: a clock that was days ahead for a while leaves a later day with earlier offsets.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush, heapreplace
from pathlib import Path
from typing import TypeVar

Row = TypeVar("Row")


def start_of(path: Path) -> str:
    """Return the mark of a file's first record, as its name says."""
    return path.stem.partition("-")[2]


def in_order(
    paths: Iterable[Path], rows_of: Callable[[Path], Iterator[tuple[str, Row]]]
) -> Iterator[tuple[str, Row]]:
    """Yield all rows by their marks; what stands in two files comes twice.

    Parameters
    ----------
    paths
        Files named by a mark that is not above any in them.
    rows_of
        Yields a file's rows with their marks, which only grow. A file is opened when its turn
        comes, so that few are open at a time.
    """
    waiting = deque(sorted(paths, key=start_of))
    heads: list[tuple[str, int, Row, Iterator[tuple[str, Row]]]] = []
    opened = 0
    while waiting or heads:
        while waiting and (not heads or start_of(waiting[0]) <= heads[0][0]):
            rows = rows_of(waiting.popleft())
            opened += 1
            for mark, row in rows:
                heappush(heads, (mark, opened, row, rows))
                break
        if not heads:
            continue
        mark, number, row, rows = heads[0]
        yield mark, row
        following = next(rows, None)
        if following is None:
            heappop(heads)
        else:
            heapreplace(heads, (following[0], number, following[1], rows))
