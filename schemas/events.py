"""What viewers do: the impression, the engagements, and a viewer's own corrections.

On the wire each is a JSON object with a `type`; unknown fields are ignored, so that a producer may
be newer than a reader. `viewer` is the pseudonym: the api replaces the site's own id first.
`caller` is the name of the key that an event came with, which the api writes and nobody may send.
"""

from typing import Annotated

from msgspec import Meta, Struct

from keyart.schemas.ids import CallerName, LoggedName, Millis, PseudonymField

EVENT_VERSION = 1
MAX_TASTE_BYTES = 4096
MAX_DECLINED = 16
MAX_PROPOSED = 50
ClusterName = Annotated[str, Meta(min_length=1, max_length=512)]
"""An interest cluster by name, as the table that serves calls it."""
Minutes = Annotated[float, Meta(ge=0.0, le=1440.0)]
ConceptWeight = Annotated[float, Meta(ge=-1.0, le=1.0)]


class _Event(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    id: LoggedName
    viewer: PseudonymField
    occurred_at_ms: Millis
    version: Annotated[int, Meta(ge=1)] = EVENT_VERSION


class AboutTitle(_Event, frozen=True, kw_only=True):
    """What every `TitleEvent` says; one class is asked for faster than a union of six."""

    title: LoggedName
    artwork: LoggedName | None = None
    decision: LoggedName | None = None
    surface: LoggedName = "home"
    caller: CallerName = ""


class Engaging(AboutTitle, frozen=True, kw_only=True):
    """What every `Engagement` says."""


class Impression(AboutTitle, frozen=True, kw_only=True, tag="impression"):
    """The artwork was really on screen. Without one a decision teaches nothing."""


class Click(Engaging, frozen=True, kw_only=True, tag="click"):
    """The viewer opened the title from this artwork."""


class Play(Engaging, frozen=True, kw_only=True, tag="play"):
    """The viewer played the title for `minutes`; repeated plays of one decision add up."""

    minutes: Minutes


class Finish(Engaging, frozen=True, kw_only=True, tag="finish"):
    """The viewer played the title to its end."""


class Like(Engaging, frozen=True, kw_only=True, tag="like"):
    """The viewer said that the title is good."""


class Hide(Engaging, frozen=True, kw_only=True, tag="hide"):
    """The viewer wants to see less of this."""


class Correction(_Event, frozen=True, kw_only=True, tag="correction"):
    """The viewer's own word on their taste: concept name to weight; 0 clears, negative rejects.

    `declined` are clusters of which nothing is to be proposed, `allowed` those that may be again.
    """

    concepts: Annotated[dict[LoggedName, ConceptWeight], Meta(max_length=32)]
    reset: bool = False
    declined: Annotated[tuple[ClusterName, ...], Meta(max_length=MAX_DECLINED)] = ()
    allowed: Annotated[tuple[ClusterName, ...], Meta(max_length=MAX_DECLINED)] = ()


class Adoption(_Event, frozen=True, kw_only=True, tag="adoption"):
    """What a viewer had under the viewer key before this one: taste, and what was explored.

    See `TasteArray` and `schemas/explored.py`.
    """

    taste: Annotated[bytes, Meta(max_length=MAX_TASTE_BYTES)]
    explored: Annotated[bytes, Meta(max_length=MAX_TASTE_BYTES)] = b""


class ProposedTitle(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One place of a page of proposals.

    `propensity` is the probability of this title at this place, given the places before it.
    `cluster` is its own; `new` says that the viewer had not explored it, `proposed` that it has its
    place for that, `explored` that it was drawn at random. Before there was `new`, what was not
    proposed was of clusters explored.
    """

    title: LoggedName
    cluster: ClusterName
    propensity: Annotated[float, Meta(gt=0.0, le=1.0)]
    proposed: bool = True
    explored: bool = False
    new: bool = False


class Proposed(_Event, frozen=True, kw_only=True, tag="proposed"):
    """What was proposed to a viewer, in order of places, and by what: logged to be judged by.

    `table` names the table of proposals, `dose` the share of places that proposals had, `random`
    the share of those that was drawn at random. `grounding` is by what titles were taken from their
    clusters, `taste` or `ials`; keyart once knew taste alone, and wrote none.
    """

    surface: LoggedName
    table: Annotated[str, Meta(max_length=128)]
    titles: Annotated[tuple[ProposedTitle, ...], Meta(max_length=MAX_PROPOSED)]
    dose: Annotated[float, Meta(ge=0.0, le=1.0)]
    random: Annotated[float, Meta(ge=0.0, le=1.0)]
    grounding: Annotated[str, Meta(max_length=16)] = ""


class Erasure(_Event, frozen=True, kw_only=True, tag="erasure"):
    """Forget this viewer. What is logged before it is removed from state, log and archive."""


Engagement = Click | Play | Finish | Like | Hide
TitleEvent = Impression | Engagement
Event = (
    Impression | Click | Play | Finish | Like | Hide | Correction | Adoption | Proposed | Erasure
)
