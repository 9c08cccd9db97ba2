"""A row without two alike: titles in turn, each from what those before it left.

A title's candidates are its artworks that are not more alike than the slate allows to any picture
of the row before it: those that are kept, and those chosen, in the order of the request. What is
drawn from is, of these, the policy's distribution on them; where the policy has nothing on them
(one that knows just one best), the one of the highest index. So propensities are exact given the
choices before, which are known when it is drawn and stand on the same page.

What was drawn without the slate stands where it is left: given that, it is distributed as the
policy on what is left. Only where it was taken away another is drawn, by a number that is
independent of the first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyart.models.bandits.protocol import Floats, Indices, Mask, choose
from keyart.models.decide.alike import ROUNDING, Coded, Codes, Places, too_much
from keyart.models.decide.narrowed import Narrowed
from keyart.models.decide.near import Near
from keyart.models.taste.features import F32
from keyart.schemas.slates import Slate

NO_VECTORS: Final = np.zeros((0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class Slating:
    """A slate as numbers, for T titles.

    Parameters
    ----------
    slate
        As it was asked for.
    titles
        (T,) what is drawn from.
    kept
        (F, A) codes of pictures that are on the page already.
    before
        What these have of the sets of attributes that are too much.
    vectors
        (F, D) theirs; none where these are not asked for.
    """

    slate: Slate
    titles: Sequence[Coded]
    kept: Codes
    before: frozenset[int]
    vectors: F32 = field(default_factory=NO_VECTORS.copy)


class InTurn(NamedTuple):
    """(T, K) propensities given the choices before; (T,) choices, explored, and all too alike."""

    propensities: Floats
    chosen: Indices
    explored: NDArray[np.bool_]
    alike: NDArray[np.bool_]


def in_turn(
    slating: Slating,
    free: InTurn,
    own: Floats,
    index: Callable[[], Floats],
    mask: Mask,
    *,
    explore_share: float,
    draws: tuple[Floats, Floats],
    held: NDArray[np.bool_] | None = None,
    vectors: F32 | None = None,
) -> InTurn:
    """Return the choices of a row, one title after the other.

    Parameters
    ----------
    free
        What was decided with the same draws without a slate: it holds where nothing is alike.
    own
        (T, K) of the policy; rows sum to one.
    index
        Returns (T, K) by which the best of what is left is found where `own` has nothing on it.
    mask
        (T, K) candidates; at least one of each title.
    explore_share
        0 to 1, of each title; with `explore_once` of the whole row, at a place drawn evenly: after
        t places of T without exploration it is explored with e / (T - e t), after one never again.
    draws
        Two of (T,), independent, in [0, 1): of the choice, and whether it is explored.
    held
        (T,) titles that stay as decided: rules of the site say their shares. None: none.
    vectors
        (K, T, D) of the artworks; needed where the slate bounds their cosine.
    """
    slate, count = slating.slate, len(slating.titles)
    chosen, explored = free.chosen.tolist(), free.explored.tolist()
    near = None
    if slate.nearest < 1.0 and vectors is not None:
        near = Near(vectors, slating.vectors, free.chosen, slate.nearest)
    once, told, share = slate.explore_once, False, explore_share
    if once:
        policys = choose(own, draws[0]).tolist()
        evens = (draws[0] * mask.sum(axis=1)).astype(np.intp).tolist()
    coins: list[float] = draws[1].tolist()
    stays = [False] * count if held is None else held.tolist()
    narrowed, plain = Narrowed(own, index), near is None and not once
    whole = too_much(tuple(slate.alike.values()), slate.most).whole
    met, alike = set(slating.before), list[int]()
    moved, lefts, shares = list[int](), list[Places](), list[float]()
    for at, title in enumerate(slating.titles):
        place, (_, _, every, keys, levels) = chosen[at], title
        apart = met.isdisjoint(levels[0].keys)
        if (apart and plain) or stays[at]:
            met.update(keys[place])
            if near is not None:
                near.meet(at, place)
            continue
        left = every
        if not apart and not (left := levels[0].left(every, met)):
            alike.append(at)
            left = _least(slating, title, met, None if whole else chosen[:at])
        if near is not None and (too_near := near.of(at)) & left:
            if not left & ~too_near:
                alike.append(at)
                left = near.least(at, left)
            else:
                left &= ~too_near
        if once:
            share = 0.0 if told else explore_share / (count - explore_share * at)
            explored[at] = coins[at] < share
            told = told or explored[at]
            place = evens[at] if explored[at] else policys[at]
        if once or left != every:
            moved.append(at)
            lefts.append(left)
            if once:
                shares.append(share)
            if not left >> place & 1:
                place = narrowed.draw(at, left, explored[at], share, coins[at])
            chosen[at] = place
        met.update(keys[place])
        if near is not None:
            near.meet(at, place)
    if not (moved or alike):
        return free
    told_alike = free.alike
    if alike:
        told_alike = np.zeros(count, np.bool_)
        told_alike[alike] = True
    propensities = free.propensities
    if moved:
        propensities = propensities.copy(order="K")
        part = np.array(shares)[:, None] if once else explore_share
        rows = np.array(moved)
        propensities[rows] = narrowed.shares(rows, lefts, part)
    found = np.array(explored) if once else free.explored
    return InTurn(propensities, np.array(chosen, np.intp), found, told_alike)


def _least(slating: Slating, title: Coded, met: set[int], chosen: Sequence[int] | None) -> Places:
    """Return which artworks of a title are the least alike to the pictures before it.

    `chosen` are those of the row, None where the title's levels are all there are.
    """
    for level in title.levels[1:]:
        if left := level.rest(title.every, met):
            return left
    if chosen is None:
        return title.every
    weights = np.array(list(slating.slate.alike.values()))
    pictures = np.array(
        [
            *slating.kept,
            *(its.codes[place] for its, place in zip(slating.titles, chosen, strict=False)),
        ]
    )
    shared = (title.codes[:, None] == pictures) & (pictures > 0)  # (K, pictures, A)
    most = (shared @ weights).max(axis=1)
    limit = most.min() + ROUNDING
    return sum(1 << place for place, each in enumerate(most.tolist()) if each <= limit)
