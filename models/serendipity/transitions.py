"""Counts of what followed what: additive, forgetting by time, free of order.

A row is [(c1, c2), next], three consecutive distinct clusters of a viewer's way. Counts are kept as
of one moment; what is older weighs half for each half-life, so that sums of two places can be
added in any order and end the same.
"""

from collections.abc import Iterable
from typing import NamedTuple

from keyart.schemas.errors import InvalidRecord

Triple = tuple[int, int, int]


class Transitions(NamedTuple):
    """Weights of triples as of `as_of_ms`."""

    weights: dict[Triple, float]
    as_of_ms: int
    half_life_ms: float

    def aged(self, at_ms: int) -> "Transitions":
        """Return the same as of another moment, earlier or later."""
        factor = 0.5 ** ((at_ms - self.as_of_ms) / self.half_life_ms)
        return Transitions(
            {triple: weight * factor for triple, weight in self.weights.items()},
            at_ms,
            self.half_life_ms,
        )

    def add(self, triples: Iterable[Triple], at_ms: int) -> "Transitions":
        """Return these with more, seen at one moment, as of the later of both moments."""
        seen = Transitions({}, at_ms, self.half_life_ms)
        for triple in triples:
            seen.weights[triple] = seen.weights.get(triple, 0.0) + 1.0
        return self.plus(seen)

    def plus(self, other: "Transitions") -> "Transitions":
        """Return both together, as of the later moment.

        Raises
        ------
        InvalidRecord
            They forget at different speeds.
        """
        if other.half_life_ms != self.half_life_ms:
            raise InvalidRecord("transitions of two half-lives cannot be added")
        at_ms = max(self.as_of_ms, other.as_of_ms)
        mine, theirs = self.aged(at_ms), other.aged(at_ms)
        sums = dict(mine.weights)
        for triple, weight in theirs.weights.items():
            sums[triple] = sums.get(triple, 0.0) + weight
        return Transitions(sums, at_ms, self.half_life_ms)

    def successor(self, first: int, second: int) -> int | None:
        """Return a pair's single most frequent successor, ties to the lower; None: never seen."""
        found = [
            (-weight, after)
            for (one, two, after), weight in self.weights.items()
            if (one, two) == (first, second)
        ]
        return min(found)[1] if found else None
