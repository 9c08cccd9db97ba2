"""The registries of a site: of models that judge pictures, and of tables of proposals."""

from functools import lru_cache
from pathlib import Path

from keyart.models.serendipity.table import MANIFEST
from keyart.services.jobs.serendipity.tables import Tables
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.places import (
    SERENDIPITY,
    models_cache_dir,
    models_dir,
    served_tables_dir,
    table_dir,
    tables_dir,
)
from keyart.services.wiring.settings import Settings
from keyart.streams.registry.kept import KeptObjects
from keyart.streams.registry.objects import DirectoryObjects, Objects
from keyart.streams.registry.registry import NEUTRAL, Registry
from keyart.streams.registry.s3 import S3Objects, place_of


def registry_of(settings: Settings) -> Registry:
    """Return the versions of models and their aliases.

    Raises
    ------
    SettingsError, MissingExtra
        It is in a bucket, and the address is none, or what speaks to it is not installed.
    """
    return Registry(_objects(settings, models_dir(settings)), now_ms)


def tables_of(settings: Settings) -> Tables:
    """Return the versions of tables of proposals, and which one serves; raises as above."""
    objects = _objects(settings, tables_dir(settings), SERENDIPITY)
    return Tables(registry=Registry(objects, now_ms), folder=served_tables_dir(settings))


def proposes(settings: Settings) -> bool:
    """Whether a table of proposals serves this site."""
    if (table_dir(settings) / MANIFEST).is_file():
        return True
    champion = tables_of(settings).registry.aliases().champion
    return not settings.serendipity_table and champion not in ("", NEUTRAL)


def _objects(settings: Settings, folder: Path, inside: str = "") -> Objects:
    if not settings.models_url:
        return DirectoryObjects(folder)
    cache = models_cache_dir(settings)
    return _distant(settings.models_url, inside, cache, settings.models_cache_mb)


@lru_cache(maxsize=8)  # one connection, and one memory of what was read, for all of a process
def _distant(url: str, inside: str, cache: Path, most_mb: int) -> Objects:
    place = place_of(url)
    prefix = "/".join(filter(None, (place.prefix, inside)))
    objects = S3Objects(place._replace(prefix=prefix))
    return KeptObjects(objects, cache, most_bytes=most_mb * 1_000_000)
