"""The site that a command is about, with its embedded server up meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from keyart.services.wiring.settings import Settings


class Site(NamedTuple):
    """Its settings, and a connection to its store."""

    settings: "Settings"
    client: Any


@contextmanager
def site() -> Iterator[Site]:
    """Yield the site of this process's settings.

    Raises
    ------
    StoreAway, SettingsError
        The embedded server did not start.
    """
    from keyart.services.wiring.settings import read_settings
    from keyart.services.wiring.stores import running

    settings = read_settings().settings
    with running(settings) as client:
        yield Site(settings, client)
