"""What keeping pictures costs, as the page tells it."""

from collections.abc import Mapping
from math import isfinite

from keyart.models.decide.keeping import SHARE, Cost
from keyart.services.page.views import KeepingView


def keeping_of(costs: Mapping[str, Cost]) -> tuple[KeepingView, ...]:
    """Return what keeping costs by reason, dwell first."""
    return tuple(
        KeepingView(
            reason=reason,
            pictures=cost.pictures,
            one_in=round(1.0 / SHARE),
            cost=_told(cost.share),
            low=_told(cost.low),
            high=_told(cost.high),
            takes_per_1000=_told(1000.0 * cost.share * cost.anew / max(cost.pictures, 1)),
        )
        for reason, cost in sorted(costs.items())
    )


def _told(value: float) -> float | None:
    return value if isfinite(value) else None
