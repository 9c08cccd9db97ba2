"""A language model of the registry as it serves: it is asked once a title, never in a request."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from keyart.models.artifacts.described import read_described
from keyart.models.dataset.lately import NOTHING, Lately
from keyart.models.llm.scoring.manifest import Manifest, read_manifest
from keyart.models.llm.scoring.opinions import Opinions, load_opinions
from keyart.models.llm.scoring.probes import parity_with_torch
from keyart.models.llm.scoring.table import BLOCK, EVERYBODY, question, rows_for, score_table
from keyart.models.priors.opinion import relative_log
from keyart.models.priors.worth import UNMEASURED, Worth
from keyart.schemas.catalogue import StoredTitle, Title
from keyart.schemas.errors import Contended, SettingsError
from keyart.schemas.priors import Opinion, PriorCard
from keyart.services.processes.lock import FolderLock

SAID_FILE: Final = "said.jsonl"
"""Beside the model: what it said of each title, so that it is asked once; comes again from it."""
LATELY_FILE: Final = "lately.json"
"""Beside the model: what it is told that recently worked; none where its template has no place."""
UNSCALED: Final = Worth(scale=1.0, strength=UNMEASURED, gain=0.0, titles=0)
Told = Callable[[int, int], None]
"""Hears titles done and in all."""


def silent(done: int, total: int) -> None:
    """Tell nothing."""


def read_lately(folder: Path) -> Lately:
    """Return what a version in a folder is told that recently worked; as `read_described`."""
    path = folder / LATELY_FILE
    return read_described(path, Lately, made_by="keyart retrain") if path.is_file() else NOTHING


class Said:
    """What a language model says to everybody of titles, each asked once and kept in a table.

    Parameters
    ----------
    opinions
        The model; of its worth nothing enters the table, so that it may be measured anew.
    table
        The file.
    lately
        What it is told that recently worked.
    """

    def __init__(self, opinions: Opinions, table: Path, lately: Lately = NOTHING) -> None:
        self._lately = lately
        self._opinions = opinions
        self._opinions.worth = UNSCALED
        self._table = table

    def of(self, titles: Sequence[Title], *, told: Told = silent) -> dict[str, dict[str, float]]:
        """Return title -> artwork -> log probability less the title's mean.

        Titles of one artwork are left out. Whoever is killed goes on where it stopped, as far as
        blocks of titles were written.

        Raises
        ------
        Contended
            Another process asks the same model.
        """
        lock = FolderLock(self._table.with_suffix(".lock"), "another scoring")
        try:
            lock.take(wait_s=0.0)
        except SettingsError as held:
            raise Contended(f"{self._table.parent.name} is asked by another process") from held
        try:
            score_table(
                self._opinions,
                titles,
                [EVERYBODY],
                self._table,
                lately=self._lately,
                compact=False,
                progress=told,
            )
            rows = rows_for(self._opinions, titles, self._table, self._lately)
        finally:
            lock.release()
        return {
            name: dict(zip(row.artworks, row.relative, strict=True)) for name, row in rows.items()
        }

    def within(self, titles: Sequence[Title], *, over: Callable[[], bool]) -> list[Title]:
        """Ask about titles in their order until it is over; return those that are left.

        Raises
        ------
        Contended
            Another process asks the same model.
        """
        for first in range(0, len(titles), BLOCK):
            if over():
                return list(titles[first:])
            self.of(titles[first : first + BLOCK])
        return []

    def anew(self, titles: Sequence[Title]) -> dict[str, dict[str, float]]:
        """Return as `of`, the model asked again and nothing kept."""
        asked = [each for each in titles if len(each.artworks) > 1]
        scored = self._opinions.scored(
            [question(each, EVERYBODY, self._lately.of(each.id)) for each in asked]
        )
        return {
            title.id: dict(
                zip(
                    (artwork.id for artwork in title.artworks),
                    relative_log(one.probabilities).tolist(),
                    strict=True,
                )
            )
            for title, one in zip(asked, scored, strict=True)
        }


class FittedLanguageModel:
    """A language model in a folder, exported to ONNX.

    Parameters
    ----------
    folder
        Of all priors.
    version
        Its name, and that of its folder.

    Raises
    ------
    ModelRejected, MissingExtra
        As `load_opinions`.
    """

    def __init__(self, folder: Path, version: str) -> None:
        self.version = version
        self.card = PriorCard(prior=version)
        self._folder = folder / version
        self._manifest = read_manifest(self._folder)
        self._model = load_opinions(str(self._folder))
        self._said = Said(self._model, self._folder / SAID_FILE, read_lately(self._folder))

    @property
    def manifest(self) -> Manifest:
        """What it says of itself."""
        return self._manifest

    def opinions(self, titles: Sequence[StoredTitle]) -> list[Opinion]:
        """Return what it says to everybody of each title's artworks that may be chosen."""
        return self._worded(titles, self._said.of([choosable(each) for each in titles]))

    def anew(self, titles: Sequence[StoredTitle]) -> list[Opinion]:
        """Return as `opinions`, the model asked again."""
        return self._worded(titles, self._said.anew([choosable(each) for each in titles]))

    def parity(self) -> tuple[float | None, float, float]:
        """Return the largest difference from torch on the probes, the scale, and what may be."""
        graph = self._manifest.graphs[self._manifest.serves]
        return parity_with_torch(self._folder, self._model), 1.0, graph.parity.bound

    def _worded(
        self, titles: Sequence[StoredTitle], said: dict[str, dict[str, float]]
    ) -> list[Opinion]:
        worth = self._manifest.worth or UNSCALED
        found = []
        for title in titles:
            names = tuple(each.id for each in title.choosable)
            scale, strength = worth.of(title.group)
            relative = said.get(title.id, {})
            found.append(
                Opinion(
                    title=title.id,
                    artworks=names,
                    relative=tuple(round(scale * relative.get(each, 0.0), 6) for each in names),
                    strength=strength if len(names) > 1 else 0.0,
                    prior=self.version,
                )
            )
        return found


def choosable(stored: StoredTitle) -> Title:
    """Return a title with those artworks that may be chosen, called as examples call it."""
    return Title(
        id=stored.id,
        name=stored.name or stored.id,
        group=stored.group,
        artworks=stored.choosable,
    )
