"""The catalogue in words: what titles and artworks are called."""

from pathlib import Path

from keyart.models.dataset.examples import Choice
from keyart.models.intake.titles import read_titles
from keyart.schemas.catalogue import Artwork, Title


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
    """Return the titles of a file by id; raises as `read_titles` does."""
    return {title.id: title for title in read_titles(path)}
