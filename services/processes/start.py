"""How every process begins: settings read and checked, logging set up, the folder owned."""

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from keyart.schemas.errors import StoreAway
from keyart.services.wiring.checks import check_settings, uses_folder
from keyart.services.wiring.folder import own_folder
from keyart.services.wiring.places import data_dir
from keyart.services.wiring.roles import Role
from keyart.services.wiring.settings import Settings, read_settings
from keyart.services.wiring.telemetry import set_up_logging

log = logging.getLogger(__name__)
T = TypeVar("T")
PATIENCE_S: Final = 60.0
PAUSE_S: Final = 1.0


def started(role: Role) -> Settings:
    """Return the settings of a process of this role.

    Raises
    ------
    SettingsError
        A setting cannot be used; nothing has been started yet.
    """
    settings = read_settings().settings
    check_settings(settings, role)
    set_up_logging(settings)
    if uses_folder(settings, role):
        own_folder(data_dir(settings))
    return settings


def once_there(
    begin: Callable[[], T],
    *,
    patience_s: float = PATIENCE_S,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Return what begins with a read of the state store, waiting for a store that is away.

    Who starts a whole site starts all of it at once, and a store may restart at this very moment.

    Raises
    ------
    StoreAway
        It was away for so long.
    """
    until, told = clock() + patience_s, False
    while True:
        try:
            return begin()
        except StoreAway as away:
            if clock() >= until:
                raise
            if not told:
                log.warning("waiting up to %.0f s: %s", patience_s, away)
                told = True
            sleep(PAUSE_S)
