"""One page of decisions: taste x titles -> choices, propensities and what is logged with them.

Arrays are (K, T), the titles innermost: a page has more titles than a title has artworks, and numpy
is fast along long runs. Policies see them transposed, as (T, K).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyart.models.bandits.holdback import Holdback
from keyart.models.bandits.protocol import (
    Floats,
    Indices,
    Mask,
    Policy,
    choose,
    mix,
)
from keyart.models.bandits.uniforms import dwell_period, seed, uniforms
from keyart.models.decide.believed import believed, centre
from keyart.models.decide.forgone import what_rules_did
from keyart.models.decide.index import ANY_SURFACE, Arrays, ServingIndex
from keyart.models.decide.page import DecidedPage
from keyart.models.decide.responding import NO_CONTEXT, NOTHING, Responding, responding
from keyart.models.decide.rules import Ruling
from keyart.models.decide.shares import bounded, draw
from keyart.models.decide.slate import InTurn, Slating, in_turn
from keyart.models.decide.weights import Shared
from keyart.models.taste.crossing import NO_SIDE, with_context
from keyart.models.taste.features import F32, TasteVectors, features
from keyart.schemas.context import ContextValue
from keyart.schemas.decisions import DWELL_S
from keyart.schemas.errors import NotFound, SettingsError
from keyart.schemas.rules import ALIKE, DEFAULT, MARKS, PINNED


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """Decides pages with one policy.

    Parameters
    ----------
    policy
        Serves the traffic that is not explored.
    explore_share
        Share of choices made uniformly, in 0 to 1.
    dwell_ms
        How long a viewer keeps seeing the same artwork of a title, above 0.
    dwell_by_surface
        The same of surfaces that have a time of their own.
    """

    policy: Policy
    explore_share: float = 0.05
    dwell_ms: int = DWELL_S * 1000
    dwell_by_surface: Mapping[str, int] = field(default_factory=dict)
    policy_version: str = field(init=False, default="")

    def __post_init__(self) -> None:
        """Raise SettingsError when a parameter is out of its range."""
        if not 0.0 <= self.explore_share <= 1.0:
            raise SettingsError(f"explore_share is {self.explore_share}, must be in 0 to 1")
        for dwell_ms in (self.dwell_ms, *self.dwell_by_surface.values()):
            if dwell_ms <= 0:
                raise SettingsError(f"dwell_ms is {dwell_ms}, must be above 0")
        object.__setattr__(self, "policy_version", self.policy.version)

    def dwell_of(self, surface: str) -> int:
        """Return how long a viewer keeps seeing the same artwork there, in milliseconds."""
        return self.dwell_by_surface.get(surface, self.dwell_ms)

    def decide(
        self,
        index: ServingIndex,
        *,
        titles: Sequence[str],
        taste: TasteVectors,
        surface: str,
        viewer: str,
        now_ms: int,
        replaced: Sequence[int] | None = None,
        context: Mapping[str, ContextValue] = NO_CONTEXT,
        side: F32 = NO_SIDE,
        ruling: Ruling | None = None,
        slating: Slating | None = None,
    ) -> DecidedPage:
        """Return the choices for one viewer, in the order of the titles.

        Parameters
        ----------
        replaced
            (T,) 64 random bits of the decision that stood before, 0 for none: what is drawn for a
            title must not depend on what was drawn for it earlier in the same period.
        context
            What the site says of the situation.
        side
            The same as `Usual.meet` has it; (0,) where it moves nothing.
        ruling
            What rules leave of these titles, something of each; None for all.
        slating
            What the pictures of the page may have in common; None for anything.

        Raises
        ------
        NotFound
            A title is not in the index, or changed since the ruling.
        """
        arrays = index.arrays  # taken once: what comes from it is of one prior
        common = _Common(taste, surface, viewer, now_ms, context, side)
        decided = self._decided(arrays, titles, replaced, common, ruling, slating)
        left = {} if ruling is None else ruling.spoken
        if not left:
            return decided
        free = self._decided(arrays, [titles[at] for at in left], None, common, None, None)
        return replace(decided, ruled=what_rules_did(decided, left, free))

    def _decided(
        self,
        arrays: Arrays,
        titles: Sequence[str],
        replaced: Sequence[int] | None,
        common: "_Common",
        ruling: Ruling | None,
        slating: Slating | None,
    ) -> DecidedPage:
        taste, surface, viewer, now_ms, context, side = common
        situated = arrays.shared.situated if len(side) else None
        shared = situated or arrays.shared
        starts, lengths, numbers, names = zip(*arrays.find(titles), strict=True)
        offsets, counts = np.array(starts), np.array(lengths)
        local = None
        if ruling is not None:
            if names != ruling.artworks:
                raise NotFound("a title changed a moment ago")
            names, local = tuple(ruling.names()), ruling.places()
            lengths = tuple(map(len, names))
            counts = np.array(lengths)
        widest = max(lengths)
        steps = np.arange(widest)[:, None]
        rows = offsets + (steps if local is None else local)  # (K, T)
        full = min(lengths) == widest
        mask = np.ones(rows.shape, dtype=np.bool_) if full else steps < counts
        if not full:
            rows = np.where(mask, rows, offsets)
        flat = rows.ravel()
        personal, seen = arrays.personal, None
        if personal is not None:
            seen = personal.viewer.see(taste)
        sides = arrays.sides.take(flat, axis=0) if situated else None
        vectors = arrays.vectors.take(flat, axis=0)
        x = features(
            taste,
            vectors,
            arrays.related.take(flat, axis=0),
            surface,
            None
            if personal is None or seen is None
            else personal.artworks.take(flat, axis=0) @ seen.coordinates,
        )
        if sides is not None:
            x = with_context(x, side, sides)
        x = x.reshape(-1, *rows.shape)  # (D, K, T)
        centre(x, mask, full=full)
        table = arrays.beliefs.get(surface, arrays.beliefs[ANY_SURFACE])
        beliefs = np.ascontiguousarray(table.take(flat, axis=0).T).reshape(-1, *rows.shape)
        return self.choose(
            x,
            beliefs,
            mask=mask,
            shared=shared,
            surface=surface,
            viewer=viewer,
            now_ms=now_ms,
            counts=counts,
            numbers=_numbers(numbers, replaced),
            titles=titles,
            artworks=names,
            segment="" if seen is None else seen.segment,
            prior=arrays.prior,
            response=responding(arrays, flat, rows.shape, taste, context)._replace(sides=sides),
            ruling=ruling,
            slating=slating,
            vectors=vectors.reshape(*rows.shape, -1),
        )

    def choose(
        self,
        x: F32,
        beliefs: F32,
        *,
        mask: Mask,
        shared: Shared,
        surface: str,
        viewer: str,
        now_ms: int,
        counts: NDArray[np.int64],
        numbers: NDArray[np.uint64],
        titles: Sequence[str],
        artworks: Sequence[tuple[str, ...]],
        segment: str = "",
        prior: str = "",
        response: Responding = NOTHING,
        ruling: Ruling | None = None,
        slating: Slating | None = None,
        vectors: F32 | None = None,
    ) -> DecidedPage:
        """Return the choices from centred features (D, K, T) and beliefs (columns, K, T).

        `mask` (K, T) is True for the first `counts` (T,) entries of each title; `vectors` (K, T, D)
        are of the artworks, for a slate that bounds their cosine.
        """
        page, multiplier, expected = believed(
            x, beliefs, mask=mask, shared=shared, response=response.moved
        )
        own = self.policy.propensities(page)
        period = dwell_period(viewer, now_ms, self.dwell_of(surface))
        drawn = seed(viewer, self.policy_version, surface, period)
        draws = uniforms(drawn, numbers)
        limited = None
        defaults = None if ruling is None else ruling.defaults() * (1 + MARKS.index(DEFAULT))
        marks = defaults
        if ruling is not None and (limits := ruling.limits()) is not None:
            shares = bounded(own, page.mask, page.seen, limits, self.explore_share)
            propensities = shares.propensities
            limited = ~shares.free
            chosen, explored, pinned = draw(shares, page.mask, *draws)
            marks = np.where(pinned, 1 + MARKS.index(PINNED), 0 if defaults is None else defaults)
        else:
            propensities = mix(own, page.mask, self.explore_share)
            np.minimum(propensities, 1.0, out=propensities)
            chosen, explored = self._draw(own, counts, draws)
        if slating is not None and self.policy.name != Holdback.name:
            bound = None if ruling is None else ruling.bound()
            propensities, chosen, explored, alike = in_turn(
                slating,
                InTurn(propensities, chosen, explored, np.zeros(len(chosen), np.bool_)),
                own,
                cache(lambda: page.mean + self.policy.bonus(page)),
                page.mask,
                explore_share=self.explore_share,
                draws=draws,
                held=bound,
                vectors=vectors,
            )
            if alike.any():
                before = np.zeros(len(chosen), np.intp) if marks is None else marks
                marks = np.where(alike, 1 + MARKS.index(ALIKE), before)
        return DecidedPage(
            titles=titles,
            artworks=artworks,
            segment=segment,
            prior=prior,
            policy=self.policy,
            page=page,
            propensities=propensities,
            chosen=chosen,
            explored=explored,
            multiplier=multiplier.T,
            expected=expected.T,
            beliefs=beliefs,
            responding=response,
            marks=marks,
            bounded=limited,
        )

    def _draw(
        self,
        propensities: Floats,
        counts: NDArray[np.int64],
        draws: tuple[Floats, Floats],
    ) -> tuple[Indices, NDArray[np.bool_]]:
        """Return (T,) choices and whether each was explored, from two numbers for each title."""
        uniform, coin = draws
        chosen = choose(propensities, uniform)
        explored: NDArray[np.bool_] = coin < self.explore_share
        # candidates stand before padding, so an even draw is a multiple of the uniform
        even = (uniform * counts).astype(np.intp)
        return np.where(explored, even, chosen), explored


class _Common(NamedTuple):
    """What all titles of a page have in common; as `Decider.decide` is given it."""

    taste: TasteVectors
    surface: str
    viewer: str
    now_ms: int
    context: Mapping[str, ContextValue]
    side: F32


def _numbers(numbers: Sequence[int], replaced: Sequence[int] | None) -> NDArray[np.uint64]:
    found = np.array(numbers, np.uint64)
    return found if replaced is None else found ^ np.array(replaced, np.uint64)
