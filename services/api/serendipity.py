"""`POST /v1/serendipity`: which titles to show a viewer that they would not have looked for."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from random import Random, SystemRandom
from typing import Annotated, Final

from litestar import post
from litestar.params import Body
from msgspec import Meta, Struct

from keyart.models.serendipity.advice.atlas import Atlas
from keyart.models.serendipity.advice.grounding import viewer_factors
from keyart.models.serendipity.advice.interests import Interests, interests_of
from keyart.models.serendipity.advice.page import MOST_PLACES, Dose, Place, compose
from keyart.models.serendipity.advice.plan import proposals_of
from keyart.models.serendipity.advice.words import why
from keyart.models.serendipity.grounds import IALS, TASTE
from keyart.models.taste.features import F32, NO_TASTE, TasteVectors, taste_vectors
from keyart.models.taste.update import TasteRates
from keyart.schemas import codec
from keyart.schemas.context import GivenContext
from keyart.schemas.errors import InvalidRecord, NotFound, StoreAway
from keyart.schemas.events import Proposed, ProposedTitle
from keyart.schemas.explored import unpack_explored
from keyart.schemas.ids import GivenName, GivenViewer, ViewerKey, pseudonym
from keyart.schemas.topics import EVENTS
from keyart.services.api import examples
from keyart.services.api.advisor import Advisor
from keyart.services.api.answers import Chosen
from keyart.services.api.bodies import Strict, declared
from keyart.services.api.problems import BadRequest, said
from keyart.services.api.state import ApiState, Keyart
from keyart.streams.ports import ExploredReader, Output
from keyart.streams.reading import usable_taste

MOST_CANDIDATES: Final = 1000
TRIES: Final = 3
NO_TABLE: Final = (
    "there is no table of proposals: make one with `keyart serendipity build {folder} --train DIR`"
)
UNKNOWN: Final = (
    "nothing can be proposed yet: a viewer is known by titles of the table that they played for "
    "two minutes, finished or liked"
)
NOTHING_LEFT: Final = "nothing is left to propose: all was seen, declined or is not among `titles`"
_chance = SystemRandom()


class SerendipityRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One viewer, a surface, and how many titles are wanted.

    `titles`: only these may be taken; without it, every title that has an artwork to choose.
    `context` is for the choice of pictures, as in `/v1/decisions`.
    """

    viewer: GivenViewer
    surface: GivenName = "home"
    count: Annotated[int, Meta(ge=1, le=MOST_PLACES)] = 5
    titles: (
        Annotated[tuple[GivenName, ...], Meta(min_length=1, max_length=MOST_CANDIDATES)] | None
    ) = None
    context: GivenContext = {}


class Advice(Struct, frozen=True, kw_only=True):
    """A title for a place, the picture to show for it, and why it is there.

    `proposed`: it is here because the viewer has not explored its cluster; false: the dose left the
    place to what is closest to them of all, of whatever cluster. `explored`: the cluster was drawn
    at random.
    `propensity` is the probability of this title at this place, given the places before it. `why`
    is one true sentence.
    """

    title: str
    cluster: str
    proposed: bool
    explored: bool
    propensity: float
    why: str
    picture: Chosen


class SerendipityAnswer(Struct, frozen=True, kw_only=True):
    """A page of titles in the order of its places, which may be fewer than were asked for.

    `id` is that of the page's record in the log; `table` is what proposed, `dose` the share of
    places that proposals have here, `grounding` by what titles were taken from their clusters: the
    viewer's factors (`ials`) or their taste (`taste`). `note` says why there are none. `unknown`
    are those of `titles` that have no artwork to choose.
    """

    id: str
    viewer: str
    surface: str
    decided_at_ms: int
    table: str
    dose: float
    titles: tuple[Advice, ...]
    grounding: str = TASTE
    note: str = ""
    unknown: tuple[str, ...] = ()


