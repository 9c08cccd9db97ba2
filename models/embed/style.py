"""How a text is written, counted: length, digits, questions, quotes. No weights, no library.

What a text says is in an embedding; that it is long, or asks, hardly is, and it moves clicks.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from keyart.models.embed.protocol import FloatArray, cut

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_END: Final = re.compile(r"[.!?…]+(?:\s|$)")
NAMES: Final = (
    "characters",
    "words",
    "word length",
    "has a digit",
    "begins with a digit",
    "asks",
    "ends asking",
    "exclaims",
    "has a colon",
    "quotes",
    "has an apostrophe",
    "commas",
    "trails off",
    "has a bracket",
    "sentences",
    "share of words in capitals first",
    "share of words in capitals",
    "has a dash",
    "share of words that differ",
    "longest word",
)
VERSION: Final = 1
"""Of what is counted, and how: another one is another identity."""


class StyleSpace:
    """Counts of how texts are written, each about 0 to 1, divided by the root of their number."""

    @property
    def identity(self) -> str:
        """A digest of what is counted."""
        told = f"style {VERSION} {' '.join(NAMES)}"
        return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()

    @property
    def dimensions(self) -> int:
        """The number of counts, D."""
        return len(NAMES)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return (N, D) float32, not of unit length; a text with nothing in it is the zero vector.

        Rows are divided by the root of D, so that they are about as long as an embedding's.
        """
        rows = [counts(text) for text in cut(texts)]
        found = np.array(rows, np.float32).reshape(-1, len(NAMES))
        return found / np.float32(np.sqrt(len(NAMES)))


def counts(text: str) -> tuple[float, ...]:
    """Return the counts of one text, in the order of `NAMES`."""
    text = text.strip()
    if not text:
        return (0.0,) * len(NAMES)
    words = _WORD.findall(text)
    many = max(len(words), 1)
    return (
        len(text) / 100,
        len(words) / 20,
        len(text) / many / 6,
        any(each.isdigit() for each in text),
        text[0].isdigit(),
        "?" in text,
        text.endswith("?"),
        "!" in text,
        ":" in text,
        any(each in text for each in '"“”«»'),
        any(each in text for each in "'’"),
        text.count(",") / 2,
        "..." in text or "…" in text,
        "(" in text,
        len(_END.findall(text)) / 2,
        sum(word[0].isupper() for word in words) / many,
        sum(word.isupper() and len(word) > 1 for word in words) / many,
        any(each in text for each in "-—–"),
        len({word.lower() for word in words}) / many,
        max(map(len, words), default=0) / 12,
    )
