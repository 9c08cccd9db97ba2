"""Reading stored values for those who only look: one that cannot be used is left out.

The lane that owns it sets it aside when it meets it; whoever looks meanwhile goes on without.
"""

import logging
from typing import TypeVar

from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord
from keyart.schemas.posterior import SharedSums
from keyart.schemas.taste import TasteArray, unpack_tastes
from keyart.streams.steps.stored import check_titles_meta

T = TypeVar("T")
log = logging.getLogger(__name__)


def usable(data: bytes | None, kind: type[T], what: str) -> T | None:
    """Return a stored record, None where there is none that can be used; `what` names it."""
    if data is None:
        return None
    try:
        if kind is SharedSums:
            check_titles_meta("shared", data)
        return codec.unpack(data, kind)
    except InvalidRecord as wrong:
        log.warning("%s is left out: %s", what, wrong)
        return None


def usable_taste(blob: bytes | None, space: str) -> TasteArray | None:
    """Return a stored taste, None where there is none that can be used."""
    if blob is None:
        return None
    try:
        return unpack_tastes([blob], space)
    except InvalidRecord as wrong:
        log.warning("a taste is left out: %s", wrong)
        return None
