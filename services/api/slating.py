"""What a request says of its slate, ready to decide by."""

from collections.abc import Sequence

from msgspec import structs

from keyart.models.decide.coding import Coding
from keyart.models.decide.index import Arrays
from keyart.models.decide.near import vectors_on
from keyart.models.decide.slate import NO_VECTORS, Slating
from keyart.schemas.slates import Slate
from keyart.streams.catalogue.view import CatalogueView


def slating_of(
    coding: Coding,
    slate: Slate,
    cosine: float,
    arrays: Arrays,
    view: CatalogueView,
    *,
    asked: Sequence[tuple[str, tuple[str, ...]]],
    kept: Sequence[tuple[str, str]],
) -> Slating:
    """Return how the pictures of these titles are kept apart.

    Parameters
    ----------
    cosine
        The largest cosine of two pictures where the slate does not say; 1: any.
    asked
        Titles to decide, each with the artworks that it may show.
    kept
        Title and artwork of what stands.
    """
    if slate.cosine is None:
        slate = structs.replace(slate, cosine=cosine)
    vectors = vectors_on(arrays, kept) if slate.nearest < 1.0 else NO_VECTORS
    return coding.slating(slate, view.titles, asked, kept, vectors)
