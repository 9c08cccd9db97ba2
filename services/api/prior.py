"""The prior that serves: read from the store, told to the beliefs and to the index."""

from collections.abc import Iterable

import numpy as np

from keyart.models.decide.board import Board
from keyart.models.decide.index import ServingIndex
from keyart.models.priors.dual.serving import DualPrior
from keyart.models.priors.personal import SegmentSide
from keyart.models.taste.features import F32
from keyart.schemas.errors import ModelRejected, SpaceMismatch
from keyart.schemas.priors import NEUTRAL, Opinion, PriorCard
from keyart.streams.catalogue.current import CurrentCatalogue
from keyart.streams.catalogue.view import NOW
from keyart.streams.site import Opinions


class ServedPrior:
    """Keeps beliefs and index told what the prior in force says.

    Parameters
    ----------
    opinions
        What priors think of titles, and which one is current.
    titles
        The catalogue.
    setting
        The name of the prior that is to serve; `auto`: the current one.
    index, beliefs
        Who is told: the index what is said to single viewers, the beliefs what is said to all.
    """

    def __init__(
        self,
        opinions: Opinions,
        titles: CurrentCatalogue,
        setting: str,
        *,
        index: ServingIndex,
        beliefs: Board,
    ) -> None:
        self.name = NEUTRAL
        self._opinions = opinions
        self._titles = titles
        self._setting = setting
        self._index = index
        self._beliefs = beliefs
        self._version = 0
        self._dual: DualPrior | None = None
        self._columns: dict[str, int] = {}
        self._everybody: dict[str, Opinion] = {}
        self._segments: dict[str, tuple[tuple[str, ...], F32]] = {}

    @property
    def wanted(self) -> str:
        """The name of the prior that is to serve."""
        return self._opinions.current if self._setting == "auto" else self._setting

    def move(self, index: ServingIndex) -> None:
        """Tell another index from now on."""
        self._index = index

    def refresh(self) -> None:
        """Read what it says that is new."""
        if self.name == NEUTRAL or self._dual is not None:
            return
        self._version, chunks = self._opinions.changed(self.name, self._version)
        for opinions in chunks:
            for opinion in opinions:
                self._take(opinion)
            self.tell({opinion.title for opinion in opinions})

    def tell(self, titles: Iterable[str]) -> None:
        """Tell beliefs and index what is said of these titles; those not in the index are left."""
        for title in titles:
            if title not in self._index:
                continue
            if self._dual is not None:
                self._ask(self._dual, title)
                continue
            if (said := self._everybody.get(title)) is not None:
                self._beliefs.take_opinion(said)
            if (table := self._segments.get(title)) is not None:
                self._index.opine(title, table[0], self._sides(title, *table))

    def take_office(self, wanted: str) -> None:
        """Speak for this prior; only for one that has not spoken for another.

        Raises
        ------
        KeyartError
            It cannot be loaded, or nothing is known of it.
        """
        if not self._opinions.known(wanted):
            raise ModelRejected("the state store has nothing of it")
        card = PriorCard(prior=wanted) if wanted == NEUTRAL else self._opinions.card(wanted)
        self._prepare(card)
        self.name = wanted

    def _prepare(self, card: PriorCard) -> None:
        self._beliefs.trust_since(card.since_ms)
        if card.viewer_graph or card.segments:
            mine = self._titles.space.identity
            if card.space != mine:
                raise SpaceMismatch(f"it sees viewers in space {card.space}; this one is {mine}")
        if card.viewer_graph:
            self._dual = DualPrior(card)
            self._index.personalise(self._dual)
        elif card.segments:
            self._columns = {each.name: at for at, each in enumerate(card.segments)}
            self._index.personalise(SegmentSide(card.segments))

    def _take(self, opinion: Opinion) -> None:
        if not opinion.segment:
            self._everybody[opinion.title] = opinion
            return
        if (column := self._columns.get(opinion.segment)) is None:
            return
        names, table = self._segments.get(opinion.title, ((), np.zeros((0, 0), np.float32)))
        if names != opinion.artworks:
            # the title has other artworks than when it was last scored: segments follow one by one
            names = opinion.artworks
            table = np.full((len(names), len(self._columns)), np.nan, np.float32)
            self._segments[opinion.title] = names, table
        table[:, column] = opinion.relative

    def _sides(self, title: str, names: tuple[str, ...], table: F32) -> F32:
        """Return (K, P): each segment's opinion less everybody's; 0 where there is none."""
        everybody = self._everybody.get(title)
        said = dict(zip(everybody.artworks, everybody.relative, strict=True)) if everybody else {}
        base = np.array([said.get(name, 0.0) for name in names], np.float32)
        sides: F32 = np.nan_to_num(table - base[:, None], copy=False)
        return sides

    def _ask(self, dual: DualPrior, title: str) -> None:
        view, names = self._titles.view, self._index.artworks(title)
        rows = np.array([view.row(title, name, NOW) for name in names])
        sides = dual.artworks(view.vectors[rows])
        self._index.opine(title, names, sides)
        self._beliefs.take_opinion(dual.opinion(title, names, sides))
