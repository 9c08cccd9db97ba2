"""What a model expects of a title's artworks before anybody has looked."""

from typing import Annotated

from msgspec import Meta, Struct

from keyart.schemas.taste import TASTE_DIMENSIONS

PRIOR_VERSION = 1
NEUTRAL = "neutral"
"""The name under which no prior serves."""
MAX_SEGMENTS = 256


class Opinion(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A prior's opinion of one title's artworks, for one taste segment ("" is everybody).

    `artworks` and `relative` are parallel; `relative` is the expected take of each on a log scale,
    relative to the title's mean (so it sums to about zero); `strength` says how many impressions
    the opinion is worth (effective sample size).
    """

    title: str
    artworks: tuple[str, ...]
    relative: tuple[float, ...]
    strength: float
    prior: str
    segment: str = ""
    version: int = PRIOR_VERSION


class SegmentCentre(Struct, frozen=True, kw_only=True):
    """A taste segment: viewers whose long-term taste is nearest to this unit vector.

    `centre` is in the leading `TASTE_DIMENSIONS` dimensions of the embedding space.
    """

    name: str
    centre: Annotated[
        tuple[float, ...], Meta(min_length=TASTE_DIMENSIONS, max_length=TASTE_DIMENSIONS)
    ]


class PriorCard(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What has to be known of a prior beside its opinions.

    `space` is the identity of the embedding space in which viewers are meant. `segments` are those
    that it has opinions for, beside everybody. A prior that scores any viewer and artwork has no
    opinions in store: its two ONNX graphs are here instead, with their digest (BLAKE2b, 32 hex
    digits), the power that makes its word for strangers log relative takes, and what that is worth.
    One that was to learn only from what was shown since the world changed is judged by that alone:
    `since_ms`; 0 is all.
    """

    prior: str
    space: str = ""
    segments: Annotated[tuple[SegmentCentre, ...], Meta(max_length=MAX_SEGMENTS)] = ()
    viewer_graph: bytes = b""
    artwork_graph: bytes = b""
    digest: str = ""
    scale: float = 1.0
    strength: float = 0.0
    since_ms: int = 0
    version: int = PRIOR_VERSION