@post(
    "/v1/serendipity",
    opt={"scopes": ("decide",)},
    summary="Propose titles that a viewer would not have looked for",
    tags=["decisions"],
    operation_id="propose_titles",
    status_code=200,
    responses=said(409),
    before_request=declared,
    dto=Strict[SerendipityRequest],
    return_dto=None,
)
async def propose(
    data: Annotated[SerendipityRequest, Body(examples=examples.SERENDIPITY)], keyart: Keyart
) -> SerendipityAnswer:
    """Propose titles of interest clusters that a viewer has not explored, each with its picture.

    From a table made off line: no request waits for a model. Pictures are chosen and logged as by
    `/v1/decisions`; send the picture's `id` with the events of its title. Without a table the
    answer is 409, and says which command makes one.
    """
    if not keyart.snapshots.loaded:
        raise StoreAway("titles and beliefs have not been read yet")
    if data.titles is not None and len(set(data.titles)) < len(data.titles):
        raise InvalidRecord("a title stands twice", "$.titles")
    atlas = keyart.advisor.atlas
    if atlas is None:
        raise BadRequest(NO_TABLE.format(folder=keyart.advisor.folder), status=409)
    viewer = pseudonym(data.viewer, keyart.keys.current)
    for output in await keyart.rotation.adoptions([data.viewer], keyart.clock()):
        keyart.recorder.record(output)
    interests, taste = await known_of(
        viewer, atlas, keyart.advisor, keyart.tastes, _space(keyart), keyart.rates, keyart.clock()
    )
    dose = Dose(
        share=dose_on(keyart.doses, data.surface), random=keyart.settings.serendipity_explore
    )
    among, unknown = among_of(atlas, data.titles)
    factors = viewer_factors(atlas, interests, keyart.settings.serendipity_grounding)
    page, pictures = await _with_pictures(
        keyart, data, viewer, atlas, interests, taste, dose, among, factors
    )
    note = ""
    if not page:
        note = NOTHING_LEFT if interests.explored else UNKNOWN
    proposed = logged(
        page,
        atlas,
        viewer=viewer,
        surface=data.surface,
        dose=dose,
        grounding=TASTE if factors is None else IALS,
        at_ms=keyart.clock(),
    )
    if page:
        keyart.recorder.record(Output(EVENTS, viewer, codec.encode(proposed)))
    return SerendipityAnswer(
        id=proposed.id,
        viewer=viewer,
        surface=data.surface,
        decided_at_ms=proposed.occurred_at_ms,
        table=proposed.table,
        dose=dose.share,
        titles=tuple(
            Advice(
                title=each.title,
                cluster=each.cluster,
                proposed=each.proposed,
                explored=each.explored,
                propensity=each.propensity,
                why=why(place, atlas, interests),
                picture=pictures[each.title],
            )
            for each, place in zip(proposed.titles, page, strict=True)
        ),
        grounding=proposed.grounding,
        note=note,
        unknown=unknown,
    )


async def known_of(
    viewer: ViewerKey,
    atlas: Atlas,
    advisor: Advisor,
    tastes: ExploredReader,
    space: str,
    rates: TasteRates,
    now_ms: int,
) -> tuple[Interests, TasteVectors]:
    """Return what a viewer has explored and likes, in one round trip to the store.

    Raises
    ------
    StoreAway
        The store did not answer in time: nothing can be left out that is not known.
    """
    record, blob = await asyncio.gather(tastes.read_explored(viewer), tastes.read(viewer))
    try:
        marks = unpack_explored(record)
    except InvalidRecord:
        marks = {}  # its lane sets it aside
    taste = usable_taste(blob, space)
    vectors = NO_TASTE if taste is None else taste_vectors(taste[0], now_ms, rates)
    return interests_of(advisor.with_said(viewer, marks), atlas), vectors


def dose_on(doses: Mapping[str, float], surface: str) -> float:
    """Return the share of a surface's places that proposals have."""
    return doses.get(surface, doses["*"])


def among_of(
    atlas: Atlas, titles: Sequence[str] | None
) -> tuple[list[int] | None, tuple[str, ...]]:
    """Return the rows of the candidates, None for all, and the titles that are not known."""
    if titles is None:
        return None, ()
    rows = [atlas.places[title] for title in titles if title in atlas.places]
    return rows, tuple(title for title in titles if title not in atlas.places)


def logged(
    page: Sequence[Place],
    atlas: Atlas,
    *,
    viewer: ViewerKey,
    surface: str,
    dose: Dose,
    grounding: str,
    at_ms: int,
) -> Proposed:
    """Return the record of a page."""
    return Proposed(
        id=uuid.uuid4().hex,
        viewer=viewer,
        occurred_at_ms=at_ms,
        surface=surface,
        table=atlas.table.identity,
        titles=tuple(
            ProposedTitle(
                title=atlas.titles[each.row],
                cluster=atlas.names[each.cluster],
                propensity=each.propensity,
                proposed=each.proposed,
                explored=each.random,
                new=each.new,
            )
            for each in page
        ),
        dose=dose.share,
        random=dose.random,
        grounding=grounding,
    )


async def _with_pictures(
    keyart: ApiState,
    data: SerendipityRequest,
    viewer: ViewerKey,
    atlas: Atlas,
    interests: Interests,
    taste: TasteVectors,
    dose: Dose,
    among: Sequence[int] | None,
    factors: F32 | None,
    drawn: Random = _chance,
) -> tuple[list[Place], dict[str, Chosen]]:
    """Return a page and the picture of each of its titles; a title withdrawn since is passed over.

    Raises
    ------
    StoreAway
        Titles are withdrawn as fast as they are chosen.
    """
    proposals = proposals_of(atlas.table, interests.explored, interests.depths)
    for _ in range(TRIES):
        page = compose(
            atlas,
            interests,
            proposals,
            taste,
            count=data.count,
            dose=dose,
            drawn=drawn,
            among=among,
            factors=factors,
        )
        if not page:
            return [], {}
        titles = tuple(atlas.titles[each.row] for each in page)
        try:
            answer = await keyart.chooser.choose(viewer, data.surface, titles, context=data.context)
        except NotFound:
            gone = {
                row for row, title in enumerate(atlas.titles) if title not in keyart.snapshots.index
            }
            interests = interests._replace(seen=interests.seen | gone)
            continue
        return page, {each.title: each for each in answer.decisions}
    raise StoreAway("titles are withdrawn while they are chosen")


def _space(keyart: ApiState) -> str:
    return keyart.titles.space.identity
