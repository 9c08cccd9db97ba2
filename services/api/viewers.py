"""A viewer's own data: read it in words and numbers, correct it, have it erased."""

import uuid
from typing import Annotated, Any

from litestar import delete, get, patch
from litestar.params import Body, PathParameter
from msgspec import Meta, Struct, structs

from keyart.models.serendipity.advice.interests import interests_of
from keyart.models.serendipity.advice.plan import proposals_of
from keyart.models.serendipity.advice.words import why_proposed
from keyart.schemas import codec
from keyart.schemas.errors import InvalidRecord, NotFound
from keyart.schemas.events import MAX_DECLINED, ClusterName, ConceptWeight, Correction, Erasure
from keyart.schemas.explored import unpack_explored
from keyart.schemas.ids import GivenName, ViewerKey, pseudonym
from keyart.schemas.taste import INTERESTS, NO_CONCEPT, TasteArray, empty_tastes
from keyart.schemas.topics import EVENTS
from keyart.services.api import examples
from keyart.services.api.bodies import Strict, declared
from keyart.services.api.problems import said
from keyart.services.api.state import ApiState, Keyart
from keyart.streams.ports import Output
from keyart.streams.reading import usable_taste
from keyart.streams.steps.explored import marks_of

NAMES_EACH = 3
MOST_PROPOSED = 5
Viewer = Annotated[str, PathParameter(max_length=256)]


class ConceptView(Struct, frozen=True, kw_only=True):
    """A named interest with its weight, -1 to 1; `corrected` when the viewer set it."""

    name: str
    weight: float
    corrected: bool


class InterestView(Struct, frozen=True, kw_only=True):
    """A direction of taste: its mass, and the named interests that it is closest to."""

    kind: str
    mass: float
    about: tuple[str, ...]
    vector: tuple[float, ...]


class ExploredView(Struct, frozen=True, kw_only=True):
    """An interest cluster that the viewer has explored, and how many of its titles they took."""

    cluster: str
    titles: int


class ProposedView(Struct, frozen=True, kw_only=True):
    """An interest cluster that would be proposed to the viewer now, and one sentence why."""

    cluster: str
    why: str


class TasteView(Struct, frozen=True, kw_only=True):
    """All that is kept of a viewer, in words and in numbers.

    `explored`, the one entered first first, `proposed`, the best first, and `declined` are in the
    words of the table of proposals; without one they are empty.
    """

    viewer: str
    space: str
    events: int
    last_event_ms: int
    summary: str
    concepts: tuple[ConceptView, ...]
    interests: tuple[InterestView, ...]
    explored: tuple[ExploredView, ...] = ()
    proposed: tuple[ProposedView, ...] = ()
    declined: tuple[str, ...] = ()


class CorrectionRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Named interests with the weight the viewer gives them; `reset` forgets the rest first.

    `declined` are clusters of `/v1/serendipity`, by name, of which the viewer wants nothing
    proposed; `allowed` takes that back.
    """

    concepts: Annotated[dict[GivenName, ConceptWeight], Meta(max_length=32)] = {}
    reset: bool = False
    declined: Annotated[tuple[ClusterName, ...], Meta(max_length=MAX_DECLINED)] = ()
    allowed: Annotated[tuple[ClusterName, ...], Meta(max_length=MAX_DECLINED)] = ()


class Taken(Struct, frozen=True, kw_only=True):
    """What was asked for is in the log; `note` says when it is done everywhere."""

    viewer: str
    note: str


@get(
    "/v1/viewers/{viewer:str}",
    summary="Read what is kept of a viewer",
    tags=["viewers"],
    operation_id="get_viewer",
    responses=said(404),
)
async def get_viewer(viewer: Viewer, keyart: Keyart) -> TasteView:
    """Return what is kept of a viewer."""
    key, held = await keyart.rotation.taste(viewer)
    space = keyart.titles.space.identity
    taste, ways = usable_taste(held, space), await _ways(key, keyart)
    if taste is None and not any(ways.values()):
        raise NotFound("nothing is kept of this viewer")
    view = taste_view(key, empty_tastes(1, space) if taste is None else taste, keyart)
    return structs.replace(view, **ways)


async def _ways(key: ViewerKey, keyart: ApiState) -> dict[str, Any]:
    """Return what a viewer explored and declined, and what comes next, by field of `TasteView`."""
    atlas = keyart.advisor.atlas
    if atlas is None:
        return {}
    try:
        marks = unpack_explored(await keyart.tastes.read_explored(key))
    except InvalidRecord:
        marks = {}  # its lane sets it aside
    found = interests_of(keyart.advisor.with_said(key, marks), atlas)
    explored = zip(found.explored, found.depths, strict=True)
    proposed = [
        each
        for each in proposals_of(atlas.table, found.explored, found.depths)
        if each not in found.declined and len(atlas.rows[each])
    ]
    return {
        "explored": tuple(
            ExploredView(cluster=atlas.names[at], titles=depth) for at, depth in explored
        ),
        "proposed": tuple(
            ProposedView(cluster=atlas.names[at], why=why_proposed(at, atlas, found))
            for at in proposed[:MOST_PROPOSED]
        ),
        "declined": tuple(atlas.names[at] for at in sorted(found.declined)),
    }


@patch(
    "/v1/viewers/{viewer:str}",
    summary="Correct a viewer's taste",
    tags=["viewers"],
    operation_id="correct_viewer",
    status_code=202,
    before_request=declared,
    dto=Strict[CorrectionRequest],
    return_dto=None,
)
async def correct_viewer(
    data: Annotated[CorrectionRequest, Body(examples=examples.CORRECTION)],
    viewer: Viewer,
    keyart: Keyart,
) -> Taken:
    """Take a viewer's own word on their taste, and on what is proposed to them.

    What they decline is not proposed any more from the moment this answers; other api processes
    follow within seconds.
    """
    if not (data.concepts or data.reset or data.declined or data.allowed):
        raise InvalidRecord("nothing to correct", "$.concepts")
    for name in data.concepts:
        if keyart.titles.view.concept(name) is None:
            raise InvalidRecord(f"no interest is called {name!r}", f"$.concepts.{name}")
    check_clusters(keyart, data)
    key = pseudonym(viewer, keyart.keys.current)
    event = Correction(
        id=uuid.uuid4().hex,
        viewer=key,
        occurred_at_ms=keyart.clock(),
        concepts=data.concepts,
        reset=data.reset,
        declined=data.declined,
        allowed=data.allowed,
    )
    moved = await keyart.rotation.adoptions([viewer], keyart.clock())
    await keyart.log.append([*moved, Output(EVENTS, key, codec.encode(event))])
    if data.declined or data.allowed:
        keyart.advisor.say(key, marks_of(event))
    return Taken(viewer=key, note="the taste follows within seconds")


def check_clusters(keyart: ApiState, data: CorrectionRequest) -> None:
    """See that the clusters are known, and that none is both declined and allowed.

    Raises
    ------
    InvalidRecord
        Names the place.
    """
    if not (data.declined or data.allowed):
        return
    atlas = keyart.advisor.atlas
    names = set() if atlas is None else {*atlas.names}
    for field, clusters in (("declined", data.declined), ("allowed", data.allowed)):
        for at, name in enumerate(clusters):
            if name not in names:
                raise InvalidRecord(f"no cluster is called {name!r}", f"$.{field}[{at}]")
            if field == "allowed" and name in data.declined:
                raise InvalidRecord("is declined too", f"$.allowed[{at}]")


@delete(
    "/v1/viewers/{viewer:str}",
    summary="Erase a viewer",
    tags=["viewers"],
    operation_id="erase_viewer",
    status_code=202,
)
async def erase_viewer(viewer: Viewer, keyart: Keyart) -> Taken:
    """Erase a viewer: the taste at once, log and archive by the next round of archiving."""
    key = pseudonym(viewer, keyart.keys.current)
    if (before := keyart.rotation.before(viewer)) is not None:
        await _erase(before, keyart)
    await _erase(key, keyart)
    return Taken(
        viewer=key, note="state is gone; log and archive follow with the next round of archiving"
    )


async def _erase(key: ViewerKey, keyart: ApiState) -> None:
    event = Erasure(id=uuid.uuid4().hex, viewer=key, occurred_at_ms=keyart.clock())
    (offset,) = await keyart.log.append([Output(EVENTS, key, codec.encode(event))])
    await keyart.in_thread(keyart.erasures.add, key, offset)
    await keyart.in_thread(keyart.erasures.forget_now, key)
    keyart.chooser.forget(key)
    keyart.advisor.forget(key)


def taste_view(viewer: ViewerKey, taste: TasteArray, keyart: ApiState) -> TasteView:
    """Return one taste, shape (1,), in words and numbers."""
    one, names = taste[0], keyart.titles.view.names
    concepts = sorted(
        (
            ConceptView(
                name=names.names[concept], weight=round(float(weight), 3), corrected=bool(own)
            )
            for concept, weight, own in zip(
                one["concepts"], one["concept_weights"], one["corrected"], strict=True
            )
            if concept != NO_CONCEPT
        ),
        key=lambda each: -each.weight,
    )
    directions = [
        ("long-term", one["interest_weights"][at], one["interests"][at]) for at in range(INTERESTS)
    ]
    directions += [("short-term", one["short_weight"], one["short"])]
    directions += [("rejected", one["negative_weight"], one["negative"])]
    interests = tuple(
        InterestView(
            kind=kind,
            mass=round(float(mass), 3),
            about=tuple(name for name, _ in names.nearest(vector, NAMES_EACH)),
            vector=tuple(round(float(value), 4) for value in vector),
        )
        for kind, mass, vector in directions
        if mass > 0
    )
    return TasteView(
        viewer=viewer,
        space=keyart.titles.space.identity,
        events=int(one["events"]),
        last_event_ms=int(one["last_event_ms"]),
        summary=summary(concepts),
        concepts=tuple(concepts),
        interests=interests,
    )


def summary(concepts: list[ConceptView]) -> str:
    """Return the named interests as one sentence."""
    likes = [each.name for each in concepts if each.weight > 0]
    less = [each.name for each in concepts if each.weight < 0]
    said = [f"likes {', '.join(likes)}"] if likes else []
    said += [f"wants less of {', '.join(less)}"] if less else []
    return (
        f"This viewer {' and '.join(said)}." if said else "Nothing can be said of this viewer yet."
    )
