"""Decisions, as callers ask for them."""

from typing import Annotated

from litestar import post
from litestar.params import Body
from msgspec import Meta, Struct, structs

from keyart.models.decide.index import ServingIndex
from keyart.models.decide.rules import NOBODY
from keyart.schemas.context import GivenContext
from keyart.schemas.decisions import MAX_TITLES
from keyart.schemas.errors import InvalidRecord, NotFound, StoreAway
from keyart.schemas.ids import GivenName, GivenViewer, ViewerKey, pseudonym
from keyart.schemas.rules import Selection
from keyart.schemas.slates import Slate
from keyart.services.api import examples
from keyart.services.api.answers import Answer
from keyart.services.api.bodies import Strict, declared
from keyart.services.api.problems import BadRequest, Fault, said
from keyart.services.api.state import ApiState, Keyart

MAX_FAULTS = 100
TRIES = 3


class DecisionsRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One viewer, a surface, and the titles to choose for; `why` false leaves the sentences out.

    `context` says in what situation: up to 32 values such as device, country or hour; none has to
    be declared. It is logged as it is given, and goes when the viewer is erased. Send nothing that
    names a person: no ids, addresses or exact places, nor what nobody may be sorted by.

    `allow` and `deny` say which artworks may be chosen in this request, by id or by attribute.

    `slate` keeps pictures of one row apart: no two are more alike than it says, by the attributes
    that it names, nor nearer than its `cosine` by the vectors of what they show.

    `positions` says where on the page each title stands, 1 for the first; they stand in their
    order, from 1, unless it does. What comes of a picture is counted by where it was.
    """

    viewer: GivenViewer
    titles: Annotated[tuple[GivenName, ...], Meta(min_length=1, max_length=MAX_TITLES)]
    surface: GivenName = "home"
    why: bool = True
    context: GivenContext = {}
    allow: Selection | None = None
    deny: Selection | None = None
    slate: Slate | None = None
    positions: (
        Annotated[
            tuple[Annotated[int, Meta(ge=1, le=255)], ...],
            Meta(min_length=1, max_length=MAX_TITLES),
        ]
        | None
    ) = None


@post(
    "/v1/decisions",
    opt={"scopes": ("decide",)},
    summary="Choose artworks for a viewer",
    tags=["decisions"],
    operation_id="choose_artworks",
    status_code=200,
    responses=said(404),
    before_request=declared,
    dto=Strict[DecisionsRequest],
    return_dto=None,
)
async def decide(
    data: Annotated[DecisionsRequest, Body(examples=examples.DECISIONS)], keyart: Keyart
) -> Answer:
    """Choose an artwork for each of up to 200 titles, for one viewer on one surface.

    A title that is not known, or has nothing left to choose, is listed in `unknown` and the others
    are answered; when none is known the answer is 404.
    """
    if not keyart.snapshots.loaded:
        raise StoreAway("titles and beliefs have not been read yet")
    if len(set(data.titles)) < len(data.titles):
        raise InvalidRecord("a title stands twice", "$.titles")
    if data.positions is not None and len(data.positions) != len(data.titles):
        raise InvalidRecord("must be one for each title", "$.positions")
    viewer = pseudonym(data.viewer, keyart.keys.current)
    for output in await keyart.rotation.adoptions([data.viewer], keyart.clock()):
        keyart.recorder.record(output)
    return await _choose(keyart, viewer, data)


async def _choose(keyart: ApiState, viewer: ViewerKey, asked: DecisionsRequest) -> Answer:
    positions = asked.positions or range(1, 1 + len(asked.titles))
    stands = dict(zip(asked.titles, positions, strict=True))
    for _ in range(TRIES):
        known, unknown = _split(asked.titles, keyart.snapshots.index)
        if not known:
            break
        try:
            answer: Answer = await keyart.chooser.choose(
                viewer,
                asked.surface,
                known,
                why=asked.why,
                context=asked.context,
                allow=asked.allow or NOBODY,
                deny=asked.deny or NOBODY,
                slate=asked.slate,
                positions=[stands[title] for title in known],
            )
        except NotFound:
            # withdrawn a moment ago: the index is brought up to date beside the requests
            continue
        return structs.replace(answer, unknown=(*unknown, *answer.unknown)) if unknown else answer
    faults = tuple(
        Fault(where=f"$.titles[{at}]", what=f"no title {title!r} with an artwork to choose")
        for at, title in enumerate(asked.titles)
    )
    raise BadRequest("none of these titles is known", faults[:MAX_FAULTS], status=404)


def _split(titles: tuple[str, ...], index: ServingIndex) -> tuple[tuple[str, ...], tuple[str, ...]]:
    unknown = tuple([title for title in titles if title not in index])
    if not unknown:
        return titles, ()
    return tuple([title for title in titles if title in index]), unknown
