"""A file looked at before it is read: whether it is there, of what kind, and whether it is text."""

import gzip
import io
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple

from keyart.schemas.errors import InvalidRecord, NotFound

DELIMITED: Final = {".csv": ",", ".tsv": "\t"}
LINES: Final = (".jsonl", ".ndjson")
PARQUET: Final = (".parquet", ".pq")
KINDS: Final = (*DELIMITED, *LINES, *PARQUET)

MAX_LINE: Final = 1_000_000
MAX_ROWS: Final = 10_000_000
MAX_COLUMNS: Final = 10_000
FREE_BYTES: Final = 64_000_000
"""Bytes that any file may unpack to; above, `MOST_PACKED` times what it takes on disk."""
MOST_PACKED: Final = 100
MAX_EMPTY: Final = 100_000
"""Empty lines in a row: they are passed over, and a file of nothing else must not take a minute."""

_OTHERS: Final = {
    b"PAR1": "Parquet: name it .parquet",
    b"PK\x03\x04": "a zip or a spreadsheet: save it as CSV",
    b"\xd0\xcf\x11\xe0": "a spreadsheet: save it as CSV",
    b"\x28\xb5\x2f\xfd": "packed by zstd: unpack it, or pack it by gzip",
    b"BZh": "packed by bzip2: unpack it, or pack it by gzip",
    b"\xfd7zX": "packed by xz: unpack it, or pack it by gzip",
    b"\xff\xfe": "UTF-16 (byte order mark): save it as UTF-8",
    b"\xfe\xff": "UTF-16 (byte order mark): save it as UTF-8",
}
_GZIP: Final = b"\x1f\x8b"
_BOM: Final = "\ufeff"
_MEASURED: Final = 1 << 20
_SURROGATE: Final = re.compile("[\udc80-\udcff]")


class Source(NamedTuple):
    """A file that is there, with its kind: one of `KINDS`, whether it is packed, its bytes."""

    path: Path
    kind: str
    packed: bool
    size: int


class NoFile(NotFound, InvalidRecord):
    """There is no such file."""


class Cut(InvalidRecord):
    """The text cannot be read beyond a line; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.said = message


def look_at(path: Path) -> Source:
    """Return what a file is, by its name and its first bytes.

    Raises
    ------
    NoFile
        There is no such file.
    InvalidRecord
        It is a folder or a pipe, may not be read, is of no known kind, or not what its name says.
    """
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise InvalidRecord(f"{path}: is a folder, not a file")
        if not stat.S_ISREG(found.st_mode):
            raise InvalidRecord(f"{path}: is no regular file; save it as one first")
        with path.open("rb") as file:
            start = file.read(4)
    except (FileNotFoundError, NotADirectoryError):
        raise NoFile(f"{path}: No such file") from None
    except (OSError, ValueError) as away:
        said = away.strerror if isinstance(away, OSError) and away.strerror else away
        raise InvalidRecord(f"{path}: cannot be read: {said}") from None
    suffixes = [each.lower() for each in path.suffixes]
    packed = start.startswith(_GZIP)
    if suffixes[-1:] == [".gz"]:
        suffixes.pop()
    kind = suffixes[-1] if suffixes else ""
    if kind not in KINDS or (packed and kind in PARQUET):
        raise InvalidRecord(f"{path}: name it by its kind: {', '.join(KINDS)} (text also as .gz)")
    if kind not in PARQUET:
        for magic, other in _OTHERS.items():
            if start.startswith(magic):
                raise InvalidRecord(f"{path}: is {other}")
    return Source(path, kind, packed, found.st_size)


@contextmanager
def text_of_file(source: Source) -> Iterator[Iterator[str]]:
    """Yield the lines of a text, ends included, each of `MAX_LINE` characters at most.

    A line ends in a line feed, a carriage return, or both. A byte order mark at the start of a line
    is passed over (files with one may have been put together).

    Raises
    ------
    Cut
        A line is too long or not UTF-8, or what is packed is broken, or unpacks to very much (which
        is found before the first line is given).
    """
    with source.path.open("rb") as raw:
        unpacked: IO[bytes] = raw
        if source.packed:
            _measure(raw, source.size)
            unpacked = io.BufferedReader(_Unpacked(raw, source.size))
        text = io.TextIOWrapper(unpacked, "utf-8", errors="surrogateescape", newline="")
        try:
            yield _lines(text)
        finally:
            text.detach()


def _measure(raw: IO[bytes], size: int) -> None:
    """Unpack to nowhere: that takes a second where parsing what it holds takes minutes."""
    unpacked = _Unpacked(raw, size)
    try:
        while unpacked.read(_MEASURED):
            pass
    except InvalidRecord as much:
        raise Cut(1, f"cannot be unpacked: {much}") from None
    except (OSError, EOFError, zlib.error):
        pass  # the reader says at which line it is broken
    raw.seek(0)


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    number = empty = 0
    while True:
        number += 1
        try:
            line = text.readline(MAX_LINE + 1)
        except (OSError, EOFError, zlib.error, InvalidRecord) as broken:
            raise Cut(number, f"cannot be unpacked: {broken}") from None
        if not line:
            return
        empty = empty + 1 if line.isspace() else 0
        if empty > MAX_EMPTY:
            raise Cut(number, f"more than {MAX_EMPTY:,} empty lines stand in a row")
        if len(line) > MAX_LINE:
            raise Cut(number, f"has more than {MAX_LINE:,} characters")
        if not line.isascii():
            line = line.removeprefix(_BOM)
            if wrong := _SURROGATE.search(line):
                at, byte = wrong.start() + 1, ord(wrong[0]) - 0xDC00
                raise Cut(
                    number,
                    f"is not UTF-8 (byte 0x{byte:02x} at character {at}): save the file as UTF-8",
                )
        if "\0" in line:
            raise Cut(number, "holds a zero byte: it is no text in UTF-8")
        yield line


class _Unpacked(io.RawIOBase):
    """What gzip unpacks, up to a bound."""

    def __init__(self, raw: IO[bytes], size: int) -> None:
        self._file = gzip.GzipFile(fileobj=raw, mode="rb")
        self._left = max(FREE_BYTES, size * MOST_PACKED)
        self._size = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise InvalidRecord(
                f"{self._size:,} bytes unpack to more than {MOST_PACKED} times that"
            )
        buffer[: len(data)] = data
        return len(data)
