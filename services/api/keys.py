"""Callers' keys: each with a name and scopes, from a setting and from a file that may change."""

import hashlib
import logging
import os
import re
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Struct

from keyart.schemas.errors import SettingsError

log = logging.getLogger(__name__)
Scope = Literal["decide", "events", "admin", "page"]
SCOPES: Final[tuple[Scope, ...]] = ("decide", "events", "admin", "page")
MIN_KEY, MAX_KEY, MAX_KEYS = 16, 1024, 1000
LOOK_EVERY_S: Final = 1.0
MAX_FILE: Final = 1_000_000
_NAMED = re.compile(r"(?P<name>[A-Za-z0-9_-]{1,32}):(?P<scopes>[a-z]+(?:\+[a-z]+)*)=(?P<key>.+)")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Caller(NamedTuple):
    """Whose key it is, and what it may do."""

    name: str
    scopes: frozenset[str]


Table = Mapping[str, Caller]
"""SHA-256 of a key, in hex: whose it is. Keys are looked up by it, so time tells nothing of one."""


class KeyRing:
    """The keys that are in force now.

    Parameters
    ----------
    listed
        Those of the setting.
    path
        A file of more, read again when it changes; None without one.
    clock
        Seconds, never going back.

    Raises
    ------
    SettingsError
        The file cannot be read, or holds no key, or one that the setting has.
    """

    def __init__(
        self,
        listed: Table,
        path: Path | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listed = listed
        self._path = path
        self._clock = clock
        self._looked_at = clock()
        self._stamp = _stamp(path) if path else None
        self._table = joined(listed, read_file(path)) if path else dict(listed)

    def __bool__(self) -> bool:
        """Whether callers are asked for a key."""
        return bool(self._table)

    def caller(self, digest: str) -> Caller | None:
        """Return whose key has this digest, or None."""
        if self._path is not None:
            self._look_again(self._path)
        return self._table.get(digest)

    def _look_again(self, path: Path) -> None:
        now = self._clock()
        if now - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = now
        stamp = _stamp(path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._table = joined(self._listed, read_file(path))
        except SettingsError as wrong:
            # somebody writes it just now, or made a mistake: callers are not locked out for that
            log.error("the keys stay as they were: %s", wrong)
            return
        log.info(
            "keys were read again: %s", ", ".join(sorted(c.name for c in self._table.values()))
        )


def digest_of(key: str) -> str:
    """Return the SHA-256 of a key, in hex."""
    return hashlib.sha256(key.encode()).hexdigest()


def listed_keys(text: str) -> dict[str, Caller]:
    """Return the keys of KEYART_API_KEYS: `KEY`, which may do all, or `NAME:SCOPE+SCOPE=KEY`.

    Raises
    ------
    SettingsError
        There are separators and no key, a key is too short or too long, or stands twice.
    """
    if not text:
        return {}
    entries = [each.strip() for each in text.split(",") if each.strip()]
    if not entries:
        raise SettingsError("KEYART_API_KEYS holds separators and no key: leave it out, or set one")
    found: dict[str, Caller] = {}
    for at, entry in enumerate(entries, start=1):
        named = _NAMED.fullmatch(entry)
        if named is None:
            caller, key = Caller(f"key{at}", frozenset(SCOPES)), entry
        else:
            caller = Caller(
                named["name"], _scopes(named["scopes"].split("+"), "KEYART_API_KEYS", named["name"])
            )
            key = named["key"]
        _bounded(key, "KEYART_API_KEYS")
        _add(found, digest_of(key), caller, "KEYART_API_KEYS")
    return found


class _Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    scopes: list[str]
    key: str = ""
    sha256: str = ""


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    keys: list[_Entry]


def read_file(path: Path) -> dict[str, Caller]:
    """Return the keys of a TOML file: tables `[[keys]]` of `name`, `scopes`, and `key` or `sha256`.

    Raises
    ------
    SettingsError
        Says what is wrong, and never a key.
    """
    where = f"KEYART_API_KEYS_FILE {path}"
    try:
        if path.stat().st_size > MAX_FILE:
            raise SettingsError(f"{where}: has over {MAX_FILE} bytes")
        given: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        entries = msgspec.convert(given, _File).keys if given else []
    except OSError as away:
        raise SettingsError(f"{where}: cannot be read: {away.strerror or away}") from None
    except tomllib.TOMLDecodeError as broken:
        # its message may quote the line
        place = re.search(r"at line \d+", str(broken))
        raise SettingsError(f"{where}: is no TOML {place[0] if place else ''}".rstrip()) from None
    except (UnicodeDecodeError, RecursionError):
        raise SettingsError(f"{where}: is no TOML") from None
    except msgspec.ValidationError as wrong:
        raise SettingsError(f"{where}: {str(wrong).replace('`', '')}") from None
    if not entries:
        raise SettingsError(f"{where}: holds no key")
    found: dict[str, Caller] = {}
    for entry in entries:
        if not _NAME.fullmatch(entry.name):
            raise SettingsError(
                f"{where}: a name is of 1 to 32 letters, digits, - and _, not {entry.name[:40]!r}"
            )
        if bool(entry.key) == bool(entry.sha256):
            raise SettingsError(f"{where}: {entry.name} needs either key or sha256")
        if entry.key:
            _bounded(entry.key, where)
        elif not _DIGEST.fullmatch(entry.sha256):
            raise SettingsError(f"{where}: sha256 of {entry.name} is not 64 small hex digits")
        caller = Caller(entry.name, _scopes(entry.scopes, where, entry.name))
        _add(found, entry.sha256 or digest_of(entry.key), caller, where)
    return found


def joined(listed: Table, filed: Table) -> dict[str, Caller]:
    """Return both sets of keys.

    Raises
    ------
    SettingsError
        They have a key in common.
    """
    found = dict(listed)
    for digest, caller in filed.items():
        _add(found, digest, caller, "KEYART_API_KEYS_FILE")
    return found


def _scopes(given: Iterable[str], where: str, name: str) -> frozenset[str]:
    scopes = frozenset(given)
    if not scopes or scopes - set(SCOPES):
        raise SettingsError(f"{where}: scopes of {name} are some of {', '.join(SCOPES)}")
    return scopes


def _bounded(key: str, where: str) -> None:
    if not MIN_KEY <= len(key) <= MAX_KEY:
        raise SettingsError(f"{where}: a key has at least {MIN_KEY} characters, {MAX_KEY} at most")


def _add(found: dict[str, Caller], digest: str, caller: Caller, where: str) -> None:
    if (other := found.setdefault(digest, caller)) is not caller:
        raise SettingsError(f"{where}: {other.name} and {caller.name} have the same key")
    if len(found) > MAX_KEYS:
        raise SettingsError(f"{where}: there are over {MAX_KEYS} keys")


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        held = os.stat(path)
    except OSError:
        return None
    return held.st_mtime_ns, held.st_size, held.st_ino
