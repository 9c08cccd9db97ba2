"""The registries of a site: of models that judge pictures, and of tables of proposals."""

from keyart.models.serendipity.table import MANIFEST
from keyart.services.jobs.serendipity.tables import Tables
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.places import models_dir, served_tables_dir, table_dir, tables_dir
from keyart.services.wiring.settings import Settings
from keyart.streams.registry.objects import DirectoryObjects
from keyart.streams.registry.registry import NEUTRAL, Registry


def registry_of(settings: Settings) -> Registry:
    """Return the versions of models and their aliases."""
    return Registry(DirectoryObjects(models_dir(settings)), now_ms)


def tables_of(settings: Settings) -> Tables:
    """Return the versions of tables of proposals, and which one serves."""
    registry = Registry(DirectoryObjects(tables_dir(settings)), now_ms)
    return Tables(registry=registry, folder=served_tables_dir(settings))


def proposes(settings: Settings) -> bool:
    """Whether a table of proposals serves this site."""
    if (table_dir(settings) / MANIFEST).is_file():
        return True
    champion = tables_of(settings).registry.aliases().champion
    return not settings.serendipity_table and champion not in ("", NEUTRAL)
