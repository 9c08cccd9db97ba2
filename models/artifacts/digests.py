"""Digests by which files and texts are known: BLAKE2b, in hex."""

import hashlib
from pathlib import Path
from typing import Final

_CHUNK: Final = 1 << 20


def file_digest(path: Path) -> str:
    """Return the file's BLAKE2b digest, 32 hex digits."""
    found = hashlib.blake2b(digest_size=16)
    with path.open("rb") as data:
        while chunk := data.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def digest(content: bytes, *, size: int = 8) -> str:
    """Return the content's BLAKE2b digest, 2 `size` hex digits; `size` is 1 to 64 bytes."""
    return hashlib.blake2b(content, digest_size=size).hexdigest()
