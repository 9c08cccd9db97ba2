"""What a lane of viewers keeps, and how each family of it is read back."""

from collections.abc import Callable

from msgspec import Struct

from keyart.schemas import codec
from keyart.schemas.assigned import unpack_assigned
from keyart.schemas.explored import unpack_explored
from keyart.schemas.taste import unpack_tastes
from keyart.streams.families import ASSIGNED, ERASED, EXPLORED, META, PAGES, TASTE, VISITS, WINDOWS
from keyart.streams.steps.join.pages import unpack_page
from keyart.streams.steps.join.state import Trace, Visit, Window, unpack_due


class JoinMeta(Struct, kw_only=True):
    """What a lane of viewers keeps about itself: the number of its last reward."""

    sequence: int = 0


def stored_checks(space: str) -> dict[str, Callable[[str, bytes], object]]:
    """Return how each family of a lane of viewers is read; what cannot be read raises.

    Parameters
    ----------
    space
        The embedding space that tastes must be of.
    """
    return {
        TASTE: lambda _, value: unpack_tastes([value], space),
        ASSIGNED: lambda _, value: unpack_assigned(value),
        EXPLORED: lambda _, value: unpack_explored(value),
        VISITS: lambda _, value: _check_visit(value),
        WINDOWS: lambda _, value: unpack_due(value, Window),
        PAGES: lambda _, value: unpack_page(value),
        META: _check_meta,
    }


def _check_visit(value: bytes) -> None:
    for each in unpack_due(value, Visit).early:
        each.logged  # noqa: B018  # read, or refused


def _check_meta(key: str, value: bytes) -> None:
    if key == ERASED[1]:
        codec.unpack(value, dict[int, Trace])
    else:
        codec.unpack(value, JoinMeta)
