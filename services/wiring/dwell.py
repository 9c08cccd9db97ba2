"""How long a picture is kept: one time for all surfaces, and those that have their own."""

from typing import Final

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
    """Return how long a picture is kept where it is kept longest: what is decided waits so long.

    Raises
    ------
    SettingsError
        As `dwell_by_surface`.
    """
    return max(settings.dwell_s * 1000, *dwell_by_surface(settings).values(), 0)
