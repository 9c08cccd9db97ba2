"""The api of a site, put together."""

from typing import Any

from litestar import Litestar

from keyart.services.api.app import create_app
from keyart.services.api.snapshots import Snapshots
from keyart.services.api.state import ApiState
from keyart.services.page.advice import advice_router
from keyart.services.page.model_routes import models_router
from keyart.services.page.routes import page_routers
from keyart.services.wiring.advice import advisor_of, doses_of
from keyart.services.wiring.callers import keys_of
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.erasing import erasures_of
from keyart.services.wiring.experiment import experiment_of
from keyart.services.wiring.lanes import taste_rates
from keyart.services.wiring.page import advice_of, desk_of, insight_of, origins_of
from keyart.services.wiring.settings import Settings
from keyart.services.wiring.stores import (
    admin_of,
    catalogue_of,
    on_loop,
    opinions_of,
    register_of,
    store_of,
)
from keyart.services.wiring.telemetry import ApiMetrics
from keyart.services.wiring.titles import current_titles
from keyart.services.wiring.viewer_key import keys_of_site
from keyart.streams.catalogue.current import CurrentCatalogue


def snapshots_of(
    settings: Settings, client: Any, titles: CurrentCatalogue, metrics: ApiMetrics
) -> Snapshots:
    """Return what keeps known what decisions are made from."""
    return Snapshots(
        titles=titles,
        store=store_of(settings, client),
        register=register_of(settings, client),
        opinions=opinions_of(settings, client),
        prior=settings.prior,
        partitions=settings.partitions,
        every_s=settings.snapshot_s,
        metrics=metrics,
        respond_from=settings.respond_from,
        position=settings.position_effect,
    )


def app_of(settings: Settings, client: Any, *, titles: CurrentCatalogue | None = None) -> Litestar:
    """Return the application of a site.

    Parameters
    ----------
    titles
        Its catalogue, where its space is loaded already.

    Raises
    ------
    SettingsError
        The api would be open to the network without a key, or a setting cannot be used.
    MissingExtra
        OpenTelemetry's variables ask for traces, and `keyart[otel]` is not installed.
    """
    keys = keys_of(settings)
    titles = current_titles(settings, client) if titles is None else titles
    metrics = ApiMetrics()
    snapshots = snapshots_of(settings, client, titles, metrics)
    insight = insight_of(settings, client, titles, snapshots, metrics)
    advisor, doses = advisor_of(settings, lambda: snapshots.index), doses_of(settings)
    state = ApiState(
        settings=settings,
        titles=titles,
        catalogue=catalogue_of(settings, client),
        store=store_of(settings, client),
        register=register_of(settings, client),
        server=admin_of(client),
        keys=keys_of_site(settings),
        experiment=experiment_of(settings),
        erasures=erasures_of(settings, client),
        snapshots=snapshots,
        insight=insight,
        metrics=metrics,
        advisor=advisor,
        doses=doses,
        rates=taste_rates(settings),
        connect=lambda: on_loop(settings),
        clock=now_ms,
    )
    page = [
        *page_routers(insight, origins=origins_of(settings)),
        models_router(desk_of(settings, client)),
        advice_router(advice_of(settings, client, advisor, doses)),
    ]
    return create_app(state, keys=keys, page=page)
