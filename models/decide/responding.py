"""One page's situation, and how its artworks respond to it."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyart.models.bandits.protocol import Floats
from keyart.models.decide.index import Arrays
from keyart.models.taste.features import F32, TasteVectors
from keyart.models.taste.situation import situation, sketch
from keyart.schemas.context import AXES, SIZE, ContextValue

NO_CONTEXT: Final[Mapping[str, ContextValue]] = {}
LOG_RESPONSE: Final = float(np.log(3.0))
"""An artwork's own response moves its expected take by a factor of 3 at most, either way."""
RESPONSE, SITUATION = "response", "situation"
"""How `Terms.because` begins: to the viewer's taste, and to the site's context. What follows after
a colon is the interest, or the value."""


class Responding(NamedTuple):
    """What was known, and what artworks made of it.

    Parameters
    ----------
    situation
        (Z,) of `situation`; Z is 0 when nothing is known.
    context
        As it was given.
    rows
        (R, Z) the responses of the page's artworks; None while none responds.
    log
        (K, T) log of each artwork's response, before it is trusted; None while none responds.
    trust
        What part of it moves expected takes, 0 to 1.
    sides
        (R, CROSSED) what the page's artworks show; None where no context is looked at.
    names, directions
        The viewer's named interests, and (C, D) unit vectors of them, D at least `AXES`.
    """

    situation: F32
    context: Mapping[str, ContextValue] = NO_CONTEXT
    rows: F32 | None = None
    log: F32 | None = None
    sides: F32 | None = None
    names: Sequence[str] = ()
    directions: F32 = np.zeros((0, AXES), np.float32)
    trust: float = 1.0

    @property
    def moved(self) -> F32 | None:
        """(K, T) log of what responses make of expected takes; None while none responds."""
        return None if self.log is None else self.log * np.float32(self.trust)

    def centred(self, chosen: NDArray[np.intp], propensities: Floats) -> F32:
        """Return (T,) the log responses of the choices less their means under (T, K) propensities.

        Of a candidate with propensity 0 nothing is counted.
        """
        if self.log is None:
            return np.zeros(len(chosen), np.float32)
        usual = np.einsum("kt,tk->t", self.log, propensities)
        return np.asarray(_picked(self.log, chosen) - usual, np.float32)

    def of(self, chosen: NDArray[np.intp]) -> F32:
        """Return (T,) what the response makes of each choice's expected take: a factor."""
        if self.log is None:
            return np.ones(len(chosen), np.float32)
        factors: F32 = np.exp(np.float32(self.trust) * _picked(self.log, chosen))
        return factors

    def reasons(
        self,
        names: Sequence[str],
        because: NDArray[np.intp],
        chosen: NDArray[np.intp],
        multiplier: Floats,
    ) -> tuple[tuple[str, ...], NDArray[np.intp]]:
        """Return names of reasons, own responses among them, and which of them each choice has.

        Parameters
        ----------
        names, because
            Those without; (T,) places among them, -1 for none.
        chosen, multiplier
            (T,) the choices, and what taste and response together make of their expected takes.
        """
        if self.log is None:
            return tuple(names), because
        found, own = list(names), self.of(chosen)
        # of what raised a choice, more than half
        most = np.flatnonzero((own > 1.0) & (2.0 * np.log(own) > np.log(multiplier)))
        for at, said in zip(most.tolist(), self._said(chosen, most), strict=True):
            if said not in found:
                found.append(said)
            because[at] = found.index(said)
        return tuple(found), because

    def _said(self, chosen: NDArray[np.intp], titles: NDArray[np.intp]) -> list[str]:
        """Return what the choices of these titles respond to most."""
        assert self.rows is not None and self.log is not None
        if not len(titles):
            return []
        rows, now = self.rows[chosen[titles] * self.log.shape[1] + titles], self.situation
        to_taste = rows[:, :AXES] @ now[:AXES] >= rows[:, AXES:] @ now[AXES:]
        liked, values = [RESPONSE] * len(titles), list[str]()
        if len(self.names):
            pushes = rows[:, :AXES] @ self.directions[:, :AXES].T
            best = pushes.argmax(axis=1)
            liked = [
                f"{RESPONSE}: {self.names[name]}" if its[name] > 0.0 else RESPONSE
                for name, its in zip(best.tolist(), pushes, strict=True)
            ]
        if not to_taste.all():
            given = list(self.context.items())
            sketches = np.stack([sketch({name: its}) for name, its in given])
            told = (rows[:, AXES:] @ sketches.T).argmax(axis=1)
            values = [f"{SITUATION}: {given[at][0]} = {shown(given[at][1])}" for at in told]
        return [
            its if by_taste else values[at]
            for at, (its, by_taste) in enumerate(zip(liked, to_taste.tolist(), strict=True))
        ]


def _picked(log: F32, chosen: NDArray[np.intp]) -> F32:
    """Return (T,) those of the choices, of all (K, T)."""
    return log[chosen, np.arange(len(chosen))]


NOTHING: Final = Responding(np.zeros(0, np.float32))


def responding(
    arrays: Arrays,
    flat: NDArray[np.intp],
    shape: tuple[int, ...],
    taste: TasteVectors,
    context: Mapping[str, ContextValue],
) -> Responding:
    """Return how the artworks in these rows (R,) of the arrays respond, laid out as (K, T)."""
    now = situation(taste, context)
    if arrays.responses is None or not len(now):
        return Responding(now, context)
    rows = arrays.responses.take(flat, axis=0)
    if len(now) < SIZE:
        rows = rows[:, : len(now)]
    log = rows @ now
    np.clip(log, -LOG_RESPONSE, LOG_RESPONSE, out=log)
    trust = arrays.shared.respond
    return Responding(now, context, rows, log.reshape(shape), trust=trust)


def shown(value: ContextValue) -> str:
    """Return a value of a context as sentences have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float | int) else f"'{value}'"
