"""Values that nobody expects, and changes of a right document into a wrong one."""

import random
from collections.abc import Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import quote

NAMES = [
    *("/", "/ada", "a/b", "//", ".", "..", "a/../b", "%", "%2F", "%252F", "a%2fb", "+", "a b"),
    *(" ada", "?", "#", "a?b#c", ";", "\\", "'\"", "\n", "a\nb", "ada\n", "\0", "\r\n", "{}", "é"),
    *("e\u0301", "\u200b", "\u2028", "日本", "🎬", "*", "null", "v:x", "x" * 128, "x" * 129),
    *("🎬" * 128, "/" * 128, "__proto__", "' OR 1=1", "${jndi:x}", "<script>", "-1"),
    "v:" + "0" * 32,
]
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 2**31, 2**53 + 1, 2**64, -(2**63) - 1, 10**400, 1e308, -0.0),
    *(float("nan"), float("inf"), 0.1, "", " ", "\ud800", "x" * 5000, [], {}, [[]], [None] * 300),
    *({"": 0}, {"$ref": "#"}, ["a"] * 300, {str(at): at for at in range(200)}, *NAMES),
]
DEEP = b"[" * 50_000 + b"]" * 50_000
BODIES = [
    *(b"", b"{", b"null", b"[]", b'""', b"\xff\xfe", b"\xef\xbb\xbf{}", b'{"a":1}{"a":1}', DEEP),
    *(b'{"viewer":' * 3000, b"{}" + b" " * 100_000, b'{"viewer":"\\ud800"}', b"1" * 20_000),
    *(b"\x1f\x8b\x08\x00" + b"\x00" * 50, b'{"events":[' + b"{}," * 5000 + b"{}]}"),
]


def in_path(name: str) -> str:
    """Return a name as it stands in an address; dots are sent too, which clients take out."""
    sent = quote(name.encode("utf-8", "surrogatepass"), safe="")
    return sent if sent.strip(".") else sent.replace(".", "%2E")


def places(document: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of each value in a document, its own first."""
    inside = (
        document.items()
        if isinstance(document, Mapping)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    found = [at]
    for key, value in inside:
        found += places(value, (*at, key))
    return found


def mutated(document: Any, rng: random.Random) -> Any:
    """Return the document with one to three of its values changed, taken out or added."""
    changed = deepcopy(document)
    for _ in range(rng.randint(1, 3)):
        *way, last = rng.choice(places(changed)[1:])
        inside = changed
        for key in way:
            inside = inside[key]
        action = rng.random()
        if action < 0.15:
            del inside[last]
        elif action < 0.3 and isinstance(inside, dict):
            inside[rng.choice(NAMES)] = rng.choice(VALUES)
        elif action < 0.4 and isinstance(inside, list):
            inside.extend([inside[last]] * 300)
        else:
            inside[last] = rng.choice(VALUES)
        if len(places(changed)) < 2:
            break
    return changed
