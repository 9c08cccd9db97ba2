"""Which files the registry keeps: ONNX, safetensors, and JSON or plain text beside them."""

import json
from pathlib import Path
from typing import Final

from keyart.schemas.errors import ModelRejected

WEIGHTS: Final = (".onnx", ".safetensors")
WORDS: Final = (".json", ".jsonl")
TEXTS: Final = (".txt", ".jinja")
"""A prompt's template, and a tokenizer's template of a chat."""
PICKLED: Final = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK")
"""What a pickle, and an archive, begins with."""


def check_kind(name: str, content: bytes) -> None:
    """See that a file is of a kind that is kept: ONNX, safetensors, or JSON or text beside them.

    Raises
    ------
    ModelRejected
        It is not; pickles and archives are neither kept nor read, whatever they are called.
    """
    suffix = Path(name).suffix
    kept = (*WEIGHTS, *WORDS, *TEXTS)
    if suffix not in kept:
        raise ModelRejected(f"{name}: only {', '.join(kept)} are kept")
    # a safetensors file begins with the length of its header, whose bytes may be those of a pickle
    if suffix == ".safetensors" and _is_safetensors(content):
        return
    if content[:2] in PICKLED:
        raise ModelRejected(f"{name} is a pickle or an archive, whatever it is called")
    if suffix == ".safetensors":
        raise ModelRejected(f"{name} is no safetensors file")
    if suffix in TEXTS:
        try:
            content.decode()
        except UnicodeDecodeError:
            raise ModelRejected(f"{name} is no text") from None
    if suffix == ".json":
        try:
            json.loads(content)
        except ValueError:
            raise ModelRejected(f"{name} is no JSON") from None


def _is_safetensors(content: bytes) -> bool:
    """Whether it has the header of one: 8 bytes of length, then a JSON object so long."""
    size = int.from_bytes(content[:8], "little")
    if size < 2 or len(content) < 8 + size or content[8:9] != b"{":
        return False
    try:
        return isinstance(json.loads(content[8 : 8 + size]), dict)
    except (ValueError, RecursionError):
        return False
