"""What a model expects of a title's artworks before anybody has looked."""

from msgspec import Struct

PRIOR_VERSION = 1


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
