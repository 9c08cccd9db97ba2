"""A tokenizer from an exported folder, without torch."""

import hashlib
from pathlib import Path
from typing import Any, Final

from keyart.schemas.errors import MissingExtra, ModelRejected

FILES: Final = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
)


def tokenizer_digest(folder: Path) -> str:
    """Return one digest (BLAKE2b, 16 hex digits) of the tokenizer's files in the folder."""
    found = hashlib.blake2b(digest_size=8)
    for name in FILES:
        path = folder / name
        if path.is_file():
            found.update(name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def load_tokenizer(folder: Path, digest: str = "") -> Any:
    """Return the folder's tokenizer.

    Raises
    ------
    MissingExtra
        Transformers is not installed.
    ModelRejected
        Its files do not have this digest.
    """
    if digest and tokenizer_digest(folder) != digest:
        raise ModelRejected(f"the tokenizer in {folder} is not the one the model was exported with")
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise MissingExtra("llm", "reading a tokenizer") from None
    return AutoTokenizer.from_pretrained(str(folder))
