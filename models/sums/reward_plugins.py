"""Reward definitions of other packages, under the entry point group `keyart.rewards`.

One is a function as those of `rewards` are: of the engagements within the window, and the rules.
It must say the same of the same engagements, whenever it is asked: a replay asks again.
"""

import hashlib
import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final

from keyart.schemas.errors import SettingsError

GROUP: Final = "keyart.rewards"


@cache
def _found() -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for each in entry_points(group=GROUP):
        if found.setdefault(each.name, each) != each:
            raise SettingsError(f"two rewards of {GROUP} are called {each.name!r}")
    return found


def plugin_names() -> tuple[str, ...]:
    """Return the names of the definitions that are installed; none of them is loaded."""
    return tuple(sorted(_found()))


@cache
def load_plugin(name: str) -> Callable[..., Any]:
    """Return an installed definition.

    Raises
    ------
    SettingsError
        It cannot be loaded, or is no function.
    """
    entry = _found()[name]
    try:
        loaded = entry.load()
    except Exception as wrong:  # code of others: whatever it raises, the reason is said in a line
        said = " ".join(str(wrong).split())
        raise SettingsError(f"reward {name!r} ({entry.value}) cannot be loaded: {said}") from None
    if not callable(loaded):
        raise SettingsError(f"reward {name!r} ({entry.value}) is no function")
    found: Callable[..., Any] = loaded
    return found


@cache
def plugin_identity(name: str) -> str:
    """Return what tells a definition's code from another: package, version, place, digest of it.

    Raises
    ------
    SettingsError
        As `load_plugin`.
    """
    entry, loaded = _found()[name], load_plugin(name)
    package = "" if entry.dist is None else f"{entry.dist.name} {entry.dist.version} "
    module = sys.modules.get(getattr(loaded, "__module__", ""))
    place = getattr(module, "__file__", None)
    code = Path(place).read_bytes() if place and Path(place).is_file() else b""
    return f"{package}{entry.value} {hashlib.blake2b(code, digest_size=6).hexdigest()}"
