"""A crowd that looks and plays, with its own account of what must come of it.

The account is kept by the generator alone: which decisions were seen, what each is worth, how many
engagements each viewer made. It shares no code with the steps.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any

from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.ids import decision_id

VERSIONS = {"policy": "p", "prior": "n", "posterior": "1", "space": "s"}
THEMES = ("rockets and planets", "cooking with friends", "rain on an empty street", "a wedding")


def titles(count: int) -> list[Title]:
    """Return a catalogue: titles `t0`... with artworks `a0` to `a3`."""
    return [
        Title(
            id=f"t{at}",
            name=f"Title {at}",
            artworks=tuple(
                Artwork(id=f"a{number}", description=f"{theme}, take {at % 7}")
                for number, theme in enumerate(THEMES)
            ),
        )
        for at in range(count)
    ]


@dataclass
class Account:
    """What must come of the crowd. worth: decision id -> (title, artwork, value)."""

    worth: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    engagements: Counter[str] = field(default_factory=Counter)
    events: int = 0
    repeats: int = 0
    decisions: int = 0

    @property
    def shown(self) -> Counter[tuple[str, str]]:
        """How often each artwork of each title was seen."""
        return Counter((title, artwork) for title, artwork, _ in self.worth.values())

    @property
    def taken(self) -> Counter[tuple[str, str]]:
        """The sum of values of each artwork of each title."""
        sums: Counter[tuple[str, str]] = Counter()
        for title, artwork, value in self.worth.values():
            sums[title, artwork] += int(value)
        return sums


class Crowd:
    """Visits, one after the other, from a seed.

    Parameters
    ----------
    title_count
        Titles of the catalogue.
    viewers
        How many there are.
    repeats
        Share of events that are sent twice.
    """

    def __init__(
        self, *, seed: int, title_count: int = 40, viewers: int = 2000, repeats: float = 0.03
    ) -> None:
        self.account = Account()
        self._rng = random.Random(seed)
        self._seed = seed
        self._titles = title_count
        self._viewers = [md5(f"{seed} {at}".encode()).hexdigest() for at in range(viewers)]
        self._repeats = repeats
        self._number = 0

    def visit(self, at_ms: int) -> Iterator[tuple[str, str, bytes]]:
        """Yield one page of four decisions and what follows, as (topic, key, record)."""
        rng, viewer = self._rng, self._viewers[self._rng.randrange(len(self._viewers))]
        self._number += 1
        chosen = [
            (decision_id(viewer, f"t{title}", self._name(at)), f"t{title}", f"a{rng.randrange(4)}")
            for at, title in enumerate(rng.sample(range(self._titles), 4))
        ]
        self.account.decisions += len(chosen)
        yield "decisions", viewer, _encode(_page(viewer, chosen, at_ms, rng))
        for name, title, artwork in chosen:
            if rng.random() < 0.75:
                yield from self._see(viewer, name, title, artwork, at_ms)

    def _name(self, at: int) -> int:
        return (self._seed << 40) + (self._number << 8) + at

    def _see(
        self, viewer: str, name: str, title: str, artwork: str, at_ms: int
    ) -> Iterator[tuple[str, str, bytes]]:
        about: dict[str, Any] = {"viewer": viewer, "title": title, "artwork": artwork}
        about |= {"decision": name, "occurred_at_ms": at_ms, "surface": "home"}
        value = 0.0
        yield from self._send({"type": "impression", "id": f"i{name}", **about})
        if self._rng.random() < 0.35:
            minutes = self._rng.choice((0.5, 1.0, 5.0, 40.0))
            value = float(minutes >= 2.0)
            self.account.engagements[viewer] += 1
            yield from self._send({"type": "play", "id": f"p{name}", "minutes": minutes, **about})
        self.account.worth[name] = (title, artwork, value)

    def _send(self, event: dict[str, Any]) -> Iterator[tuple[str, str, bytes]]:
        record = ("events", str(event["viewer"]), _encode(event))
        self.account.events += 1
        yield record
        if self._rng.random() < self._repeats:
            self.account.repeats += 1
            yield record


def _page(
    viewer: str, chosen: list[tuple[str, str, str]], at_ms: int, rng: random.Random
) -> dict[str, Any]:
    decisions = [
        {
            "id": name,
            "title": title,
            "artwork": artwork,
            "candidates": ["a0", "a1", "a2", "a3"],
            "propensities": [0.25, 0.25, 0.25, 0.25],
            "explored": False,
            "terms": {"level": 0.1},
            "features": [round(rng.uniform(-1, 1), 3) for _ in range(3)],
            "personal": round(rng.uniform(-1, 1), 3),
            "multiplier": round(rng.uniform(0.5, 2.0), 3),
            "expected": 0.1,
        }
        for name, title, artwork in chosen
    ]
    return {
        "viewer": viewer,
        "surface": "home",
        "decided_at_ms": at_ms,
        "policy": "keyart",
        "versions": VERSIONS,
        "decisions": decisions,
    }


def _encode(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()
