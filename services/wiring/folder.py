"""The data folder: that it can be written, that it is its owner's alone, and that it has room."""

import errno
import logging
import os
import stat
import tempfile
from pathlib import Path
from typing import Final

from keyart.schemas.errors import SettingsError

log = logging.getLogger(__name__)
OWNER_ONLY: Final = 0o077
"""The mode bits of everybody else: taken from whatever keyart's processes make."""
FULL: Final = (errno.ENOSPC, errno.EDQUOT)
ROOM_BYTES: Final = 8_000_000
"""What a new site needs to begin; the embedded server's first files are of a few kilobytes."""


def check_folder(folder: Path) -> None:
    """See that the folder can be made, or is there and can be written; nothing stays behind.

    A full disk is no fault here: a site that stands goes on deciding; see `check_room`.

    Raises
    ------
    SettingsError
        It cannot, and why.
    """
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        with tempfile.TemporaryDirectory(prefix=".keyart-", dir=there) as trial:
            (Path(trial) / "trial").touch()
    except OSError as wrong:
        if wrong.errno not in FULL:
            raise _unfit(folder, wrong) from None


def own_folder(folder: Path) -> None:
    """Make the folder, for its owner only, and let all that this process makes be so.

    A folder of an earlier keyart that others may read is closed to them, and said so. One that
    belongs to another user (a volume with a group of its own) is left as it is: what keyart makes
    in it is not.

    Raises
    ------
    SettingsError
        It cannot be made.
    """
    os.umask(OWNER_ONLY)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = folder.stat()
        if found.st_uid != os.geteuid() or not found.st_mode & OWNER_ONLY:
            return
        folder.chmod(stat.S_IMODE(found.st_mode) & ~OWNER_ONLY)
        log.warning(
            "%s was open to other users of this machine; it is its owner's only now", folder
        )
    except OSError as wrong:
        raise _unfit(folder, wrong) from None


def check_room(folder: Path) -> None:
    """See that a new site has room to begin; one that stands already may go on with none.

    Raises
    ------
    SettingsError
        There is less than 8 MB.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(bytes(ROOM_BYTES))
            trial.flush()
            os.fsync(trial.fileno())
    except OSError as wrong:
        raise _unfit(folder, wrong) from None


def _unfit(folder: Path, wrong: OSError) -> SettingsError:
    advice = (
        "make room there, or name another folder"
        if wrong.errno in FULL
        else "name a folder that this user may write"
    )
    return SettingsError(f"KEYART_DATA_DIR: {folder} cannot be used ({wrong.strerror}): {advice}")
