"""The archive read as one log, though a clock was wrong while it was written."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from keyart.schemas.topics import EVENTS
from keyart.streams.archive import files
from keyart.streams.archive.order import in_order, start_of
from keyart.streams.ports import LogRecord

DAY_MS = 86_400_000
NOON_MS = 1_800_000_000_000


def record(number: int, days: int) -> LogRecord:
    return LogRecord(EVENTS, 0, f"{number}-0", "v", b"{}", NOON_MS + days * DAY_MS)


@settings(max_examples=40, deadline=None)
@given(
    days=st.lists(st.sampled_from([0, 0, 0, 1, 2, 400, -30]), min_size=1, max_size=60),
    cuts=st.sets(st.integers(1, 60), max_size=59),
    again=st.integers(0, 59),
)
def test_all_is_read_once_and_in_order_whatever_days_it_is_of(
    days: list[int], cuts: set[int], again: int
) -> None:
    records = [record(at, day) for at, day in enumerate(days, start=1)]
    bounds = [0, *sorted(cut for cut in cuts if cut < len(records)), len(records)]
    with TemporaryDirectory() as name:
        folder = Path(name)
        for start, end in zip(bounds, bounds[1:], strict=False):
            files.write(folder, records[start:end])
        # what was archived before a crash is archived again
        files.write(folder, records[again:] or records)
        assert list(files.read(folder, EVENTS, 0)) == records
        files.compact(folder, EVENTS, 0)
        assert list(files.read(folder, EVENTS, 0)) == records


def test_the_newest_offset_is_found_after_a_clock_came_back(tmp_path: Path) -> None:
    for at, days in enumerate([0, 2, 400, 0], start=1):
        files.write(tmp_path, [record(at, days)])
    assert files.last_offset(tmp_path, EVENTS, 0) == "4-0"


def test_a_file_is_opened_when_its_turn_comes() -> None:
    opened: list[int] = []

    def rows_of(path: Path) -> Iterator[tuple[str, int]]:
        at = int(start_of(path))
        opened.append(at)
        yield from ((f"{mark:02d}", mark) for mark in (at, at + 1))

    reading = in_order([Path(f"0000-{at:02d}.parquet") for at in (30, 10, 11, 20)], rows_of)
    assert [next(reading)[1] for _ in range(2)] == [10, 11]
    assert opened == [10, 11]
    assert [row for _, row in reading] == [11, 12, 20, 21, 30, 31]
    assert opened == [10, 11, 20, 30]
