"""What the pictures of one page may have in common."""

from typing import Annotated

from msgspec import Meta, Struct

from keyart.schemas.ids import GivenName


class Slate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Titles of one row: no two show pictures that are more alike than `most`.

    Two artworks are as alike as the weights of those attributes together in which both have the
    same value. With `explore_once` at most one title of the row is explored, the others are not.
    """

    alike: Annotated[
        dict[GivenName, Annotated[float, Meta(gt=0.0, le=1.0)]], Meta(min_length=1, max_length=8)
    ]
    most: Annotated[float, Meta(ge=0.0, le=8.0)] = 0.0
    explore_once: bool = False
