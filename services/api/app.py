"""The web application: every route, the errors' shape, and what starts and stops with it."""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from keyart.schemas.errors import KeyartError
from keyart.services.api import health, problems, routes, viewers
from keyart.services.api.auth import KeyCheck, keys_of
from keyart.services.api.bodies import MAX_BODY
from keyart.services.api.docs import Document, OfflinePage
from keyart.services.api.state import ApiState
from keyart.services.bootstrap import Parts
from keyart.services.page.routes import PUBLIC
from keyart.services.page.wiring import page_of
from keyart.services.telemetry import ApiMetrics

log = logging.getLogger(__name__)
MEASURED = ("/v1/decisions", "/v1/events")


def create_app(parts: Parts) -> Litestar:
    """Return the application over these parts.

    Raises
    ------
    SettingsError
        The api would be open to the network without a key.
    """
    keys = keys_of(parts.settings)
    state = ApiState(parts)

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

    def measured(app: ASGIApp) -> ASGIApp:
        return Measured(app, state.metrics)

    def checked(app: ASGIApp) -> ASGIApp:
        return KeyCheck(app, keys)

    return Litestar(
        route_handlers=[
            routes.decide,
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
            *page_of(parts, state.insight),
        ],
        dependencies={"keyart": Provide(lambda: state, sync_to_thread=False, use_cache=True)},
        exception_handlers={
            KeyartError: problems.of_keyart,
            HTTPException: problems.of_http,
            Exception: problems.of_anything,
        },
        middleware=[measured, checked],
        lifespan=[lifespan],
        openapi_config=OpenAPIConfig(
            title="keyart",
            version="1",
            description="Chooses, for every viewer and every title, which artwork to show.",
            path="/docs",
            openapi_router=Router("/docs", route_handlers=[], opt=PUBLIC),
            render_plugins=[OfflinePage(path="/"), Document()],
        ),
        request_max_body_size=MAX_BODY + 1,
        logging_config=None,
    )


class Measured:
    """Counts and times the two hot routes; the rest is counted as "other"."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics) -> None:
        self._app = app
        self._requests = metrics.requests
        self._seconds = {name: metrics.seconds.labels(name) for name in (*MEASURED, "other")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and note how it ended."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        route = scope["path"] if scope["path"] in MEASURED else "other"
        started = time.perf_counter()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._requests.labels(route, message["status"]).inc()
            await send(message)

        await self._app(scope, receive, noting)
        self._seconds[route].observe(time.perf_counter() - started)
