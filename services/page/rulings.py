"""A title's rules in words, whether each holds now, and what they did and cost lately."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from math import sqrt
from typing import Final, Protocol

from keyart.models.decide.index import ANY_SURFACE, BELIEF_COLUMNS, NEUTRAL, ServingIndex
from keyart.models.decide.rules import in_force
from keyart.schemas.catalogue import Artwork, StoredTitle
from keyart.schemas.posterior import TitleSums
from keyart.schemas.ruled import RuledBucket
from keyart.schemas.rules import Rules
from keyart.services.page.title_views import RuledView, RuleView

HOLDS, WAITS, OVER, ASKED = "holds", "waits", "over", "asked"
_AT: Final = {name: at for at, name in enumerate(BELIEF_COLUMNS)}
_WIDTH: Final = 1.96
"""Standard deviations on either side of a 95 % interval."""


class Span(Protocol):
    """A time from and until which something holds."""

    @property
    def starts(self) -> datetime | None:
        """From then on, with it; None for ever before."""

    @property
    def ends(self) -> datetime | None:
        """Until then, without it; None for ever after."""


def rules_of(
    title: StoredTitle, *, now_ms: int, seen: Callable[[str], float]
) -> tuple[RuleView, ...]:
    """Return the rules of the title's artworks, one view each; none where it has none.

    Parameters
    ----------
    seen
        (artwork) -> its effective impressions, by which `least` ends.
    """
    found = [
        view
        for artwork in title.choosable
        if artwork.rules is not None
        for view in _views(artwork, artwork.rules, now_ms, seen)
    ]
    if found and any(artwork.id == title.default for artwork in title.choosable):
        words = "stands in where rules leave nothing else"
        found.append(
            RuleView(artwork=title.default, words=words, state=ASKED, now="then, and marked")
        )
    return tuple(found)


def _views(
    artwork: Artwork, rules: Rules, now_ms: int, seen: Callable[[str], float]
) -> Iterator[RuleView]:
    state, now = _standing(rules, now_ms, "open now")

    def view(words: str, its: str, said: str) -> RuleView:
        if state != HOLDS:  # what may not be chosen now has no share either
            its, said = state, now if state == WAITS else "over with it"
        return RuleView(artwork=artwork.id, words=words, state=its, now=said)

    if rules.starts or rules.ends:
        words = f"may be chosen {_spanned(rules)}"
        yield RuleView(artwork=artwork.id, words=words, state=state, now=now)
    if rules.only:
        where = " and ".join(
            f"{name} is {_either([_said(each) for each in values])}"
            for name, values in rules.only.items()
        )
        yield view(f"only where {where}", ASKED, "asked of each request")
    if rules.pin:
        span = f" {_spanned(rules.pin)}" if rules.pin.starts or rules.pin.ends else ""
        yield view(
            f"pinned to {_share(rules.pin.share)} of choices{span}",
            *_standing(rules.pin, now_ms, "holds now"),
        )
    if rules.least:
        has = seen(artwork.id)
        words = f"at least {_share(rules.least.share)} of choices until it has "
        words += f"{rules.least.impressions:,.0f} impressions"
        met = has >= rules.least.impressions
        yield view(words, OVER if met else HOLDS, f"met: it has {has:,.0f}" if met else "holds now")
    if rules.most is not None:
        yield view(f"at most {_share(rules.most)} of choices", HOLDS, "holds now")


def _standing(span: Span, now_ms: int, holding: str) -> tuple[str, str]:
    if in_force(span, now_ms):
        return HOLDS, holding
    over = span.ends is not None and span.ends.timestamp() * 1000 <= now_ms
    return (OVER, "over") if over else (WAITS, "not yet")


def _spanned(span: Span) -> str:
    words = [f"from {_when(span.starts)}"] if span.starts else []
    words += [f"until {_when(span.ends)}"] if span.ends else []
    return " ".join(words)


def _when(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def _said(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else f"{value:g}"


def _either(values: list[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"


def _share(share: float) -> str:
    return f"{share * 100:.3g} %"


def ruled_of(title: StoredTitle, sums: TitleSums, index: ServingIndex) -> RuledView | None:
    """Return what rules did to the impressions shown over time; None where they touched none.

    The cost is the sum over decisions and artworks of (probability without rules - under them) x
    taste x level, as it was then, x what is believed today of how far the artwork is above the
    title's level. What is believed of one artwork errs the same way in every decision, so errors
    are added up by artwork before they are squared.
    """
    whole = RuledBucket()
    for each in sums.ruled.values():
        whole = RuledBucket(
            whole.impressions + each.impressions,
            whole.narrowed + each.narrowed,
            whole.bounded + each.bounded,
            whole.pinned + each.pinned,
            whole.defaulted + each.defaulted,
            whole.changed + each.changed,
            {
                name: whole.forgone.get(name, 0.0) + each.forgone.get(name, 0.0)
                for name in whole.forgone.keys() | each.forgone.keys()
            },
        )
    if not whole.impressions:
        return None
    beliefs = _relative(index, title.id)
    lost, variance = 0.0, 0.0
    for name in sorted(whole.forgone):
        factor, spread = beliefs.get(name, _UNKNOWN)
        takes = whole.forgone[name] * factor
        lost += takes
        variance += takes * takes * spread
    around = _WIDTH * sqrt(variance)
    return RuledView(
        impressions=sum(sum(counts.values()) for counts in sums.shares.values()),
        touched=whole.impressions,
        changed=whole.changed,
        narrowed=whole.narrowed,
        bounded=whole.bounded,
        pinned=whole.pinned,
        defaulted=whole.defaulted,
        cost=lost,
        low=lost - around,
        high=lost + around,
        told=not lost - around <= 0.0 <= lost + around,
    )


_UNKNOWN: Final = (1.0, float(NEUTRAL[_AT["relative_variance"]]))


def _relative(index: ServingIndex, title: str) -> dict[str, tuple[float, float]]:
    """Return of each artwork its factor on the title's level, and its relative variance."""
    arrays = index.arrays
    if (place := arrays.places.get(title)) is None:
        return {}
    rows = arrays.beliefs[ANY_SURFACE][place.offset : place.offset + place.size].astype(float)
    factors = rows[:, _AT["prior"]] * rows[:, _AT["own"]]
    spread = rows[:, _AT["relative_variance"]]
    return {
        name: (factor, its)
        for name, factor, its in zip(place.artworks, factors.tolist(), spread.tolist(), strict=True)
    }
