"""A site's rules, before the policy chooses: who is a candidate, and within which shares.

Candidates that a rule takes away are none: beliefs are centred, and propensities exact, over those
that stay. What bounds shares is in `shares`.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from keyart.models.decide.shares import Limits, bounds
from keyart.schemas.catalogue import Artwork, StoredTitle
from keyart.schemas.context import Context
from keyart.schemas.rules import SURFACE, Rules, Selection

NOBODY: Final = Selection()


class Candidates(NamedTuple):
    """What is left of one title: places among its artworks, and the rules of those (None: none).

    `default` when nothing survived and the default artwork stands in.
    """

    kept: tuple[int, ...]
    rules: tuple[Rules | None, ...]
    default: bool = False

    @property
    def limits(self) -> bool:
        """Whether any bounds a share."""
        return any(map(bounds, self.rules))


class _Span(Protocol):
    @property
    def starts(self) -> datetime | None: ...

    @property
    def ends(self) -> datetime | None: ...


def in_force(span: _Span, now_ms: int) -> bool:
    """Whether a time lies within `from` (with it) and `until` (without it)."""
    after = span.starts is None or span.starts.timestamp() * 1000 <= now_ms
    return after and (span.ends is None or now_ms < span.ends.timestamp() * 1000)


def candidates(
    title: StoredTitle,
    artworks: Sequence[str],
    *,
    surface: str,
    context: Context,
    allow: Selection,
    deny: Selection,
    now_ms: int,
) -> Candidates | None:
    """Return what is left of a title's artworks; None when no rule says anything.

    Parameters
    ----------
    artworks
        (K,) ids that could be chosen without rules.
    allow
        Empty for everything. An artwork must be among its ids, if there are any, and have one of
        the values of each attribute: without the attribute it is not allowed.
    deny
        An artwork must not be among its ids, nor have any of its attributes' values.
    """
    asked = allow is not NOBODY or deny is not NOBODY
    if not asked and not any(kept.artwork.rules for kept in title.artworks):
        return None
    held = {each.id: each for each in title.choosable}
    kept = []
    for at, name in enumerate(artworks):
        artwork = held.get(name)
        if artwork is None:
            continue
        if asked and not _selected(artwork, allow, deny):
            continue
        if artwork.rules is None or _holds(artwork.rules, surface, context, now_ms):
            kept.append(at)
    if not kept and title.default in artworks:
        return Candidates((artworks.index(title.default),), (None,), True)
    rules = tuple(_now(held[artworks[at]].rules, now_ms) for at in kept)
    found = Candidates(tuple(kept), rules)
    return found if len(kept) < len(artworks) or found.limits else None


def _selected(artwork: Artwork, allow: Selection, deny: Selection) -> bool:
    if allow.artworks and artwork.id not in allow.artworks:
        return False
    if artwork.id in deny.artworks:
        return False
    its = artwork.attributes
    if any(its.get(name) not in values for name, values in allow.attributes.items()):
        return False
    return not any(its.get(name) in values for name, values in deny.attributes.items())


def _holds(rules: Rules, surface: str, context: Context, now_ms: int) -> bool:
    if not in_force(rules, now_ms):
        return False
    for name, values in rules.only.items():
        value = surface if name == SURFACE else context.get(name)
        # true is no 1: what a site writes is compared as it is written
        if not any(
            value == each and isinstance(value, bool) == isinstance(each, bool) for each in values
        ):
            return False
    return True


def _now(rules: Rules | None, now_ms: int) -> Rules | None:
    """Return the rules without a pin that is not in force."""
    if rules is None or rules.pin is None or in_force(rules.pin, now_ms):
        return rules
    return Rules(only=rules.only, least=rules.least, most=rules.most)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What rules leave of T titles.

    Parameters
    ----------
    artworks
        (T,) the ids that could be chosen without them.
    left
        (T,) None where no rule says anything.
    """

    artworks: tuple[tuple[str, ...], ...]
    left: tuple[Candidates | None, ...]

    @classmethod
    def of(
        cls,
        titles: Mapping[str, StoredTitle],
        asked: Sequence[str],
        artworks: Sequence[tuple[str, ...]],
        *,
        surface: str,
        context: Context,
        allow: Selection,
        deny: Selection,
        now_ms: int,
        ruled: AbstractSet[str] | None = None,
    ) -> "Ruling | None":
        """Return it for the titles asked for, with the artworks of each; None where none rules.

        `ruled` are the titles that have rules of their own, so that the others' are not looked for;
        None where nobody knows.
        """
        if ruled is not None and allow is NOBODY and deny is NOBODY and ruled.isdisjoint(asked):
            return None
        left = tuple(
            candidates(
                titles[name],
                names,
                surface=surface,
                context=context,
                allow=allow,
                deny=deny,
                now_ms=now_ms,
            )
            if name in titles
            else None
            for name, names in zip(asked, artworks, strict=True)
        )
        return cls(tuple(artworks), left) if any(each is not None for each in left) else None

    @property
    def spoken(self) -> dict[int, Candidates]:
        """What is left, by the places of titles of which a rule says anything."""
        return {at: each for at, each in enumerate(self.left) if each is not None}

    @property
    def empty(self) -> list[int]:
        """The places of titles of which nothing is left."""
        return [at for at, each in enumerate(self.left) if each is not None and not each.kept]

    def take(self, places: Sequence[int]) -> "Ruling":
        """Return it for some of the titles."""
        artworks, left = self.artworks, self.left
        return Ruling(tuple(artworks[at] for at in places), tuple(left[at] for at in places))

    def names(self) -> list[tuple[str, ...]]:
        """Return (T,) the ids of what is left."""
        return [
            names if left is None else tuple(names[place] for place in left.kept)
            for names, left in zip(self.artworks, self.left, strict=True)
        ]

    def places(self) -> NDArray[np.intp]:
        """Return (K, T) where what is left stands among each title's artworks, padded by 0."""
        kept = [
            range(len(names)) if left is None else left.kept
            for names, left in zip(self.artworks, self.left, strict=True)
        ]
        found = np.zeros((max(map(len, kept)), len(kept)), np.intp)
        for at, each in enumerate(kept):
            found[: len(each), at] = each
        return found

    def limits(self) -> Limits | None:
        """Return the bounds on shares, padded as `places` is; None when there are none."""
        rules = [() if left is None else left.rules for left in self.left]
        return Limits.of(rules, len(self.places()))

    def bound(self) -> NDArray[np.bool_]:
        """Return (T,) whether a rule bounds a share, or the default artwork stands in."""
        return np.array(
            [left is not None and (left.default or left.limits) for left in self.left], np.bool_
        )

    def defaults(self) -> NDArray[np.bool_]:
        """Return (T,) whether the default artwork stands in."""
        return np.array([left is not None and left.default for left in self.left])
