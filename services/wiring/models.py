"""The registries of a site: of models that judge pictures, and of tables of proposals."""

from keyart.services.jobs.serendipity.tables import Tables
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.places import models_dir, served_tables_dir, tables_dir
from keyart.services.wiring.settings import Settings
from keyart.streams.registry.objects import DirectoryObjects
from keyart.streams.registry.registry import Registry


def registry_of(settings: Settings) -> Registry:
    """Return the versions of models and their aliases."""
    return Registry(DirectoryObjects(models_dir(settings)), now_ms)


def tables_of(settings: Settings) -> Tables:
    """Return the versions of tables of proposals, and which one serves."""
    registry = Registry(DirectoryObjects(tables_dir(settings)), now_ms)
    return Tables(registry=registry, folder=served_tables_dir(settings))
