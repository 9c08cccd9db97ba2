"""What an error becomes on the wire: its status, its words, and whether to try again."""

from typing import Any, cast

import pytest
from litestar import Request, Response
from litestar.exceptions import HTTPException
from msgspec import json

from keyart.schemas.errors import (
    Contended,
    Fenced,
    InvalidRecord,
    KeyartError,
    LogAway,
    ModelRejected,
    NotFound,
    StoreAway,
    UnknownName,
)
from keyart.services.api.problems import BadRequest, Fault, Problem, of_anything, of_http, of_keyart

NOBODY = cast("Request[Any, Any, Any]", None)


def read(answer: Response[bytes]) -> Problem:
    assert answer.media_type == "application/problem+json"
    problem = json.decode(answer.content, type=Problem)
    assert problem.status == answer.status_code
    return problem


@pytest.mark.parametrize(
    ("error", "status", "again"),
    [
        (InvalidRecord("too long", "$.id"), 400, None),
        (NotFound("no title 'x'"), 404, None),
        (UnknownName("no policy 'x'"), 404, None),
        (Contended("others change it"), 409, "2"),
        (StoreAway("cannot be reached"), 503, "2"),
        (LogAway("cannot be reached"), 503, "2"),
        (BadRequest("busy", status=503), 503, "1"),
        (BadRequest("gone", status=404), 404, None),
        (Fenced("another owner"), 500, None),
        (ModelRejected("wrong digest"), 500, None),
    ],
)
def test_each_error_has_its_status(error: KeyartError, status: int, again: str | None) -> None:
    answer = of_keyart(NOBODY, error)
    assert read(answer).status == status
    assert answer.headers.get("Retry-After") == again


def test_a_wrong_record_names_its_place() -> None:
    problem = read(of_keyart(NOBODY, InvalidRecord("too long", "$.id")))
    assert problem.faults == (Fault(where="$.id", what="too long"),)


@pytest.mark.parametrize(
    "error", [StoreAway("redis://secret@host"), ModelRejected("/srv/models/x is damaged")]
)
def test_what_is_behind_the_api_is_not_told(error: KeyartError) -> None:
    said = of_keyart(NOBODY, error).content
    assert b"secret" not in said
    assert b"/srv" not in said


def test_what_nobody_foresaw_says_nothing() -> None:
    problem = read(of_anything(NOBODY, ZeroDivisionError("secret")))
    assert (problem.status, "secret" in problem.detail) == (500, False)


def test_a_body_that_is_no_text_is_the_callers_fault() -> None:
    error = HTTPException(status_code=500, detail="cannot be read")
    error.__cause__ = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    assert read(of_http(NOBODY, error)).status == 400
    assert read(of_http(NOBODY, HTTPException(status_code=405, detail="no"))).title == (
        "Wrong method"
    )
