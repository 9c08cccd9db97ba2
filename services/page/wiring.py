"""How the page is joined to a process of the api."""

from collections.abc import Callable
from functools import cache

from litestar import Router

from keyart.models.decide.index import ServingIndex
from keyart.services.page.insight import Insight
from keyart.services.page.overview import PageRules
from keyart.services.page.pictures import Pictures
from keyart.services.page.routes import page_routers
from keyart.services.page.source import Bounds, Flows, LogFlows, LogTail, Source, StreamTail
from keyart.services.wiring.bootstrap import Parts
from keyart.services.wiring.clock import now_ms


def insight_of(
    parts: Parts,
    *,
    index: ServingIndex,
    prior: Callable[[], str],
    surfaces: Callable[[], tuple[tuple[str, ...], int]],
    bounds: Bounds,
) -> Insight:
    """Return what the page, and the metrics, may ask.

    Parameters
    ----------
    index
        What the api decides from.
    prior
        The name of the prior that serves now.
    surfaces
        Those with a level of their own, and how many others are counted together.
    bounds
        (title) -> callers' keys that are bounded there.
    """
    settings = parts.settings
    source = Source(
        store=parts.store,
        flows=_flows(parts),
        index=index,
        titles=parts.view.view.titles,
        partitions=settings.partitions,
        clock=now_ms,
        pictures=Pictures(_origins(parts)),
        prior=prior,
        surfaces=surfaces,
        bounds=bounds,
    )
    rules = PageRules(
        note=settings.page_note,
        policy=settings.policy,
        explore_share=settings.explore_share,
        reward_window_s=settings.reward_window_s,
        lateness_s=settings.lateness_s,
    )
    return Insight(source=source, rules=rules)


def page_of(parts: Parts, insight: Insight) -> list[Router]:
    """Return the page's routers."""
    return page_routers(insight, origins=_origins(parts))


def _origins(parts: Parts) -> tuple[str, ...]:
    named = parts.settings.page_images.split(",")
    return tuple(each.strip() for each in named if each.strip())


def _flows(parts: Parts) -> Flows:
    @cache
    def log() -> LogTail:
        if parts.embedded:
            return StreamTail(parts.log, parts.store.counts)
        from keyart.streams.kafka.tail import KafkaTail

        return KafkaTail(parts.kafka, committed=parts.store.offsets)

    return LogFlows(log, partitions=parts.settings.partitions, clock=now_ms)
