"""A row without two alike: titles in turn, each from what those before it left.

A title's candidates are its artworks that are not more alike than the slate allows to any picture
of the row before it: those that are kept, and those chosen, in the order of the request. What is
drawn from is, of these, the policy's distribution on them; where the policy has nothing on them
(one that knows just one best), the one of the highest index. So propensities are exact given the
choices before, which are known when it is drawn and stand on the same page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from keyart.models.bandits.protocol import Floats, Indices, Mask
from keyart.schemas.slates import Slate

_NOTHING = 1e-9
"""Less than this of a policy's distribution on what is left is rounding."""
Codes = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Slating:
    """A slate as arrays, for T titles of up to K artworks.

    Parameters
    ----------
    slate
        As it was asked for.
    codes
        (T, K, A) the values of A attributes, as numbers from 1 on; 0 where it has none.
    kept
        (F, A) the same of pictures that are on the page already.
    """

    slate: Slate
    codes: Codes
    kept: Codes

    @classmethod
    def of(
        cls,
        slate: Slate,
        titles: Sequence[Mapping[str, Mapping[str, str]]],
        artworks: Sequence[Sequence[str]],
        kept: Sequence[Mapping[str, str]],
    ) -> "Slating":
        """Return it.

        Parameters
        ----------
        titles
            (T,) attributes of the title's artworks, by id.
        artworks
            (T,) ids, in the order of the policy's page.
        kept
            (F,) attributes of the pictures that are on the page already.
        """
        names, numbers = tuple(slate.alike), dict[tuple[str, str], int]()

        def coded(its: Mapping[str, str]) -> list[int]:
            return [
                numbers.setdefault((name, value), len(numbers) + 1)
                if (value := its.get(name))
                else 0
                for name in names
            ]

        width, nothing = max(map(len, artworks)), [0] * len(names)
        rows = [
            [coded(its) if (its := attributes.get(name)) else nothing for name in ids]
            + [nothing] * (width - len(ids))
            for attributes, ids in zip(titles, artworks, strict=True)
        ]
        codes = np.array(rows, np.int32).reshape(len(rows), width, len(names))
        before = np.array([coded(its) for its in kept], np.int32).reshape(len(kept), len(names))
        return cls(slate, codes, before)


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
    index: Floats,
    mask: Mask,
    *,
    explore_share: float,
    draws: tuple[Floats, Floats],
    held: NDArray[np.bool_],
) -> InTurn:
    """Return the choices of a row, one title after the other.

    Parameters
    ----------
    free
        What was decided with the same draws without a slate: it holds where nothing is alike.
    own
        (T, K) of the policy; rows sum to one.
    index
        (T, K) by which the best of what is left is found where `own` has nothing on it.
    mask
        (T, K) candidates; at least one of each title.
    explore_share
        0 to 1, of each title; with `explore_once` of the whole row, at a place drawn evenly: after
        t places of T without exploration it is explored with e / (T - e t), after one never again.
    draws
        Two of (T,), independent, in [0, 1): of the choice, and whether it is explored.
    held
        (T,) titles that stay as decided: rules of the site say their shares.
    """
    count, width = mask.shape
    once, limit = slating.slate.explore_once, slating.slate.most + _NOTHING
    kinds = np.ascontiguousarray(slating.codes.reshape(count * width, -1).T)  # (A, T x K)
    weights = list(slating.slate.alike.values())
    likeness, met = np.zeros(count * width), set[tuple[int, ...]]()

    def meet(picture: Sequence[int]) -> None:
        if (its := tuple(picture)) in met:
            return
        met.add(its)
        every = zip(kinds, weights, its, strict=True)
        shared = [weight * (kind == code) for kind, weight, code in every if code]
        if shared:
            np.maximum(likeness, sum(shared), out=likeness)

    for picture in slating.kept.tolist():
        meet(picture)
    # lists from here: of ten artworks each, numpy is the slower
    codes, sizes = slating.codes.tolist(), mask.sum(axis=1).tolist()
    owns, indices, stays = own.tolist(), index.tolist(), held.tolist()
    uniform, coin = (each.tolist() for each in draws)
    propensities = np.array(free.propensities, np.float64)
    chosen, explored = free.chosen.tolist(), free.explored.tolist()
    alike, told = [False] * count, False
    for at in range(count):
        size = sizes[at]
        its = likeness[at * width : at * width + size].tolist()
        left = [place for place in range(size) if its[place] <= limit]
        if not stays[at] and (once or len(left) < size):
            if not left:
                alike[at] = True
                least = min(its) + _NOTHING
                left = [place for place in range(size) if its[place] <= least]
            share = explore_share
            if once:
                share = 0.0 if told else explore_share / (count - explore_share * at)
            row, even = _on(left, owns[at], indices[at]), 1.0 / len(left)
            explored[at] = coin[at] < share
            told = told or explored[at]
            target, place = uniform[at] * (1.0 - _NOTHING), left[-1]
            line = [0.0] * width
            for each, part in zip(left, row, strict=True):
                line[each] = share * even + (1.0 - share) * part
            propensities[at] = line
            for each, part in zip(left, row, strict=True):
                target -= even if explored[at] else part
                if target < 0.0:
                    place = each
                    break
            chosen[at] = place
        meet(codes[at][chosen[at]])
    return InTurn(propensities, np.array(chosen, np.intp), np.array(explored), np.array(alike))


def _on(left: Sequence[int], own: Sequence[float], index: Sequence[float]) -> list[float]:
    """Return the policy's distribution on what is left of a title, in the order of `left`."""
    row = [own[place] for place in left]
    if (whole := sum(row)) <= _NOTHING:
        best = max(index[place] for place in left)
        row = [float(index[place] == best) for place in left]
        whole = sum(row)
    return [each / whole for each in row]
