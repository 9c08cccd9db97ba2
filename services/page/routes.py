"""The page at `/`, its files, and the endpoints that it asks."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Annotated, Any, Literal

from litestar import MediaType, Response, Router, get
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Stream

from keyart.schemas.errors import NotFound
from keyart.services.page.decision_views import DecisionList
from keyart.services.page.insight import Insight
from keyart.services.page.poster import MAX_CHARACTERS, poster_svg
from keyart.services.page.strata import FAR_MS, Filter
from keyart.services.page.time_views import Timeline
from keyart.services.page.title_views import TitleList, TitleView
from keyart.services.page.views import Overview

_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
Words = Annotated[str, QueryParameter(max_length=MAX_CHARACTERS)]
Surface = Annotated[str, QueryParameter(max_length=200)]
At = Annotated[int, QueryParameter(ge=0, le=FAR_MS)]
PAGE = {"scopes": ("page",)}
"""Handlers with this option ask for a key that may see the page."""
PUBLIC = {"public": True}
"""Handlers with this option answer without a key: they hold no data."""
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def content_policy(origins: tuple[str, ...] = ()) -> str:
    """Return the Content-Security-Policy: this service only, and pictures of these origins."""
    images = " ".join(("'self'", "data:", *origins))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        f"img-src {images}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def page_routers(insight: Insight, *, origins: tuple[str, ...] = ()) -> list[Router]:
    """Return what the api mounts: the page with its files, and `/v1/insight`.

    Parameters
    ----------
    insight
        What is asked.
    origins
        Origins that pictures may come from besides this service.
    """
    return [_page(origins), _insight(insight)]


def _page(origins: tuple[str, ...]) -> Router:
    folder = files("keyart.services.page").joinpath("static")
    held = {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}
    page, of_models = held.pop("index.html"), held.pop("models.html")
    page_headers = {
        **_SAFE,
        "Content-Security-Policy": content_policy(origins),
        "Cache-Control": "no-cache",
    }
    drawn = {
        **_SAFE,
        "Content-Security-Policy": "default-src 'none'",
        "Cache-Control": "public, max-age=86400",
    }

    @get("/", media_type=MediaType.HTML, include_in_schema=False, opt=PUBLIC, sync_to_thread=False)
    def index() -> Response[bytes]:
        return Response(page, media_type=MediaType.HTML, headers=page_headers)

    @get(
        "/models",
        media_type=MediaType.HTML,
        include_in_schema=False,
        opt=PUBLIC,
        sync_to_thread=False,
    )
    def models() -> Response[bytes]:
        return Response(of_models, media_type=MediaType.HTML, headers=page_headers)

    @get("/page/{name:str}", include_in_schema=False, opt=PUBLIC, sync_to_thread=False)
    def part(name: FromPath[str]) -> Response[bytes]:
        if name not in held:
            raise NotFound(f"the page has no file {name!r}")
        kind = _KINDS[name[name.rindex(".") :]]
        headers = {**_SAFE, "Cache-Control": "no-cache"}
        return Response(held[name], media_type=kind, headers=headers)

    @get("/page/poster", include_in_schema=False, opt=PUBLIC, sync_to_thread=False)
    def poster(title: Words = "", artwork: Words = "") -> Response[str]:
        return Response(poster_svg(title, artwork), media_type="image/svg+xml", headers=drawn)

    return Router("/", route_handlers=[index, models, part, poster])


def _insight(insight: Insight) -> Router:
    common: dict[str, Any] = {"sync_to_thread": True, "tags": ["insight"]}

    @get(
        "/overview",
        operation_id="insight_overview",
        summary="The headline, and how the service runs",
        **common,
    )
    def overview(surface: Surface = "", from_ms: At = 0, to_ms: At = FAR_MS) -> Overview:
        return insight.overview(Filter(surface=surface, from_ms=from_ms, to_ms=to_ms))

    @get(
        "/timeline",
        operation_id="insight_timeline",
        summary="Take fraction by policy, or lift over the control, so far",
        **common,
    )
    def timeline(
        view: FromQuery[Literal["moving", "total", "lift"]] = "moving",
        surface: Surface = "",
        from_ms: At = 0,
        to_ms: At = FAR_MS,
    ) -> Timeline:
        return insight.timeline(view, Filter(surface=surface, from_ms=from_ms, to_ms=to_ms))

    @get(
        "/titles", operation_id="insight_titles", summary="Titles, those shown most first", **common
    )
    def titles(
        search: Annotated[str, QueryParameter(max_length=200)] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100,
        surface: Surface = "",
    ) -> TitleList:
        return insight.titles(search=search, limit=limit, surface=surface)

    @get(
        "/titles/{title:str}",
        operation_id="insight_title",
        summary="One title's artworks, beliefs and shares",
        **common,
    )
    def title(title: FromPath[str], surface: Surface = "") -> TitleView:
        return insight.title(title, surface)

    @get(
        "/figures.csv",
        operation_id="insight_figures_csv",
        summary="Figures by time and policy, as CSV",
        **common,
    )
    def figures_csv(surface: Surface = "", from_ms: At = 0, to_ms: At = FAR_MS) -> Stream:
        wanted = Filter(surface=surface, from_ms=from_ms, to_ms=to_ms)
        return _file(insight.figures_csv(wanted), "keyart-figures.csv")

    @get(
        "/titles.csv",
        operation_id="insight_titles_csv",
        summary="Figures of every artwork by surface, as CSV",
        **common,
    )
    def titles_csv() -> Stream:
        return _file(insight.titles_csv(), "keyart-titles.csv")

    @get(
        "/decisions",
        operation_id="insight_decisions",
        summary="Recent decisions, and why",
        **common,
    )
    def decisions(limit: Annotated[int, QueryParameter(ge=1, le=80)] = 40) -> DecisionList:
        return insight.decisions(limit=limit)

    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Router(
        "/v1/insight",
        route_handlers=[overview, timeline, titles, title, figures_csv, titles_csv, decisions],
        opt=PAGE,
        response_headers=headers,
    )


def _file(lines: Iterator[str], name: str) -> Stream:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Stream(lines, media_type="text/csv; charset=utf-8", headers=headers)
