"""By what the titles of a table's clusters are taken, and what that stands on."""

from typing import Final, Literal

from msgspec import Struct

TASTE: Final = "taste"
IALS: Final = "ials"


class Grounds(Struct, frozen=True, kw_only=True):
    """By what titles are best taken from a table's clusters, as viewers held back say.

    `by` is `taste` or `ials`; `taste` and `ials` the unique engaged pairs of viewer and cluster
    (UEUC) per 1,000 places of each, on the pages of so many `viewers`; `over` by how many ials has
    more, from `low` to `high` with 95 %, by viewer.
    """

    by: Literal["taste", "ials"] = "taste"
    viewers: int = 0
    taste: float = 0.0
    ials: float = 0.0
    over: float = 0.0
    low: float = 0.0
    high: float = 0.0
