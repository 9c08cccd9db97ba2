"""Option marks: A, B, C, ... each one token of the model at hand."""

from string import ascii_letters, ascii_uppercase
from typing import Any, Final

from keyart.schemas.decisions import MAX_ARTWORKS
from keyart.schemas.errors import SettingsError

MARKS: Final = (ascii_uppercase + ascii_letters[:26])[:MAX_ARTWORKS]
"""A to Z, then a to n: one for each of a title's artworks at most."""


def mark_tokens(tokenizer: Any, lead: str) -> tuple[int, ...]:
    """Return the token of every mark when it follows `lead` in the prompt.

    Raises
    ------
    SettingsError
        With this tokenizer a mark is not one token of its own.
    """
    before = tokenizer.encode(lead, add_special_tokens=False)
    tokens = []
    for mark in MARKS:
        whole = tokenizer.encode(lead + mark, add_special_tokens=False)
        if whole[:-1] != before:
            raise SettingsError(f"mark {mark} is not one token of this tokenizer")
        tokens.append(whole[-1])
    if len(set(tokens)) != len(tokens):
        raise SettingsError("two marks are the same token of this tokenizer")
    return tuple(tokens)
