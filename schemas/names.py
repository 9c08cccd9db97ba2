"""The names in a record of the log, looked at for the whole record at once.

msgspec looks at a text with a pattern by a search of a regular expression, which is a call into
Python for each name: five sixths of reading an event, and more of reading a page. Nearly no record
holds a character that no name may hold, and that is seen of its bytes: JSON has control characters
in texts as escapes only. So the types say the pattern to whoever reads their schema, msgspec does
not look at it, and the names of a record are looked at one by one only where there may be a fault.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import inspect

from keyart.schemas.errors import InvalidRecord

_ESCAPED: Final = re.compile(rb"\\(?![\\/]|u(?!00[01]|007[bBdDfF]))|\x7f")
"""An escape that may stand for a character that no name may hold (or for a quote, which would hide
where a text ends); or the one such character that JSON does not escape."""


def may_be_wrong(data: bytes) -> bool:
    """Return False for JSON in no text of which a control character or a brace can stand."""
    if (b"\\" in data or b"\x7f" in data) and _ESCAPED.search(data):
        return True
    if data.count(b"{") == 1 == data.count(b"}"):
        return False
    texts = b"".join(data.split(b'"')[1::2])
    return b"{" in texts or b"}" in texts


def check_names(data: bytes, kind: Any) -> None:
    """Refuse a record in which a text is not of the form that its type says.

    Parameters
    ----------
    data
        JSON that was read as `kind`.

    Raises
    ------
    InvalidRecord
        One is not; the message says which and where.
    """
    if not may_be_wrong(data):
        return
    for path, pattern, text in _texts(_info(kind), msgspec.json.decode(data), "$"):
        if re.search(pattern, text) is None:
            raise InvalidRecord(against(pattern), path)


def against(pattern: str) -> str:
    """Return what msgspec says of a text that does not match."""
    return f"Expected `str` matching regex {pattern!r}"


def pattern_of(info: inspect.Metadata) -> str | None:
    """Return the pattern that a type says and msgspec does not look at."""
    return (info.extra_json_schema or {}).get("pattern")


@lru_cache
def _info(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _texts(info: inspect.Type, given: Any, path: str) -> Iterator[tuple[str, str, str]]:
    """Yield (path, pattern, text) of every text whose type says a pattern."""
    if isinstance(info, inspect.Metadata):
        if isinstance(given, str) and (pattern := pattern_of(info)):
            yield path, pattern, given
    elif isinstance(info, inspect.UnionType):
        for each in info.types:
            yield from _texts(each, given, path)
    elif isinstance(info, inspect.StructType) and isinstance(given, dict):
        if info.tag_field is None or given.get(info.tag_field) == info.tag:
            for field in info.fields:
                if field.encode_name in given:
                    name = field.encode_name
                    yield from _texts(field.type, given[name], f"{path}.{name}")
    elif isinstance(info, inspect.VarTupleType) and isinstance(given, list):
        for at, each in enumerate(given):
            yield from _texts(info.item_type, each, f"{path}[{at}]")
    elif isinstance(info, inspect.DictType) and isinstance(given, dict):
        for key, value in given.items():
            yield from _texts(info.key_type, key, f"{path}[...]")
            yield from _texts(info.value_type, value, f"{path}[...]")
