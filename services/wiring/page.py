"""How the page is joined to a process of the api."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from keyart.services.api.advisor import Advisor
from keyart.services.api.snapshots import Snapshots
from keyart.services.jobs.retrain.stages import Jobs
from keyart.services.page.advice import Advice
from keyart.services.page.insight import Insight
from keyart.services.page.models import Desk, marks_of
from keyart.services.page.overview import PageRules
from keyart.services.page.pictures import Pictures
from keyart.services.page.source import Flows, LogFlows, LogTail, Source, StreamTail
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.logs import kafka_of, log_of
from keyart.services.wiring.models import registry_of, tables_of
from keyart.services.wiring.places import retrain_dir
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.stores import opinions_of, register_of, store_of
from keyart.services.wiring.telemetry import ApiMetrics
from keyart.streams.catalogue.current import CurrentCatalogue


def insight_of(
    settings: Settings,
    client: Any,
    titles: CurrentCatalogue,
    snapshots: Snapshots,
    metrics: ApiMetrics,
) -> Insight:
    """Return what the page, and the metrics, may ask.

    Parameters
    ----------
    titles
        The catalogue as the api knows it.
    snapshots
        What the api decides from.
    metrics
        What the process counts.
    """
    source = Source(
        store=store_of(settings, client),
        flows=_flows(settings, client),
        index=snapshots.index,
        titles=titles.view.titles,
        partitions=settings.partitions,
        clock=now_ms,
        pictures=Pictures(origins_of(settings)),
        prior=lambda: snapshots.prior,
        surfaces=lambda: snapshots.surfaces,
        bounds=snapshots.bounds,
        keeping=metrics.keeping.costs,
        positions=lambda: snapshots.positions,
        said=snapshots.said,
        marks=lambda: marks_of(registry_of(settings)),
    )
    rules = PageRules(
        note=settings.page_note,
        policy=settings.policy,
        explore_share=settings.explore_share,
        reward_window_s=settings.reward_window_s,
        lateness_s=settings.lateness_s,
    )
    return Insight(source=source, rules=rules)


def advice_of(
    settings: Settings, client: Any, advisor: Advisor, doses: Mapping[str, float]
) -> Advice:
    """Return what the page may ask about proposals."""
    return Advice(
        table=lambda: None if advisor.atlas is None else advisor.atlas.table,
        registry=tables_of(settings).registry,
        register=register_of(settings, client),
        doses=doses,
        grounding=settings.serendipity_grounding,
        every_s=settings.serendipity_report_s,
        clock=now_ms,
    )


def desk_of(settings: Settings, client: Any) -> Desk:
    """Return what the page may ask and do about models."""
    return Desk(
        registry=registry_of(settings),
        jobs=Jobs(retrain_dir(settings)),
        register=register_of(settings, client),
        opinions=opinions_of(settings, client),
        act=_beside,
        clock=now_ms,
    )


def _beside(*arguments: str) -> str:
    # here: what fits and scores priors is for the process that this starts, not for the api
    from keyart.services.jobs.priors.serving import beside

    return beside(*arguments)


def origins_of(settings: Settings) -> tuple[str, ...]:
    """Return from where pictures may come."""
    named = settings.page_images.split(",")
    return tuple(each.strip() for each in named if each.strip())


def _flows(settings: Settings, client: Any) -> Flows:
    store = store_of(settings, client)

    @cache
    def log() -> LogTail:
        if settings.embedded:
            return StreamTail(log_of(settings, client), store.counts)
        from keyart.streams.kafka.tail import KafkaTail

        return KafkaTail(kafka_of(settings), committed=store.offsets)

    return LogFlows(log, partitions=settings.partitions, clock=now_ms)
