"""The address that the api listens on: without the api, so that whoever only asks loads nothing."""

import socket

from keyart.schemas.errors import SettingsError


def bound(host: str, port: int, *, shared: bool) -> socket.socket:
    """Return a socket bound to the address, which other processes may share or not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def free_port(host: str, port: int) -> int:
    """Return the port, or a free one for 0.

    Raises
    ------
    SettingsError
        Somebody listens there already, or the address is none of this machine's.
    """
    try:
        with bound(host, port, shared=False) as probe:
            free: int = probe.getsockname()[1]
            return free
    except OSError as taken:
        raise SettingsError(
            f"the api cannot listen on {host}:{port}: {taken.strerror}; set KEYART_API_PORT, "
            "or 0 for a free port"
        ) from None
