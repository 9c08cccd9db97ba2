"""The catalogue in words: what titles and artworks are called."""

from pathlib import Path
from typing import Final

from keyart.models.llm.examples import Choice
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.codec import titles
from keyart.schemas.errors import InvalidRecord

MAX_TITLES: Final = 1_000_000


def describe(artwork: Artwork) -> str:
    """Return the artwork in words: its description, else its attributes, else its id."""
    if artwork.description:
        return artwork.description
    if artwork.attributes:
        return ", ".join(f"{key} {value}" for key, value in sorted(artwork.attributes.items()))
    return artwork.id


def choices(title: Title) -> tuple[Choice, ...]:
    """Return the title's artworks as options."""
    return tuple(
        Choice(artwork=artwork.id, description=describe(artwork)) for artwork in title.artworks
    )


def read_catalogue(path: Path) -> dict[str, Title]:
    """Return the titles of a JSON Lines file by id; a later line replaces an earlier one.

    Raises
    ------
    InvalidRecord
        A line is no title, or there are more than `MAX_TITLES`.
    """
    found: dict[str, Title] = {}
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                title = titles.decode(line)
            except InvalidRecord as wrong:
                raise InvalidRecord(f"line {number} of {path.name}: {wrong}") from None
            found[title.id] = title
            if len(found) > MAX_TITLES:
                raise InvalidRecord(f"more than {MAX_TITLES} titles in {path.name}")
    return found
