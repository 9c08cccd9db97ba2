"""The web application: every route, the errors' shape, and what starts and stops with it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.types import ASGIApp

from keyart.schemas.errors import KeyartError
from keyart.services.api import decisions, health, problems, routes, serendipity, viewers
from keyart.services.api.auth import KeyCheck, Slowdown
from keyart.services.api.bodies import MAX_BODY
from keyart.services.api.docs import Document, OfflinePage
from keyart.services.api.door import Door
from keyart.services.api.keys import KeyRing
from keyart.services.api.origins import Origins
from keyart.services.api.state import ApiState
from keyart.services.api.tracing import tracer_of
from keyart.services.page.routes import PUBLIC

log = logging.getLogger(__name__)
TRACES_S = 2.0


def create_app(state: ApiState, *, keys: KeyRing, page: Sequence[Router]) -> Litestar:
    """Return the application.

    Its `state.ended` counts connections that the server ends, by reason.

    Parameters
    ----------
    state
        What its handlers share.
    keys
        What callers may send; none: only this machine may call.
    page
        The page's routes.

    Raises
    ------
    MissingExtra
        OpenTelemetry's variables ask for traces, and `keyart[otel]` is not installed.
    """
    trace, end_traces = tracer_of()

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        try:
            await state.start()
        except Exception:
            # the server swallows what stops a start, so the reason is told here
            log.exception("the api cannot start")
            raise
        yield
        await state.stop()
        # a collector that is away must not hold up the end
        with suppress(TimeoutError):
            await asyncio.wait_for(state.in_thread(end_traces), TRACES_S)

    slowdown = Slowdown()

    def checked(app: ASGIApp) -> ASGIApp:
        return KeyCheck(app, keys, slowdown)

    app = Litestar(
        route_handlers=[
            decisions.decide,
            serendipity.propose,
            routes.take_events,
            routes.put_title,
            routes.get_title,
            routes.withdraw_title,
            routes.list_titles,
            viewers.get_viewer,
            viewers.correct_viewer,
            viewers.erase_viewer,
            health.live,
            health.ready,
            health.metrics,
            *page,
        ],
        dependencies={"keyart": Provide(lambda: state, sync_to_thread=False, use_cache=True)},
        exception_handlers={
            KeyartError: problems.of_keyart,
            HTTPException: problems.of_http,
            Exception: problems.of_anything,
        },
        middleware=[checked],
        lifespan=[lifespan],
        openapi_config=OpenAPIConfig(
            title="keyart",
            version="1",
            description="Chooses, for every viewer and every title, which artwork to show.",
            path="/docs",
            openapi_router=Router("/docs", route_handlers=[], opt=PUBLIC),
            use_handler_docstrings=True,
            render_plugins=[OfflinePage(path="/"), Document()],
        ),
        request_max_body_size=MAX_BODY + 1,
        logging_config=None,
    )
    settings = state.settings
    names = tuple(name.strip() for name in settings.api_hosts.split(",") if name.strip())
    app.asgi_handler = Door(
        app.asgi_handler,
        metrics=state.metrics,
        origins=None if keys else Origins(names),
        most=settings.api_requests,
        log_access=settings.access_log,
        trace=trace,
    )
    app.state.advisor = state.advisor
    app.state.events_refused = state.metrics.rejected.inc
    app.state.ended = lambda reason: state.metrics.ended.labels(reason).inc()
    return app
