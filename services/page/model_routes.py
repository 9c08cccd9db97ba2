"""The endpoints of models: what there is, for who may see the page; two acts, for an admin."""

from typing import Annotated, Any

from litestar import Request, Router, get, post
from litestar.params import Body
from msgspec import Meta, Struct

from keyart.schemas.ids import Name
from keyart.services.api import examples
from keyart.services.api.auth import caller_of
from keyart.services.api.bodies import Strict, declared
from keyart.services.api.problems import said
from keyart.services.page.model_views import ModelsView
from keyart.services.page.models import Desk

Why = Annotated[str, Meta(max_length=500)]
PAGE = {"scopes": ("page",)}


class PromoteRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The version that is to serve, and why."""

    version: Name
    why: Why = ""


class RollbackRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is expected to serve again, as it was shown, and why."""

    to: Name
    why: Why = ""


def models_router(desk: Desk) -> Router:
    """Return what the api mounts."""

    @get(
        "/v1/insight/models",
        operation_id="insight_models",
        summary="Versions of models, retrainings, rollouts",
        tags=["insight"],
        sync_to_thread=True,
        opt=PAGE,
    )
    def models() -> ModelsView:
        return desk.view()

    @post(
        "/v1/models/promote",
        operation_id="promote_model",
        summary="Let a version serve",
        tags=["models"],
        status_code=200,
        responses=said(404),
        before_request=declared,
        dto=Strict[PromoteRequest],
        return_dto=None,
        sync_to_thread=True,
    )
    def promote(
        data: Annotated[PromoteRequest, Body(examples=examples.PROMOTION)],
        request: Request[Any, Any, Any],
    ) -> ModelsView:
        return desk.promote(data.version, by=_by(request), why=data.why)

    @post(
        "/v1/models/rollback",
        operation_id="roll_model_back",
        summary="Let what served before serve again",
        tags=["models"],
        status_code=200,
        before_request=declared,
        dto=Strict[RollbackRequest],
        return_dto=None,
        sync_to_thread=True,
    )
    def rollback(
        data: Annotated[RollbackRequest, Body(examples=examples.ROLLBACK)],
        request: Request[Any, Any, Any],
    ) -> ModelsView:
        return desk.rollback(by=_by(request), why=data.why, expected=data.to)

    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Router("/", route_handlers=[models, promote, rollback], response_headers=headers)


def _by(request: Request[Any, Any, Any]) -> str:
    caller = caller_of(request.scope)
    return f"the page, key {caller}" if caller else "the page"
