"""The secret that pseudonymises viewers: from a setting, or a file that is made once and kept.

The file is written whole under another name, forced to disk, and then linked to its own: of any
number of processes that begin at once one wins, and a disk that fills leaves none. A file that is
too short is refused for ever: with an empty key the pseudonyms would be plain hashes of the ids.
"""

import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keyart.models.artifacts.whole import force_folder
from keyart.schemas.errors import SettingsError
from keyart.services.wiring.folder import own_folder
from keyart.services.wiring.settings import Settings

LEAST, MOST = 16, 64
_MADE_BYTES: Final = 32
FILE: Final = "viewer.key"
PREVIOUS_FILE: Final = "viewer.key.previous"


@dataclass(frozen=True, slots=True)
class ViewerKeys:
    """The key, and the one before it while viewers move from that to this; never in a `repr`."""

    current: bytes
    previous: bytes | None = None

    def __repr__(self) -> str:
        """Return a text that holds no key."""
        return f"ViewerKeys(rotating={self.previous is not None})"


def check_given(text: str, setting: str) -> bytes | None:
    """Return a key that a setting gives, None when it is empty.

    Raises
    ------
    SettingsError
        It is too short or too long.
    """
    key = text.encode()
    if not key:
        return None
    if not LEAST <= len(key) <= MOST:
        raise SettingsError(
            f"{setting} is of {len(key)} bytes, and must be of {LEAST} to {MOST} bytes"
        )
    return key


def find_keys(current: str, previous: str, folder: Path, *, make: bool) -> ViewerKeys:
    """Return the site's keys.

    Parameters
    ----------
    current, previous
        As the settings give them; empty: from the files in `folder`.
    make
        Whether a current key that is nowhere is made; else it must be given.

    Raises
    ------
    SettingsError
        A key is not of 16 to 64 bytes, cannot be read or made, or both are the same.
    """
    key = check_given(current, "KEYART_VIEWER_KEY")
    before = check_given(previous, "KEYART_VIEWER_KEY_PREVIOUS")
    if key is None and not make:
        raise SettingsError("KEYART_VIEWER_KEY must be set, the same in every api process")
    if before is None and key is None:
        before = _read(folder / PREVIOUS_FILE)
    if key is None:
        key = _read(folder / FILE) or _make(folder / FILE)
    if key == before:
        raise SettingsError("the viewer key and the one before it are the same: drop the latter")
    return ViewerKeys(key, before)


def check_keys(current: str, previous: str, folder: Path, *, make: bool) -> None:
    """Raise SettingsError as `find_keys` does; a key that is not there yet is not made."""
    given = current or ("" if not make or (folder / FILE).exists() else secrets.token_hex(LEAST))
    find_keys(given, previous, folder, make=make)


def keys_of_site(settings: Settings) -> ViewerKeys:
    """Return the secrets of a site; in the embedded default they are made once and kept.

    Raises
    ------
    SettingsError
        A key is too short or too long, or the log is Kafka and there is none.
    """
    if settings.embedded and not settings.viewer_key:
        own_folder(Path(settings.data_dir))
    return find_keys(
        settings.viewer_key,
        settings.viewer_key_previous,
        Path(settings.data_dir),
        make=settings.embedded,
    )


def _read(path: Path) -> bytes | None:
    """Return the key in the file, None when there is no file; others lose their right to read."""
    try:
        held = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as wrong:
        raise SettingsError(f"{path} cannot be read: {wrong.strerror}") from None
    with open(held, "rb") as file:
        found = os.fstat(held)
        key = file.read(MOST + 1)
        if found.st_uid == os.geteuid() and found.st_mode & 0o077:
            os.fchmod(held, stat.S_IMODE(found.st_mode) & ~0o077)
    if LEAST <= len(key) <= MOST:
        return key
    raise SettingsError(
        f"{path} holds {found.st_size} bytes, and a viewer key has {LEAST} to {MOST}: restore it "
        "from a backup; or delete it, and every viewer begins anew as a stranger"
    )


def _make(path: Path) -> bytes:
    """Make the key, unless another process was first; return the one that stands."""
    trial = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(8)}")
    try:
        held = os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(held, "wb") as file:
                file.write(secrets.token_bytes(_MADE_BYTES))
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(trial, path)
        finally:
            trial.unlink()
        force_folder(path.parent)
    except OSError as wrong:
        raise SettingsError(
            f"{path} cannot be made ({wrong.strerror}): mend that, or set KEYART_VIEWER_KEY"
        ) from None
    key = _read(path)
    if key is None:
        raise SettingsError(f"{path} was removed while it was made")
    return key
