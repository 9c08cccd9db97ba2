"""The table of proposals in memory, on the site's titles, kept fresh beside the requests.

A thread looks whether the table's folder or the titles have changed, and swaps a whole new atlas
in; a table that cannot serve is said so once, and the one before goes on.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from keyart.models.decide.index import Place, ServingIndex
from keyart.models.taste.features import F32
from keyart.schemas.errors import InvalidRecord, KeyartError
from keyart.schemas.explored import Marks, joined
from keyart.schemas.ids import ViewerKey

# a site without a table needs nothing that reads one
if TYPE_CHECKING:
    from keyart.models.serendipity.advice.atlas import Atlas
    from keyart.models.serendipity.table import Table

log = logging.getLogger(__name__)
EVERY_S: Final = 2.0
MANIFEST: Final = "manifest.json"
MOST_SAID: Final = 10_000
"""Viewers whose last word this process keeps until it is read back from the store."""


class Advisor:
    """Holds what proposals are made from.

    Parameters
    ----------
    folder
        Of the table.
    index
        Returns the titles that can be chosen, as this process knows them now.
    champion
        Returns the folder of the table that an alias says serves; None: that of `folder` does.
    every_s
        Between two looks.
    """

    def __init__(
        self,
        folder: Path,
        index: Callable[[], ServingIndex],
        *,
        champion: Callable[[], Path | None] = lambda: None,
        every_s: float = EVERY_S,
    ) -> None:
        self.atlas: Atlas | None = None
        self.folder = folder
        self._index = index
        self._champion = champion
        self._every_s = every_s
        self._table: Table | None = None
        self._seen: tuple[object, ...] = ()
        self._places: dict[str, Place] = {}
        self._said: OrderedDict[ViewerKey, Marks] = OrderedDict()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="advisor", daemon=True)

    def start(self) -> None:
        """Keep looking in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def refresh(self) -> None:
        """Take in a table or titles that have changed."""
        with self._lock:
            fresh = self._read_table()
            table = self._table
            if table is None:
                return
            arrays = self._index().arrays
            places = arrays.places.copy()
            if not fresh and self.atlas is not None and places == self._places:
                return
            from keyart.models.serendipity.advice.atlas import atlas_of

            titles = sorted(places)
            vectors = means(arrays.vectors, [places[title] for title in titles])
            self.atlas, self._places = atlas_of(table, titles, vectors), places

    def say(self, viewer: ViewerKey, marks: Mapping[int, int]) -> None:
        """Let what a viewer just said hold at once, before it is read back from the store."""
        self._said[viewer] = joined(self._said.pop(viewer, {}), marks)
        if len(self._said) > MOST_SAID:
            self._said.popitem(last=False)

    def with_said(self, viewer: ViewerKey, marks: Marks) -> Marks:
        """Return a viewer's marks with what they just said."""
        said = self._said.get(viewer)
        return joined(marks, said) if said else marks

    def forget(self, viewer: ViewerKey) -> None:
        """Hold nothing of a viewer who was erased."""
        self._said.pop(viewer, None)

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping.wait(pause):
            try:
                self.refresh()
            except Exception:
                # a thread that ends would leave the table as it is for good
                log.exception("the table of proposals stays as it is")
            pause = self._every_s

    def _read_table(self) -> bool:
        """Read the table if another one is to serve now; whether it did."""
        folder = self.folder
        try:
            folder = self._champion() or self.folder
            stat = (folder / MANIFEST).stat()
        except KeyartError as unfit:
            self._refuse(("champion", str(unfit)), folder, unfit)
            return False
        except OSError:
            return False
        seen = (folder, stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen == self._seen:
            return False
        from keyart.models.serendipity.table import read_table

        try:
            table = read_table(folder)
            if not table.titles:
                raise InvalidRecord(
                    "it says of no title what cluster it is of: make it again with "
                    "keyart serendipity build"
                )
        except (KeyartError, OSError) as unfit:
            self._refuse(seen, folder, unfit)
            return False
        self._seen = seen
        self._table = table
        log.info(
            "proposals come from table %s: %d clusters, %d titles, by %s; %s",
            *(table.identity, table.manifest.clusters, len(table.titles), table.manifest.planner),
            "titles have no factors: by taste alone"
            if table.factors is None
            else f"titles by {table.manifest.grounds.by} unless it is set",
        )
        return True

    def _refuse(self, seen: tuple[object, ...], folder: Path, why: Exception) -> None:
        """Say once that what is to serve does not."""
        if seen == self._seen:
            return
        self._seen = seen
        goes = "the one before goes on" if self._table else "nothing is proposed"
        log.error("the table of proposals in %s does not serve, %s: %s", folder, goes, why)


def means(vectors: F32, places: Sequence[Place]) -> F32:
    """Return (N, 64) the unit mean of each title's artworks; of zeros where there is none."""
    made = np.zeros((len(places), vectors.shape[1]), np.float32)
    for row, place in enumerate(places):
        if place.size:
            made[row] = vectors[place.offset : place.offset + place.size].mean(axis=0)
    lengths = np.linalg.norm(made, axis=1, keepdims=True)
    unit: F32 = np.divide(made, lengths, out=np.zeros_like(made), where=lengths > 1e-9)
    return unit
