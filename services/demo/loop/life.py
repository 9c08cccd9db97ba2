"""Days on a site: films come and go, some viewers come each day, and steps run meanwhile."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.simulate.audience import Audience
from keyart.models.simulate.vogue import VogueWorld
from keyart.schemas.events import Impression, Play
from keyart.schemas.ids import pseudonym
from keyart.services.demo.loop.site import KEY, SURFACE, Site

DAY_MS: Final = 86_400_000
PER_DAY: Final = 16
"""Films that come out each day."""
SHOWN_DAYS: Final = 2
"""For so long a film is on the page."""
PAGE: Final = 16
IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]
VISITS: Final = 200
"""Viewers who come each day, once."""
TURNS: Final = 3
"""Times a day at which the steps run; and, in between, so many viewers come."""
MINUTES: Final = 20.0


@dataclass(slots=True)
class Tally:
    """What was shown: sums of true take probabilities, and impressions.

    Attributes
    ----------
    shown
        Impressions.
    keyart, uniform
        What they would be taken, were there no luck: of what keyart chose, and of an even draw.
    """

    shown: int = 0
    keyart: float = 0.0
    uniform: float = 0.0


@dataclass(slots=True)
class Life:
    """One site living through the days of a world; two with the same seed meet the same visits.

    Parameters
    ----------
    site
        It begins empty.
    world, seed
        What there is to show, who comes, and with what luck.
    start_ms
        When the first day begins.
    """

    site: Site
    world: VogueWorld
    seed: int
    start_ms: int
    day: int = 0
    _rows: dict[str, int] = field(init=False)
    _number: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Put the films of the first day into the catalogue."""
        artworks = (artwork.id for film in self.world.titles for artwork in film.artworks)
        self._rows = {name: row for row, name in enumerate(artworks)}
        self.site.now_ms = self.start_ms
        self.site.put(self.world.titles[: PER_DAY * SHOWN_DAYS])

    def live(self, *, turned: bool) -> Tally:
        """Live one day; `turned`: other facets are in vogue. Return what was shown."""
        audience = self.world.after if turned else self.world.before
        site, began = self.site, self.start_ms + self.day * DAY_MS
        site.now_ms = began
        first = PER_DAY * self.day
        if self.day:
            site.put(
                self.world.titles[first + PER_DAY * (SHOWN_DAYS - 1) : first + PER_DAY * SHOWN_DAYS]
            )
        shelf = np.arange(first, first + PER_DAY * SHOWN_DAYS)
        rng = np.random.default_rng([self.seed, 7, self.day])
        tally = Tally()
        order = rng.permutation(len(audience.takes))[:VISITS].tolist()
        for place, viewer in enumerate(order):
            site.now_ms = began + place * DAY_MS // VISITS
            page, luck = rng.choice(shelf, PAGE, replace=False), rng.random(PAGE)
            self._visit(audience, viewer, page, luck, tally)
            if (place + 1) % -(-VISITS // TURNS) == 0:
                site.learn()
        # the night: windows close, rewards are archived
        site.now_ms = began + DAY_MS - 1
        site.learn()
        site.keep_house()
        self.day += 1
        return tally

    def _visit(
        self, audience: Audience, viewer: int, page: IntArray, luck: FloatArray, tally: Tally
    ) -> None:
        site, takes = self.site, audience.takes[viewer]
        answer = site.decide(f"v{viewer}", [self.world.titles[at].id for at in page.tolist()])
        chosen = np.array([self._rows[each.artwork] for each in answer.decisions])
        starts = audience.catalogue.starts
        tally.shown += len(page)
        tally.keyart += float(takes[chosen].sum())
        tally.uniform += float(
            sum(takes[starts[at] : starts[at + 1]].mean() for at in page.tolist())
        )
        key = pseudonym(f"v{viewer}", KEY)
        events: list[Impression | Play] = []
        for choice, taken in zip(answer.decisions, (luck < takes[chosen]).tolist(), strict=True):
            self._number += 1
            seen = Impression(
                id=f"i{self._number}",
                viewer=key,
                title=choice.title,
                artwork=choice.artwork,
                decision=choice.id,
                surface=SURFACE,
                occurred_at_ms=site.now_ms,
            )
            events.append(seen)
            if taken:
                events.append(
                    Play(
                        id=f"p{self._number}",
                        viewer=key,
                        title=choice.title,
                        artwork=choice.artwork,
                        decision=choice.id,
                        surface=SURFACE,
                        occurred_at_ms=site.now_ms + 1,
                        minutes=MINUTES,
                    )
                )
        site.happened(events)
