"""The strict reader, for whatever comes from outside: request bodies and catalogue files.

Inside, records are read with tolerance (`codec`): unknown fields are ignored, because a producer
may be newer than its reader. At the edge the same tolerance would lose what somebody wrote: a field
that has no place here is refused with the name that was probably meant, and so is a version that
this keyart does not know.
"""

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec import inspect

from keyart.schemas.context import MAX_CONTEXT_TEXT
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.names import against, pattern_of

T = TypeVar("T")
MAX_FAULTS: Final = 100
LIKENESS: Final = 0.6
"""From 0 to 1, as difflib measures it: less alike than this and no name is suggested."""
MEANT: Final = {
    "occurred_at_ms": ("timestamp", "time", "ts", "at", "date", "datetime", "event_time"),
    "decision": ("decisionid", "assignment", "impression_id"),
    "artwork": ("creative", "variant", "arm"),
    "artworks": ("images", "creatives", "variants", "arms"),
    "image": ("img", "url", "uri", "src", "href", "picture", "path", "file"),
    "description": ("desc", "descr", "alt", "caption", "text"),
    "attributes": ("attrs", "tags", "metadata", "meta", "labels"),
    "name": ("title", "label", "display_name"),
    "group": ("genre", "category", "kind"),
    "viewer": ("user", "user_id", "uid", "customer", "profile", "visitor"),
    "title": ("item", "item_id", "content", "content_id", "movie", "name"),
    "titles": ("items", "content", "contents", "candidates"),
    "minutes": ("duration", "seconds", "watched", "watch_time"),
    "surface": ("placement", "page", "slot", "context"),
    "type": ("event", "event_type", "action", "kind"),
    "id": ("event_id", "key", "uuid", "title_id", "artwork_id"),
}
"""What others call a field of ours; which of them a record has decides which is meant."""


class Fault(NamedTuple):
    """What is wrong, and where, as a JSON path: `$.artworks[3].url`."""

    path: str
    message: str


