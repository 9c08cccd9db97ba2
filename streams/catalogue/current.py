"""The catalogue with its vectors, brought up to date on demand."""

from collections.abc import Callable
from functools import cached_property

from keyart.models.embed import Concepts, Space
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.topics import CATALOGUE, partition_of
from keyart.streams.catalogue.history import titles_of
from keyart.streams.catalogue.view import CatalogueView, Recall
from keyart.streams.history import History
from keyart.streams.site import Catalogue


class CurrentCatalogue:
    """A view of the catalogue, the version at which it stands, and what changed in it last.

    Parameters
    ----------
    store
        The titles.
    space
        Loads what makes vectors of texts; asked when first needed, for it takes memory and time.
    recall
        Asked for the past of a title that is kept without it; see `CatalogueView`.
    """

    def __init__(
        self, store: Catalogue, space: Callable[[], Space], *, recall: Recall | None = None
    ) -> None:
        self.version = 0
        self.latest: tuple[str, ...] = ()
        self._store = store
        self._load = space
        self._recall = recall

    @cached_property
    def space(self) -> Space:
        """The embedding space."""
        return self._load()

    @cached_property
    def view(self) -> CatalogueView:
        """All titles as they were when they were last read."""
        return CatalogueView(self.space, Concepts(self.space), recall=self._recall)

    def refresh(self) -> bool:
        """Read what has changed since; return whether anything had."""
        if (version := self._store.version()) == self.version:
            return False
        # a version that went back: the store was emptied and filled again
        since = self.version if version > self.version else 0
        self.version, titles = self._store.changed(since)
        self.view.put(titles)
        self.latest = tuple(title.id for title in titles)
        return bool(titles)


def recalled_from(history: Callable[[], History], partitions: int) -> Recall:
    """Return what finds a title's whole past in the catalogue's log, of so many partitions.

    `history` is asked when first needed: what reads an archive takes memory, and few titles ask.
    """

    def recall(title: str) -> StoredTitle | None:
        records = history().read(CATALOGUE, partition_of(title, partitions))
        return titles_of(record for record in records if record.key == title).get(title)

    return recall
