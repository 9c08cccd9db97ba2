"""The whole log of a site as it is read for a rebuild, and what is missing of it."""

from collections.abc import Iterator, Mapping

from keyart.models.embed import Concepts, Space
from keyart.schemas.catalogue import StoredTitle
from keyart.schemas.topics import CATALOGUE
from keyart.streams.catalogue.history import titles_of, whole
from keyart.streams.catalogue.view import CatalogueView
from keyart.streams.history import History
from keyart.streams.ports import LogRecord
from keyart.streams.site import Catalogue


class Past:
    """See the module.

    Parameters
    ----------
    history
        All records.
    partitions
        Of each topic.
    """

    def __init__(self, history: History, partitions: int) -> None:
        self._history = history
        self._partitions = partitions
        self._passed: dict[tuple[str, int], list[str]] = {}
        self._first: dict[tuple[str, int], str] = {}

    def read(self, topic: str, partition: int) -> Iterator[LogRecord]:
        """Yield all records of a partition; what cannot be read is remembered."""
        passed: list[str] = []
        self._passed[topic, partition] = passed
        first = True
        for record in self._history.read(
            topic, partition, passed=lambda each: passed.append(str(each))
        ):
            if first:
                self._first[topic, partition] = record.offset
                first = False
            yield record

    def titles(self, partition: int) -> dict[str, StoredTitle]:
        """Return the titles of a partition, each with its whole past."""
        return titles_of(self.read(CATALOGUE, partition))

    def view(self, catalogue: Catalogue, space: Space) -> CatalogueView:
        """Return the catalogue at all times: what the log has of it, and the store."""
        view = CatalogueView(space, Concepts(space))
        _, now = catalogue.changed(0)
        held = {title.id: title for title in now}
        for partition in range(self._partitions):
            for name, title in self.titles(partition).items():
                held[name] = whole([title, held[name]]) if name in held else title
        view.put(held.values())
        return view

    def gaps(self, topic: str, partition: int) -> Iterator[str]:
        """Yield, once it has been read, why a partition's log is not all that was ever logged."""
        yield from self._passed.get((topic, partition), [])
        first = self._first.get((topic, partition))
        yield from self._history.gaps(topic, partition, first=first)

    def partial(
        self, topics: tuple[str, ...], partition: int, offsets: Mapping[str, str] | None = None
    ) -> str:
        """Return in one line why these topics' log is not whole, "" when it is.

        `offsets` are those at which the state stands that was made from it.
        """
        gaps = [gap for topic in topics for gap in self.gaps(topic, partition)]
        gaps += [
            f"the log of {topic} {partition} holds nothing that the state was made from"
            for topic in offsets or {}
            if (topic, partition) not in self._first
        ]
        more = f" (and {len(gaps) - 3} more)" if len(gaps) > 3 else ""
        return "; ".join(gaps[:3]) + more
