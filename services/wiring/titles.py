"""The catalogue of a site with its vectors."""

from typing import Any

from keyart.models.embed import taste_space
from keyart.services.wiring.logs import history_of
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.stores import catalogue_of
from keyart.streams.catalogue.current import CurrentCatalogue, recalled_from


def current_titles(settings: Settings, client: Any) -> CurrentCatalogue:
    """Return the catalogue with its vectors, brought up to date on demand."""
    return CurrentCatalogue(
        catalogue_of(settings, client),
        lambda: taste_space(settings.space),
        recall=recalled_from(lambda: history_of(settings, client), settings.partitions),
    )
