"""The words for what an artwork responds to: the viewer's named interests."""

from dataclasses import replace

from keyart.models.decide.page import DecidedPage
from keyart.schemas.taste import TasteArray
from keyart.services.api.answers import liked
from keyart.streams.catalogue.view import CatalogueView


def with_interests(
    decided: DecidedPage, taste: TasteArray | None, view: CatalogueView
) -> DecidedPage:
    """Return the page, told the viewer's interests if any of its artworks responds to taste."""
    if decided.responding.log is None or taste is None or not len(places := liked(taste)):
        return decided
    names = [view.names.names[place] for place in places.tolist()]
    told = decided.responding._replace(names=names, directions=view.concept_vectors[places])
    return replace(decided, responding=told)
