"""What the page says of proposals. Times in ms since 1970 UTC; shares in 0 to 1."""

from msgspec import Struct

from keyart.models.serendipity.measure.watched import Came


class TableView(Struct, frozen=True, kw_only=True):
    """The table that proposes.

    `version` is what pages name in the log; `grounding` is by what titles are taken from clusters;
    `exact_match` the share of its proposals that are clusters, told where a language model planned.
    """

    version: str
    made_at_ms: int
    clusters: int
    titles: int
    planner: str
    grounding: str
    exact_match: float | None = None


class DoseView(Struct, frozen=True, kw_only=True):
    """A surface's dose as it is set, and as it was seen; None where none of its places was seen.

    `surface` is `*` for every one that has no dose of its own.
    """

    surface: str
    meant: float
    places: int = 0
    proposed: float | None = None
    random: float | None = None


class AdviceView(Struct, frozen=True, kw_only=True):
    """All that the page says of proposals; nothing, for a site that proposes nothing.

    `every_s`: how often `came` is counted again; 0 where nobody does it by itself.
    """

    now_ms: int
    every_s: float
    table: TableView | None = None
    doses: tuple[DoseView, ...] = ()
    came: Came | None = None
