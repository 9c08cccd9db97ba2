"""A backup of an embedded site while it runs, and a site made from one.

The server's state and log are one snapshot of one moment. The archive is copied after it, while
nobody may change it, so together they hold every record: what the snapshot no longer has in its
streams was in the archive before.
"""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, json

from keyart.models.artifacts.whole import PASSING
from keyart.schemas.errors import InvalidRecord, NotFound, SettingsError
from keyart.services.jobs.archive_lock import archive_locked
from keyart.services.jobs.eras import MAKING
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.folder import OWNER_ONLY
from keyart.services.wiring.places import (
    ARCHIVE,
    MODELS,
    PRIORS,
    SERENDIPITY,
    SERVED,
    archive_dir,
    data_dir,
    is_there,
    models_dir,
    priors_dir,
    table_dir,
)
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.viewer_key import FILE, PREVIOUS_FILE
from keyart.streams.compare import Check
from keyart.streams.site import StoreServer

MANIFEST: Final = "backup.json"
SNAPSHOT: Final = "valkey.rdb"
VECTORS: Final = "vectors"
"""Of texts, by neural encoders: made again when they are needed."""
TAR: Final = ".tar"
MUST_AGREE: Final = ("partitions", "topic_prefix")
_AOF: Final = "appendonly.aof"
_MOST_MANIFEST: Final = 100_000_000


class Copied(Struct, frozen=True, kw_only=True):
    """A file of a backup: its path in it, its size, and the BLAKE2b of what is in it."""

    path: str
    size: int
    digest: str


class Manifest(Struct, frozen=True, kw_only=True):
    """What a backup holds, and what it was made of."""

    keyart: str
    made_at_ms: int
    settings: dict[str, str | int | float | bool]
    has_key: bool
    files: tuple[Copied, ...]
    version: int = 1

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(each.size for each in self.files)


def back_up(settings: Settings, server: StoreServer, to: Path) -> Manifest:
    """Write a backup of a site, running or not, to a new folder, or to one file that ends in .tar.

    It is written beside under another name and gets its own once it is whole. Only its owner may
    read it: it holds the viewer key, unless that is in a setting.

    Raises
    ------
    SettingsError
        The site's state or log is not embedded, or `to` is there already.
    NotFound
        There is no site in the data folder.
    StoreError
        The server could not write its snapshot.
    """
    check_site_is_there(settings)
    if to.exists() and (to.suffix == TAR or not to.is_dir() or any(to.iterdir())):
        raise SettingsError(f"{to} is there already; name another one")
    os.umask(OWNER_ONLY)
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{to.name}-", dir=to.parent) as passing:
        whole = Path(passing) / "whole"
        whole.mkdir()
        manifest = _gather(settings, server, whole)
        if to.suffix == TAR:
            packed = Path(passing) / "packed"
            with tarfile.open(packed, "w") as tar:
                tar.add(whole, arcname=".")
            _force(packed)
            packed.replace(to)
        else:
            whole.replace(to)
    return manifest


def check_site_is_there(settings: Settings) -> None:
    """See that there is a site that can be backed up here.

    Raises
    ------
    SettingsError
        The site's state or log is not embedded.
    NotFound
        There is no site in the data folder.
    """
    if settings.redis_url or not settings.embedded:
        raise SettingsError("only an embedded site is backed up here: use your servers' own means")
    if not is_there(settings):
        raise NotFound(f"there is no keyart in {data_dir(settings).resolve()}")


def _gather(settings: Settings, server: StoreServer, to: Path) -> Manifest:
    folder = data_dir(settings)
    with archive_locked(folder):
        server.snapshot(to / SNAPSHOT)
        _copy_tree(archive_dir(settings), to / ARCHIVE)
    for name in (FILE, PREVIOUS_FILE):
        if (folder / name).is_file():
            shutil.copyfile(folder / name, to / name)
    _copy_tree(priors_dir(settings), to / PRIORS, without=VECTORS)
    _copy_tree(models_dir(settings), to / MODELS)
    _copy_tree(table_dir(settings), to / SERENDIPITY, without=SERVED)
    files = tuple(_copied(path, to) for path in sorted(to.rglob("*")) if path.is_file())
    names = {*MUST_AGREE, "space", *(name for its in MAKING.values() for name in its)}
    manifest = Manifest(
        keyart=version("keyart"),
        made_at_ms=now_ms(),
        settings={name: getattr(settings, name) for name in sorted(names)},
        has_key=(to / FILE).is_file(),
        files=files,
    )
    (to / MANIFEST).write_bytes(json.format(json.encode(manifest)))
    _force(to / MANIFEST)
    return manifest


