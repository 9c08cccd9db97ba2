"""Titles and their artworks."""

from typing import Annotated

from msgspec import Meta, Struct

from keyart.schemas.decisions import MAX_ARTWORKS
from keyart.schemas.ids import Millis, Name
from keyart.schemas.rules import Rules

TITLE_VERSION = 1
MAX_STORED_BYTES = 1_000_000
"""Of a title as it is kept and logged: with its removed artworks and its earlier descriptions."""
Text = Annotated[str, Meta(max_length=4000)]
ImageReference = Annotated[str, Meta(max_length=2000)]


class Artwork(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One visual of a title. `description` is what the embedding and the language model read."""

    id: Name
    image: ImageReference = ""
    description: Text = ""
    attributes: Annotated[
        dict[Name, Annotated[str, Meta(max_length=500)]], Meta(max_length=64)
    ] = {}
    rules: Rules | None = None


class Title(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The thing recommended, as a site hands it over: 1 to 40 artworks with distinct ids.

    `default` is the artwork that the site would show without keyart; "" is the first.
    """

    id: Name
    name: Annotated[str, Meta(max_length=500)] = ""
    group: Annotated[str, Meta(max_length=128)] = ""
    default: Annotated[str, Meta(max_length=128)] = ""
    artworks: Annotated[tuple[Artwork, ...], Meta(min_length=1, max_length=MAX_ARTWORKS)]
    version: Annotated[int, Meta(ge=1)] = TITLE_VERSION


class Described(Struct, frozen=True, kw_only=True):
    """A description that was in force from `since_ms` on."""

    since_ms: Millis
    description: str


class StoredArtwork(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An artwork as kept: with its earlier descriptions, and whether it may still be chosen.

    An event is read with the description in force when the log took it in, so a replay sees what
    live saw. Here stand the latest ones; the catalogue's log has them all.
    """

    artwork: Artwork
    history: tuple[Described, ...]
    removed_at_ms: Millis | None = None


class StoredTitle(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A title as kept. Removed artworks stay, with their history, and are never chosen.

    `names` are the names it had, as `Described`; none means that it never had another one.
    `trimmed` says that something of its past is in the catalogue's log alone.
    """

    id: Name
    name: str = ""
    group: str = ""
    names: tuple[Described, ...] = ()
    trimmed: bool = False
    default: str = ""
    artworks: tuple[StoredArtwork, ...]
    updated_at_ms: Millis
    version: Annotated[int, Meta(ge=1)] = TITLE_VERSION

    @property
    def whole(self) -> Title:
        """The title with removed artworks, too: they were shown, and teach."""
        artworks = tuple(each.artwork for each in self.artworks)
        return Title(id=self.id, name=self.name, group=self.group, artworks=artworks)

    @property
    def choosable(self) -> tuple[Artwork, ...]:
        """The artworks that may be chosen now: the default first, then as in the catalogue."""
        kept = [each.artwork for each in self.artworks if each.removed_at_ms is None]
        return tuple(sorted(kept, key=lambda each: each.id != self.default))
