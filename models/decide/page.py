"""What was decided for one page, and why: arrays first, words only when somebody asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keyart.models.bandits.protocol import Floats, Indices, Page, Policy
from keyart.models.decide.index import BELIEF_COLUMNS
from keyart.models.decide.responding import NOTHING, Responding
from keyart.models.decide.situated import by_kind, values_named
from keyart.models.taste.features import F32, FEATURES
from keyart.schemas.decisions import Terms
from keyart.schemas.ruled import Ruled
from keyart.schemas.rules import MARKS

_AT: Final = {name: at for at, name in enumerate(BELIEF_COLUMNS)}
_TERMS: Final = ("level", "prior", "trust", "own", "seen", "taste", "bonus")
_TASTE, _BONUS = _TERMS.index("taste"), _TERMS.index("bonus")
_SCALES: Final = 10.0 ** np.array([[7], [5], [3], [5], [1], [5], [7]])
"""A probability to 1e-7, a factor to 1e-5: longer numbers make the log larger and nobody wiser."""


@dataclass(frozen=True, kw_only=True)
class DecidedPage:
    """The choices for T titles, with all that is logged.

    Parameters
    ----------
    titles
        (T,) ids.
    artworks
        (T,) tuples of ids: the candidates of each title.
    segment
        The viewer's taste segment, as the prior has them; "" for none.
    prior
        The prior by whose word it was chosen.
    policy
        What chose.
    page
        What it was given.
    propensities
        (T, K) of the mixture with uniform exploration; rows sum to one.
    chosen
        (T,) index into the title's artworks.
    explored
        (T,) bool: chosen uniformly.
    multiplier
        (T, K) taste multiplier m of every candidate, relative to the title's others.
    expected
        (T, K) expected take without taste, a probability.
    beliefs
        (len(BELIEF_COLUMNS), K, T).
    responding
        The situation, and how the artworks respond to it.
    marks
        (T,) the rule that made each choice, as 1 + its place in `MARKS`, 0 for the policy.
    bounded
        (T,) whether rules bounded shares that the policy would have had otherwise.
    ruled
        By place among the titles, what rules did; nothing of the others.
    """

    titles: Sequence[str]
    artworks: Sequence[tuple[str, ...]]
    segment: str
    prior: str
    policy: Policy
    page: Page
    propensities: Floats
    chosen: Indices
    explored: NDArray[np.bool_]
    multiplier: Floats
    expected: Floats
    beliefs: F32
    responding: Responding = NOTHING
    marks: NDArray[np.integer[Any]] | None = None
    bounded: NDArray[np.bool_] | None = None
    ruled: Mapping[int, Ruled] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of titles."""
        return len(self.titles)

    @cached_property
    def features(self) -> Floats:
        """(T, D) of the chosen artworks, centred under the propensities.

        Centred so, errors in a title's level cancel when the shared weights are learned.
        """
        contrast = -self.propensities.T  # (K, T)
        contrast[self.chosen, np.arange(len(self.chosen))] += 1.0
        centred: Floats = (self.page.features.transpose(2, 1, 0) * contrast).sum(axis=1).T
        return centred

    @cached_property
    def chosen_artworks(self) -> list[str]:
        """(T,) ids of the chosen artworks."""
        picked = self.chosen.tolist()
        return [names[at] for names, at in zip(self.artworks, picked, strict=True)]

    @cached_property
    def chosen_multiplier(self) -> Floats:
        """(T,) taste multiplier of each choice."""
        return self._of(self.multiplier)

    @cached_property
    def chosen_expected(self) -> Floats:
        """(T,) expected take of each choice without taste."""
        return self._of(self.expected)

    @cached_property
    def chosen_bonus(self) -> Floats:
        """(T,) what optimism added to the index of each choice, a probability."""
        return self._of(self.policy.bonus(self.page))

    @cached_property
    def chosen_response(self) -> Floats:
        """(T,) the part of each choice's multiplier that is its artwork's own response."""
        return self.responding.of(self.chosen)

    def terms(self) -> list[Terms]:
        """Return (T,) the factors of each choice's score, to 5 digits or so."""
        rows = np.arange(len(self.chosen))
        belief = self.beliefs[:, self.chosen, rows]
        values = np.empty((len(_TERMS), len(rows)))
        for at, name in enumerate(_TERMS):
            if name in _AT:
                values[at] = belief[_AT[name]]
        values[_TASTE] = self.chosen_multiplier
        values[_BONUS] = self.chosen_bonus
        values *= _SCALES
        np.rint(values, out=values)
        values /= _SCALES
        names, because = self.reasons()
        reasons = [names[at] if at >= 0 else "" for at in because.tolist()]
        return [
            Terms(
                level=level,
                prior=prior,
                trust=trust,
                taste=taste,
                own=own,
                bonus=bonus,
                impressions=seen,
                because=because,
            )
            for level, prior, trust, own, seen, taste, bonus, because in zip(
                *values.tolist(), reasons, strict=True
            )
        ]

    def _of(self, array: Floats) -> Floats:
        picked: Floats = array[np.arange(len(self.chosen)), self.chosen]
        return picked

    def reasons(self) -> tuple[tuple[str, ...], Indices]:
        """Return names of features, and (T,) which moved each choice's taste factor furthest.

        The way it went; -1 where none did. Where a rule made the choice, its mark.
        """
        raised = self.chosen_multiplier > 1.0
        rows = np.arange(len(self.chosen))
        picked = self.page.features.transpose(2, 1, 0)[:, self.chosen, rows]  # (D, T)
        pushes = picked * self.page.weights[:, None]
        pushes *= np.where(raised, np.float32(1), np.float32(-1))
        names: Sequence[str] | None = FEATURES if len(pushes) == len(FEATURES) else None
        if self.responding.sides is not None:
            pushes, names = by_kind(pushes)
        best = pushes.argmax(axis=0)
        strong = pushes[best, rows] > 0
        named, place = np.unique(best[strong], return_inverse=True)
        because = np.full(len(rows), -1, np.intp)
        because[strong] = place
        told = [names[at] if names else f"feature {at}" for at in named.tolist()]
        if self.responding.sides is not None:
            told, because = values_named(
                told, because, self.responding, self.page, self.chosen, raised=raised
            )
        found, because = self.responding.reasons(told, because, self.chosen, self.chosen_multiplier)
        if self.marks is None:
            return found, because
        ruled = list(found)
        for mark, name in enumerate(MARKS, 1):
            if (marked := self.marks == mark).any():
                because[marked] = len(ruled)
                ruled.append(name)
        return tuple(ruled), because
