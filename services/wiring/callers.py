"""The keys that callers may send, as the settings name them."""

from pathlib import Path

from keyart.schemas.errors import SettingsError
from keyart.services.api.keys import KeyRing, listed_keys
from keyart.services.api.origins import is_loopback
from keyart.services.wiring.settings import Settings


def keys_of(settings: Settings) -> KeyRing:
    """Return the keys that callers may send.

    Raises
    ------
    SettingsError
        A key cannot be used, a list or file is empty, or there is none and the address is not
        loopback.
    """
    path = Path(settings.api_keys_file) if settings.api_keys_file else None
    keys = KeyRing(listed_keys(settings.api_keys), path)
    if not keys and not is_loopback(settings.api_host):
        raise SettingsError(
            f"KEYART_API_HOST is {settings.api_host}, and without KEYART_API_KEYS the api binds to "
            "loopback only: set keys, or bind to 127.0.0.1"
        )
    return keys