def _copy_tree(source: Path, to: Path, *, without: str = "") -> None:
    for path in sorted(source.rglob("*")):
        inside = path.relative_to(source)
        if path.is_symlink() or not path.is_file() or inside.parts[0] == without:
            continue
        if path.suffix in (PASSING, ".writing"):  # the second of an older keyart
            continue
        (to / inside).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to / inside)


def _copied(path: Path, of: Path) -> Copied:
    digest = blake2b(digest_size=32)
    with path.open("rb") as data:
        while block := data.read(1 << 20):
            digest.update(block)
    inside = path.relative_to(of).as_posix()
    return Copied(path=inside, size=path.stat().st_size, digest=digest.hexdigest())


def _force(path: Path) -> None:
    with path.open("rb") as written:
        os.fsync(written.fileno())


def restore(source: Path, settings: Settings) -> Manifest:
    """Make a site of a backup, in the data folder of the settings, which must be empty.

    Raises
    ------
    SettingsError
        The folder is not empty, or the backup was made with other partitions or another prefix.
    InvalidRecord
        The backup is damaged, or not one.
    """
    site = data_dir(settings)
    if site.exists() and (not site.is_dir() or any(site.iterdir())):
        raise SettingsError(f"{site} is not empty: a backup is restored to a folder of its own")
    os.umask(OWNER_ONLY)
    site.parent.mkdir(parents=True, exist_ok=True)
    with (
        _unpacked(source, site.parent) as held,
        tempfile.TemporaryDirectory(prefix=f".{site.name}-", dir=site.parent) as passing,
    ):
        manifest = _verified(held)
        for name in MUST_AGREE:
            if (was := manifest.settings.get(name)) != (now := getattr(settings, name)):
                raise SettingsError(
                    f"the backup was made with KEYART_{name.upper()}={was}, and it is {now} here"
                )
        whole = Path(passing) / "whole"
        whole.mkdir()
        for each in manifest.files:
            _place(held / each.path, whole, each.path)
        base = f"{_AOF}.1.base.rdb"
        (whole / "valkey" / "appendonlydir" / f"{_AOF}.manifest").write_text(
            f"file {base} seq 1 type b\n"
        )
        if site.exists():
            # the folder itself may be where a volume is mounted
            for path in sorted(whole.iterdir()):
                shutil.move(path, site / path.name)
        else:
            whole.replace(site)
    return manifest


def _place(source: Path, whole: Path, name: str) -> None:
    inside = name
    if name == SNAPSHOT:
        inside = f"valkey/appendonlydir/{_AOF}.1.base.rdb"
    to = whole / inside
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, to)
    _force(to)


@contextmanager
def _unpacked(source: Path, beside: Path) -> Iterator[Path]:
    """Yield the folder of a backup; one file is unpacked for as long as it takes."""
    if source.is_dir():
        yield source
        return
    with tempfile.TemporaryDirectory(prefix=".keyart-restore-", dir=beside) as folder:
        try:
            with tarfile.open(source, "r:") as tar:
                tar.extractall(folder, filter="data")
        except FileNotFoundError:
            raise NotFound(f"there is no backup {source}") from None
        except (tarfile.TarError, EOFError) as broken:
            raise InvalidRecord(f"{source}: is no backup that can be read: {broken}") from None
        yield Path(folder)


def _verified(held: Path) -> Manifest:
    """Return what a backup says it holds, having seen that it does."""
    path = held / MANIFEST
    try:
        if path.stat().st_size > _MOST_MANIFEST:
            raise InvalidRecord(f"{path}: is larger than any backup's")
        manifest = json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise NotFound(f"{held}: is no backup; {MANIFEST} is not there") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as broken:
        raise InvalidRecord(f"{path}: cannot be read: {broken}") from None
    for each in manifest.files:
        file = held / each.path
        if Path(each.path).is_absolute() or ".." in Path(each.path).parts or file.is_symlink():
            raise InvalidRecord(f"{path}: names a file outside the backup: {each.path}")
        if not file.is_file():
            raise InvalidRecord(f"{each.path} is missing from the backup")
        if _copied(file, held) != each:
            raise InvalidRecord(f"{each.path} is not what was backed up: it is damaged")
    if not any(each.path == SNAPSHOT for each in manifest.files):
        raise InvalidRecord(f"{SNAPSHOT} is missing from the backup")
    return manifest


def check_backup(source: Path, settings: Settings, check: Callable[[Settings], Check]) -> Check:
    """Restore a backup to a passing folder, and let `check` compare its state with its log."""
    beside = source.resolve().parent
    with tempfile.TemporaryDirectory(prefix=".keyart-check-", dir=beside) as passing:
        own = replace(settings, data_dir=str(Path(passing) / "site"), redis_url="")
        restore(source, own)
        return check(own)