class Refused(InvalidRecord):
    """A value was refused; `faults` holds the first hundred reasons, at least one."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults[0].message, faults[0].path)
        self.faults = tuple(faults)


def read(given: Any, kind: type[T]) -> T:
    """Return the record in a decoded JSON object, none of which is left out.

    Parameters
    ----------
    given
        Dicts, lists and scalars.
    kind
        A Struct. The default of its field `version`, if it has one, is the newest that is read.

    Raises
    ------
    Refused
        A field is unknown, the version is newer, a name ends in a newline, or the schema is
        broken.
    """
    if faults := wrong(given, kind):
        raise Refused(faults)
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as broken:
        raise Refused([plain(broken)]) from None


def wrong(given: Any, kind: type) -> list[Fault]:
    """Return what the schema alone would let through: unknown fields, newer versions and so on."""
    found: list[Fault] = []
    check = _checker(kind)
    if check is not None:
        check(given, "$", found)
    return found


def plain(broken: Exception) -> Fault:
    """Return what msgspec says, taken apart."""
    message, _, path = str(broken).partition(" - at `")
    return Fault(path.rstrip("`") or "$", message.replace("`", "'"))


def nearest(name: str, known: tuple[str, ...]) -> str:
    """Return the known name that was probably meant, or "" when none is near."""
    low = name.lower().replace("-", "_")
    for own in known:
        if low in (own, f"{own}_id", f"{own}id", f"{own}_name", f"{own}_ms"):
            return own
    for own in known:
        if low in MEANT.get(own, ()) or low.replace("_", "") == own.replace("_", ""):
            return own
    for own in known:
        if low.startswith(f"{own}_") or low.endswith(f"_{own}"):
            return own
    close = get_close_matches(low, known, n=1, cutoff=LIKENESS)
    return close[0] if close else ""


Check = Callable[[Any, str, list[Fault]], None]


@lru_cache
def _checker(kind: type) -> Check | None:
    return _check_of(inspect.type_info(kind))


def _check_of(info: inspect.Type) -> Check | None:
    if isinstance(info, inspect.StructType):
        return _struct(info)
    if isinstance(info, inspect.VarTupleType | inspect.ListType):
        return _items(_check_of(info.item_type))
    if isinstance(info, inspect.DictType):
        return _entries(_check_of(info.key_type), _check_of(info.value_type))
    if isinstance(info, inspect.UnionType) and _is_scalar(info):
        return _scalar
    if isinstance(info, inspect.UnionType):
        return _any_of([each for each in map(_check_of, info.types) if each is not None])
    if isinstance(info, inspect.StrType) and info.pattern:
        return _pattern
    if isinstance(info, inspect.Metadata) and (pattern := pattern_of(info)):
        return _formed(pattern)
    return None


def _is_scalar(info: inspect.UnionType) -> bool:
    kinds = tuple(type(each) for each in info.types)
    return {inspect.StrType, inspect.FloatType, inspect.BoolType} <= set(kinds)


def _scalar(given: Any, path: str, found: list[Fault]) -> None:
    """Refuse what is no `ContextValue`; the schema alone would not say of which name it is."""
    if isinstance(given, str):
        if len(given) > MAX_CONTEXT_TEXT:
            found.append(Fault(path, f"has {len(given)} characters; at most {MAX_CONTEXT_TEXT}"))
    elif given is not None and not isinstance(given, bool | float | int):
        found.append(Fault(path, "must be text, a number, true, false or null"))


def _pattern(given: Any, path: str, found: list[Fault]) -> None:
    # Python's $ lets one newline stand at the end, JSON Schema's does not
    if isinstance(given, str) and given.endswith("\n"):
        found.append(Fault(path, "ends in a newline, a control character"))


def _formed(pattern: str) -> Check:
    """Check what msgspec does not: a `LoggedName`, a `PseudonymField`."""
    form = re.compile(pattern)

    def check(given: Any, path: str, found: list[Fault]) -> None:
        if isinstance(given, str) and form.search(given) is None:
            found.append(Fault(path, against(pattern).replace("`", "'")))
        else:
            _pattern(given, path, found)

    return check


def _struct(info: inspect.StructType) -> Check:
    fields = {field.encode_name: _check_of(field.type) for field in info.fields}
    checks = [(name, check) for name, check in fields.items() if check is not None]
    names = fields.keys() | ({info.tag_field} if info.tag_field else set())
    known = tuple(sorted(names))
    newest = next((each.default for each in info.fields if each.encode_name == "version"), None)

    def check(given: Any, path: str, found: list[Fault]) -> None:
        if not isinstance(given, dict):
            return
        if not given.keys() <= names:
            found.extend(_unknown(given, known, path, MAX_FAULTS - len(found)))
        version = given.get("version")
        if isinstance(newest, int) and isinstance(version, int) and version > newest:
            said = f"version {version}; this keyart reads up to {newest}"
            found.append(Fault(f"{path}.version", said))
        for name, inner in checks:
            if name in given and len(found) < MAX_FAULTS:
                inner(given[name], f"{path}.{name}", found)

    return check


def _unknown(
    given: dict[Any, Any], known: tuple[str, ...], path: str, most: int
) -> Iterator[Fault]:
    for name in list(given)[: len(known) + most]:
        if name in known or most <= 0:
            continue
        most -= 1
        shown = shortened(str(name))
        near = nearest(str(name), known)
        meant = f"did you mean {near!r}?" if near else f"there are {', '.join(known)}"
        where = f"{path}.{shown}" if re.fullmatch(r"\w+", shown) else path
        yield Fault(where, f"there is no field {shown!r}; {meant}")


def shortened(text: str, most: int = 60) -> str:
    """Return the text, or its beginning when it is long."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _items(inner: Check | None) -> Check | None:
    if inner is None:
        return None

    def check(given: Any, path: str, found: list[Fault]) -> None:
        if isinstance(given, list | tuple):
            for at, each in enumerate(given):
                if len(found) >= MAX_FAULTS:
                    break
                inner(each, f"{path}[{at}]", found)

    return check


def _entries(key: Check | None, value: Check | None) -> Check | None:
    if key is None and value is None:
        return None

    def check(given: Any, path: str, found: list[Fault]) -> None:
        if isinstance(given, dict):
            for name, each in given.items():
                if len(found) >= MAX_FAULTS:
                    break
                if key is not None:
                    key(name, f"{path}.{shortened(str(name)).strip()}", found)
                if value is not None:
                    value(each, f"{path}.{shortened(str(name)).strip()}", found)

    return check


def _any_of(checks: list[Check]) -> Check | None:
    if not checks:
        return None

    def check(given: Any, path: str, found: list[Fault]) -> None:
        for each in checks:
            each(given, path, found)

    return check
