"""A site as tests look at it: each thing opened as a process opens it, when first asked for."""

from types import TracebackType

from keyart.schemas.catalogue import StoredTitle
from keyart.services.jobs.erasure import Erasures
from keyart.services.jobs.rebuild import Rebuilding
from keyart.services.wiring.bootstrap import Parts
from keyart.services.wiring.erasing import erasures_of
from keyart.services.wiring.logs import history_of
from keyart.services.wiring.rebuilding import rebuilding_of
from keyart.streams.catalogue.current import recalled_from


class Opened(Parts):
    """What a site keeps, by its settings; entered, its embedded server is up meanwhile."""

    @property
    def erasures(self) -> Erasures:
        """What erases viewers."""
        return erasures_of(self.settings, self.client)

    @property
    def rebuilding(self) -> Rebuilding:
        """What rebuilds and compares its state."""
        return rebuilding_of(self.settings, self.client, self.space)

    def past(self, title: str) -> StoredTitle | None:
        """Return a title with its whole past, from the catalogue's log."""
        recall = recalled_from(
            lambda: history_of(self.settings, self.client), self.settings.partitions
        )
        return recall(title)

    def close(self) -> None:
        """Close its connection."""
        if "client" in self.__dict__:
            self.client.close()

    def __enter__(self) -> "Opened":
        self.server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        self.server.stop()
