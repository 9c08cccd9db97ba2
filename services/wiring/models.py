"""The registry of models of a site."""

from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.places import models_dir
from keyart.services.wiring.settings import Settings
from keyart.streams.registry.objects import DirectoryObjects
from keyart.streams.registry.registry import Registry


def registry_of(settings: Settings) -> Registry:
    """Return the versions of models and their aliases."""
    return Registry(DirectoryObjects(models_dir(settings)), now_ms)
