"""Where the embedded server listens: in a folder that is its owner's alone, however long its path.

A socket in a shared folder, at a path that can be guessed, may be a stranger's: whoever waits there
first is given all that keyart knows.
"""

import os
import stat
import sys
from pathlib import Path
from typing import Final

from keyart.schemas.errors import SettingsError

SOCKET: Final = "valkey.sock"
MOST_PATH: Final = 100
"""Bytes of a socket's path: systems take 104 to 108, the closing zero among them."""
_OTHERS: Final = 0o077


class SocketPlace:
    """The folder of the server, and the socket in it.

    Parameters
    ----------
    folder
        Made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / SOCKET
        self._held: int | None = None

    def prepare(self) -> None:
        """Make the folder, or close one of this user's that others may enter.

        Raises
        ------
        SettingsError
            It belongs to another user, or cannot be made.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self.folder.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
                if found.st_mode & _OTHERS:
                    self.folder.chmod(0o700)
                return
        except OSError as wrong:
            raise SettingsError(
                f"KEYART_DATA_DIR: {self.folder} cannot be used: {wrong.strerror}"
            ) from None
        raise SettingsError(
            f"KEYART_DATA_DIR: {self.folder} belongs to another user: run as that user, or name "
            "another folder"
        )

    @property
    def short(self) -> str:
        """A path to the socket that is short enough to connect to.

        Raises
        ------
        SettingsError
            The path is too long, and this system has no way around that.
        """
        if len(os.fsencode(self.path)) <= MOST_PATH:
            return str(self.path)
        if not sys.platform.startswith("linux"):
            raise SettingsError(
                f"KEYART_DATA_DIR: {self.path} is longer than a socket's path may be: {MOST_PATH}"
            )
        if self._held is None:
            self.prepare()
            self._held = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._held}/{SOCKET}"

    def is_there(self) -> bool:
        """Whether the socket exists."""
        return self.path.exists()

    def is_ours(self) -> bool:
        """Whether folder and socket are this user's, and nobody else may enter the folder."""
        try:
            folder, socket = self.folder.lstat(), self.path.lstat()
        except OSError:
            return False
        user = os.geteuid()
        return (
            stat.S_ISDIR(folder.st_mode)
            and not folder.st_mode & _OTHERS
            and stat.S_ISSOCK(socket.st_mode)
            and folder.st_uid == user == socket.st_uid
        )
