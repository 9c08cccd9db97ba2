"""How every process begins: settings read and checked, logging set up, the folder owned."""

from keyart.services.bootstrap import Parts
from keyart.services.checks import check_settings, uses_folder
from keyart.services.folder import own_folder
from keyart.services.roles import Role
from keyart.services.settings import read_settings
from keyart.services.telemetry import set_up_logging


def started(role: Role) -> Parts:
    """Return the parts of a process of this role.

    Raises
    ------
    SettingsError
        A setting cannot be used; nothing has been started yet.
    """
    settings = read_settings().settings
    check_settings(settings, role)
    set_up_logging(settings)
    parts = Parts(settings)
    if uses_folder(settings, role):
        own_folder(parts.data_dir)
    return parts
