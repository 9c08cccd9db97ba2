"""Addresses of HTTP servers that a person types."""

from urllib.parse import SplitResult, urlsplit

from keyart.schemas.errors import SettingsError

MAX_ADDRESS = 2_000


def http_address(url: str, what: str) -> SplitResult:
    """Take an address of a server to pieces.

    Parameters
    ----------
    url
        Such as http://127.0.0.1:8650 or https://example.org/keyart, of at most 2,000 characters.
    what
        What it is the address of, for the error; as `--url`.

    Raises
    ------
    SettingsError
        It is none: another scheme, no host, a port beyond 65,535, spaces or control characters.
    """
    wrong = SettingsError(f"{what}: {url[:200]!r} is no address of a server: http://HOST:PORT")
    if len(url) > MAX_ADDRESS or any(each.isspace() or not each.isprintable() for each in url):
        raise wrong
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise wrong
    return parts
