"""Where a site keeps what is on disk, and whether one is there."""

from pathlib import Path

from keyart.services.wiring.settings import Settings

ARCHIVE, MODELS, PRIORS, RETRAIN, SERVER = "archive", "models", "priors", "retrain", "valkey"
SERENDIPITY = "serendipity"
CACHE = "models-cache"
SERVED = "served"
"""In the folder of tables: versions laid out to be read, which come again from the registry."""


def data_dir(settings: Settings) -> Path:
    """Return the folder for everything on disk."""
    return Path(settings.data_dir)


def archive_dir(settings: Settings) -> Path:
    """Return the folder of the archive."""
    return data_dir(settings) / ARCHIVE


def models_dir(settings: Settings) -> Path:
    """Return the folder of the registry."""
    return data_dir(settings) / MODELS


def priors_dir(settings: Settings) -> Path:
    """Return the folder of all priors."""
    return data_dir(settings) / PRIORS


def retrain_dir(settings: Settings) -> Path:
    """Return the folder of retrainings."""
    return data_dir(settings) / RETRAIN


def table_dir(settings: Settings) -> Path:
    """Return the folder of the table of proposals."""
    return Path(settings.serendipity_table or data_dir(settings) / SERENDIPITY)


def served_tables_dir(settings: Settings) -> Path:
    """Return the folder of tables that are laid out to serve."""
    return data_dir(settings) / SERENDIPITY / SERVED


def models_cache_dir(settings: Settings) -> Path:
    """Return the folder of what was read from a registry in a bucket: may go at any time."""
    return data_dir(settings) / CACHE


def tables_dir(settings: Settings) -> Path:
    """Return the folder of the registry of tables."""
    return models_dir(settings) / SERENDIPITY


def is_there(settings: Settings) -> bool:
    """Whether the folder holds a site: an embedded server's state and log, or an archive."""
    return any((data_dir(settings) / name).is_dir() for name in (SERVER, ARCHIVE))
