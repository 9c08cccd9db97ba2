"""What the pictures of one page may have in common."""

from typing import Annotated

from msgspec import Meta, Struct

from keyart.schemas.ids import GivenName


class Slate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Titles of one row: no two show pictures that are more alike than `most`.

    Two artworks are as alike as the weights of those attributes together in which both have the
    same value. With `cosine` no two are nearer than that by the vectors of what they show, either;
    without it the site's setting holds. With `explore_once` at most one title of the row is
    explored, the others are not.
    """

    alike: Annotated[
        dict[GivenName, Annotated[float, Meta(gt=0.0, le=1.0)]], Meta(max_length=8)
    ] = {}
    most: Annotated[float, Meta(ge=0.0, le=8.0)] = 0.0
    cosine: Annotated[float, Meta(ge=0.0, le=1.0)] | None = None
    explore_once: bool = False

    @property
    def nearest(self) -> float:
        """The largest cosine that two may have; 1 where any."""
        return 1.0 if self.cosine is None else self.cosine

    def __post_init__(self) -> None:
        """Raise ValueError where it does not say what likeness is."""
        if not self.alike and self.cosine is None:
            raise ValueError("a slate needs `alike`, `cosine` or both")
