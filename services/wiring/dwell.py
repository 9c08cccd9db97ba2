"""How long a picture is kept: one time for all surfaces, and those that have their own."""

from typing import Final

from keyart.models.decide.swaps import DAY_MS, Swaps
from keyart.schemas.errors import SettingsError
from keyart.services.wiring.settings import Settings

MOST_SURFACES: Final = 64
LONGEST_S: Final = 2_592_000
_NAME: Final = "KEYART_DWELL_BY_SURFACE"


def dwell_by_surface(settings: Settings) -> dict[str, int]:
    """Return by surface how long a picture is kept there, in milliseconds.

    Raises
    ------
    SettingsError
        A part is not surface=seconds, a surface stands twice or has no name, or a time is out of
        its bounds.
    """
    parts = [part for part in map(str.strip, settings.dwell_by_surface.split(",")) if part]
    if len(parts) > MOST_SURFACES:
        raise SettingsError(f"{_NAME} names {len(parts)} surfaces, at most {MOST_SURFACES}")
    found: dict[str, int] = {}
    for part in parts:
        surface, _, text = (each.strip() for each in part.rpartition("="))
        if not surface or not (text.isascii() and text.isdecimal()):
            raise SettingsError(f"{_NAME}: {part!r} is not surface=seconds")
        if surface in found:
            raise SettingsError(f"{_NAME}: {surface!r} stands twice")
        if len(text) > 9 or not 1 <= int(text) <= LONGEST_S:
            raise SettingsError(f"{_NAME}: {part!r} is not from 1 to {LONGEST_S} seconds")
        found[surface] = int(text) * 1000
    return found


def longest_dwell_ms(settings: Settings) -> int:
    """Return how long what is decided is remembered, and waits for its impression.

    It is as long as a picture is kept where it is kept longest; with a budget of swaps a day longer
    than one is held for it, so that the swaps of a whole day can be counted.

    Raises
    ------
    SettingsError
        As `dwell_by_surface`.
    """
    longest_ms = max(settings.dwell_s * 1000, *dwell_by_surface(settings).values(), 0)
    if settings.swaps_a_day < 0:
        return longest_ms
    return _horizon_ms(longest_ms) + DAY_MS


def swaps_of(settings: Settings) -> Swaps | None:
    """Return how many pictures may change for a viewer in a day; None for any number.

    Raises
    ------
    SettingsError
        As `dwell_by_surface`.
    """
    if settings.swaps_a_day < 0:
        return None
    longest_ms = max(settings.dwell_s * 1000, *dwell_by_surface(settings).values(), 0)
    return Swaps(a_day=settings.swaps_a_day, horizon_ms=_horizon_ms(longest_ms))


def _horizon_ms(longest_ms: int) -> int:
    return max(2 * DAY_MS, longest_ms + DAY_MS)
