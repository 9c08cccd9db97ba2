"""Reading request bodies: bounded, decoded once, wrong ones answered with what and where."""

from typing import Any, Generic, TypeVar

import msgspec
from litestar import Request

from keyart.schemas import strict
from keyart.services.api.problems import BadRequest

T = TypeVar("T")
MAX_BODY = 2_000_000
JSON_TYPE = "application/json"


class Body(Generic[T]):
    """Decodes one kind of body."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind)

    async def read(self, request: Request[Any, Any, Any]) -> T:
        """Return the body of the request.

        Raises
        ------
        BadRequest
            The body is not declared as JSON, or too large.
        Refused
            The body is not what it should be; names the place.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        # a page of another site can post any other type, or none, without asking leave first
        if kind != JSON_TYPE:
            said = f"the body is declared as {kind!r}" if kind else "the body has no Content-Type"
            raise BadRequest(f"{said[:200]}; send application/json", status=415)
        data = await request.body()
        if len(data) > MAX_BODY:
            raise BadRequest(f"the body is over {MAX_BODY} bytes", status=413)
        try:
            return self._decoder.decode(data)
        except msgspec.ValidationError as wrong:
            raise strict.Refused(self._said_better(data) or [strict.plain(wrong)]) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
            raise strict.Refused([strict.plain(wrong)]) from None

    def _said_better(self, data: bytes) -> list[strict.Fault]:
        """Return the unknown fields with the names that were probably meant, if that is wrong."""
        try:
            return strict.wrong(msgspec.json.decode(data), self._kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return []
