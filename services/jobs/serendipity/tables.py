"""The tables of a site as versions: in the registry of tables, served by its champion alias.

It has aliases of its own: which table proposes is another matter than which prior chooses pictures.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keyart.models.serendipity.table import (
    COLLECTIVE,
    FACTORS,
    MANIFEST,
    ROWS,
    TITLES,
    WORDS,
    read_table,
)
from keyart.models.serendipity.table import Table as Read
from keyart.schemas.errors import InvalidRecord, ModelRejected
from keyart.schemas.registry import ModelVersion, Move
from keyart.streams.registry.registry import NEUTRAL, Registry

KIND: Final = "serendipity"
FILES: Final = (MANIFEST, WORDS, ROWS, TITLES, COLLECTIVE, FACTORS)


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Keeps tables, and says which one serves.

    Parameters
    ----------
    registry
        Of tables.
    folder
        Where those that serve are laid out to be read.
    """

    registry: Registry
    folder: Path

    def add(self, made: Path, facts: ModelVersion) -> ModelVersion:
        """Keep a finished table as candidate; raises as `Registry.add` does."""
        files = {name: made / name for name in FILES if (made / name).is_file()}
        return self.registry.add(facts, files)

    def champion(self) -> Path | None:
        """Return the folder of the table that serves, laid out if it is not yet; None for none.

        Raises
        ------
        ModelRejected, NotFound
            It is not whole.
        """
        name = self.registry.aliases().champion
        return None if name in ("", NEUTRAL) else self._laid_out(name)

    def read(self, name: str) -> Read:
        """Return a table by its version or an alias, fit to serve.

        Raises
        ------
        NotFound, ModelRejected, InvalidRecord
            There is none, it is not whole, or it says of no title what cluster it is of.
        """
        version = self.registry.version(name)
        if version.kind != KIND:
            raise InvalidRecord(f"{version.name} is no table of proposals")
        table = read_table(self._laid_out(version.name))
        if not table.titles:
            raise ModelRejected(f"{version.name} says of no title what cluster it is of")
        return table

    def promote(self, name: str, *, by: str, why: str, fence: int = 0) -> Move:
        """Let a table serve; every api process takes it in within seconds.

        Raises
        ------
        NotFound, ModelRejected, InvalidRecord, Fenced, Contended
            It cannot serve, or another mover was first; what served goes on.
        """
        version = self.registry.version(name).name
        if version != NEUTRAL:
            self.read(version)
        move = self.registry.promote(version, by=by, why=why, fence=fence)
        self._tidy()
        return move

    def rollback(self, *, by: str, why: str) -> Move:
        """Let the table serve that served before.

        Raises
        ------
        InvalidRecord
            None did.
        """
        held = self.registry.aliases()
        if held.previous and held.previous != NEUTRAL:
            self.read(held.previous)
        return self.registry.rollback(by=by, why=why, of=held.champion)

    def _laid_out(self, name: str) -> Path:
        folder = self.folder / name
        if not (folder / MANIFEST).is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            self.registry.fetch(name, folder)
        return folder

    def _tidy(self) -> None:
        """Let go of what was laid out and has no alias any more."""
        kept = set(self.registry.aliases().named().values())
        for each in self.folder.iterdir() if self.folder.is_dir() else ():
            if each.is_dir() and not each.name.startswith(".") and each.name not in kept:
                shutil.rmtree(each, ignore_errors=True)
