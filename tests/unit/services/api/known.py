"""A site in memory as an api knows it: two titles, posteriors and priors."""

from collections.abc import Sequence
from functools import cache

from keyart.models.embed import Space, load_space
from keyart.schemas import codec
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.posterior import Cell, TitleSums
from keyart.services.api.snapshots import Snapshots
from keyart.services.wiring.telemetry import ApiMetrics
from keyart.streams.catalogue.current import CurrentCatalogue
from keyart.streams.memory.site import MemoryCatalogue, MemoryOpinions, MemoryRegister
from keyart.streams.memory.store import MemoryStore
from keyart.streams.ports import TITLES, Commit, Lane

LANE = Lane(TITLES, 0)
space = cache(load_space)


def title(name: str, *artworks: str) -> Title:
    return Title(
        id=name,
        name=name,
        artworks=tuple(Artwork(id=each, description=f"{each} of {name}") for each in artworks),
    )


class Known:
    """What is kept, and the snapshots of it."""

    def __init__(self, *, prior: str = "auto") -> None:
        self.catalogue, self.opinions = MemoryCatalogue(), MemoryOpinions()
        self.store, self.register = MemoryStore(), MemoryRegister()
        self.metrics = ApiMetrics()
        self.titles = CurrentCatalogue(self.catalogue, self._space)
        self.snapshots = Snapshots(
            titles=self.titles,
            store=self.store,
            register=self.register,
            opinions=self.opinions,
            prior=prior,
            partitions=1,
            every_s=1000.0,
            metrics=self.metrics,
        )
        self.put(title("t1", "a", "b"), title("t2", "a", "b", "c"))

    def _space(self) -> Space:
        return space("static")

    def put(self, *titles: Title) -> None:
        self.catalogue.put(titles, now_ms=1)

    def learn(self, name: str, *, takes: Sequence[float], shown: float, day: int = 0) -> None:
        """Let the steps commit what came of a title's artworks, a, b and so on, on one day."""
        cells = {
            chr(ord("a") + at): {"home": Cell(1, 1, value, shown)} for at, value in enumerate(takes)
        }
        epoch, number = self.store.acquire(LANE)
        sums = codec.pack(TitleSums(title=name, artworks=cells, days={day: 1}))
        self.store.commit(
            Commit(lane=LANE, epoch=epoch, number=number + 1, puts={("title", name): sums})
        )
