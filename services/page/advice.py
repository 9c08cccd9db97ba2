"""What the page asks about proposals: the table that serves, the dose, and what came of it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from litestar import Router, get

from keyart.models.serendipity.grounds import TASTE
from keyart.schemas.errors import KeyartError
from keyart.services.jobs.serendipity.came import kept
from keyart.services.page.advice_views import AdviceView, DoseView, TableView
from keyart.streams.ports import Clock
from keyart.streams.registry.registry import Registry
from keyart.streams.site import Register

if TYPE_CHECKING:
    from keyart.models.serendipity.measure.watched import Came
    from keyart.models.serendipity.table import Table

AUTO: Final = "auto"
LANGUAGE: Final = "language model"
"""In the name of a planner that answers in words, which may name no cluster."""
EVERY_OTHER: Final = "*"


@dataclass(frozen=True, kw_only=True)
class Advice:
    """Proposals as the page sees them.

    Parameters
    ----------
    table
        Returns the table that this process proposes from, None for none.
    registry, register
        Versions of tables; what housekeeping counted.
    doses
        The share of places that are proposals, by surface; `*` is every other one.
    grounding
        The setting.
    every_s
        How often it is counted what came of pages.
    clock
        Now, in milliseconds.
    """

    table: Callable[[], "Table | None"]
    registry: Registry
    register: Register
    doses: Mapping[str, float]
    grounding: str
    every_s: float
    clock: Clock

    def view(self) -> AdviceView:
        """Return all that is shown."""
        table = self.table()
        came = kept(self.register)
        if came is not None and not came.seen and table is None:
            came = None
        if table is None and came is None:
            return AdviceView(now_ms=self.clock(), every_s=self.every_s)
        return AdviceView(
            now_ms=self.clock(),
            every_s=self.every_s,
            table=None if table is None else self._table(table),
            doses=self._doses(came),
            came=came,
        )

    def _table(self, table: "Table") -> TableView:
        manifest = table.manifest
        by = manifest.grounds.by if self.grounding == AUTO else self.grounding
        version = None
        with suppress(KeyartError):  # a table in a folder of its own is of no registry
            version = self.registry.version(table.identity)
        exact = version.figures.get("exact_match") if version is not None else None
        return TableView(
            version=table.identity,
            made_at_ms=version.made_at_ms if version is not None else 0,
            clusters=manifest.clusters,
            titles=len(table.titles),
            planner=manifest.planner,
            grounding=TASTE if table.factors is None else by,
            exact_match=exact if LANGUAGE in manifest.planner else None,
        )

    def _doses(self, came: "Came | None") -> tuple[DoseView, ...]:
        seen = {} if came is None else {each.surface: each for each in came.surfaces}
        other = self.doses[EVERY_OTHER]
        made = [
            DoseView(
                surface=surface,
                meant=self.doses.get(surface, other),
                places=each.places,
                proposed=each.proposed,
                random=each.random,
            )
            for surface, each in seen.items()
        ]
        unseen = [each for each in self.doses if each not in seen]
        return (*made, *(DoseView(surface=each, meant=self.doses[each]) for each in unseen))


def advice_router(advice: Advice) -> Router:
    """Return what the api mounts."""

    @get(
        "/v1/insight/serendipity",
        operation_id="insight_serendipity",
        summary="Proposals: the table that serves, doses, what came of pages",
        tags=["insight"],
        sync_to_thread=True,
        opt={"scopes": ("page",)},
    )
    def serendipity() -> AdviceView:
        return advice.view()

    headers: dict[str, Any] = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Router("/", route_handlers=[serendipity], response_headers=headers)
