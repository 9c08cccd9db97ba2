"""Reading request bodies: bounded, decoded once, wrong ones answered with what and where.

A handler says `data: Kind` and `dto=Strict[Kind]`: Litestar documents the kind, and hands over what
`Strict` made of the bytes.
"""

from collections.abc import Callable, Generator
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec
from litestar import Request
from litestar.dto import AbstractDTO, DTOFieldDefinition
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from keyart.schemas import strict
from keyart.services.api.problems import BadRequest

T = TypeVar("T")
MAX_BODY = 2_000_000
JSON_TYPE = "application/json"


async def declared(request: Request[Any, Any, Any]) -> None:
    """Let in what has a body that is declared as JSON; goes before every handler with a body.

    Raises
    ------
    BadRequest
        The body is not declared as JSON.
    Refused
        There is none.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    # a page of another site can post any other type, or none, without asking leave first
    if kind != JSON_TYPE:
        said = f"the body is declared as {kind!r}" if kind else "the body has no Content-Type"
        raise BadRequest(f"{said[:200]}; send application/json", status=415)
    if not await request.body():
        # Litestar asks no one for a body that is empty
        raise strict.Refused([strict.Fault("$", "Input data was truncated")])


class Strict(AbstractDTO[T]):
    """Decodes one kind of body; made as `Strict[Kind]`."""

    def decode_bytes(self, value: bytes) -> Any:
        """Return the body.

        Raises
        ------
        BadRequest
            It is too large.
        Refused
            It is not what it should be; names the place.
        """
        return decoded(value, self.model_type)

    @classmethod
    def generate_field_definitions(
        cls, model_type: type[Any]
    ) -> Generator[DTOFieldDefinition, None, None]:
        """Yield nothing: the kind is taken as it is."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """Return that nothing is taken apart."""
        return False

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: Any = None
    ) -> None:
        """Make no model of Litestar's own: msgspec reads the kind itself."""

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Reference | Schema:
        """Return the schema of the kind."""
        found: Reference | Schema = schema_creator.for_field_definition(field_definition)
        return found


def decoded(data: bytes, kind: type[T]) -> T:
    """Return a body as one of this kind.

    Raises
    ------
    BadRequest
        It is too large.
    Refused
        It is not what it should be; names the place.
    """
    if len(data) > MAX_BODY:
        raise BadRequest(f"the body is over {MAX_BODY} bytes", status=413)
    try:
        found: T = _decoders(kind).decode(data)
        return found
    except msgspec.ValidationError as wrong:
        raise strict.Refused(_said_better(data, kind) or [strict.plain(wrong)]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise strict.Refused([strict.plain(wrong)]) from None


_decoders: Final[Callable[[Any], "msgspec.json.Decoder[Any]"]] = lru_cache(msgspec.json.Decoder)


def _said_better(data: bytes, kind: Any) -> list[strict.Fault]:
    """Return the unknown fields with the names that were probably meant, if that is wrong."""
    try:
        return strict.wrong(msgspec.json.decode(data), kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
