"""How every process begins: settings read and checked, logging set up, the folder owned."""

from keyart.services.wiring.checks import check_settings, uses_folder
from keyart.services.wiring.folder import own_folder
from keyart.services.wiring.places import data_dir
from keyart.services.wiring.roles import Role
from keyart.services.wiring.settings import Settings, read_settings
from keyart.services.wiring.telemetry import set_up_logging


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
