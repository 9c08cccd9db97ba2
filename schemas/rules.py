"""What a site allows: rules of an artwork in the catalogue, and what a request allows or denies."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, field

from keyart.schemas.ids import GivenName, Name

Moment = Annotated[datetime, Meta(tz=True)]
"""A time with its zone, as ISO 8601: `2026-12-24T18:00:00+01:00`."""
Share = Annotated[float, Meta(gt=0.0, le=1.0)]
Value = Annotated[str, Meta(max_length=128)] | float | bool
Values = Annotated[tuple[Value, ...], Meta(min_length=1, max_length=64)]
PINNED, DEFAULT, ALIKE = MARKS = ("pinned", "default", "alike")
"""What a decision may be marked with: the rule that made it, instead of the policy."""
SURFACE = "surface"
"""The name in `only` that means the surface; others mean values of the request's context."""


class Pin(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A campaign: the artwork is shown in this share of choices, from and until these times."""

    share: Share = 1.0
    starts: Moment | None = field(default=None, name="from")
    ends: Moment | None = field(default=None, name="until")


class Least(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The artwork has at least this share of choices until it has so many impressions."""

    share: Share
    impressions: Annotated[float, Meta(gt=0.0, le=1e9)] = 1000.0


class Rules(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When and where an artwork may be chosen, and how often.

    `from` and `until` bound when; `only` says where: by name, "surface" or one of the context, the
    values of which one must hold. `pin`, `least` and `most` bound its share of choices: a pin goes
    before the others, which share what is not pinned.
    """

    starts: Moment | None = field(default=None, name="from")
    ends: Moment | None = field(default=None, name="until")
    only: Annotated[dict[Name, Values], Meta(max_length=16)] = {}
    pin: Pin | None = None
    least: Least | None = None
    most: Share | None = None


class Selection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Artworks by id, or by values of their attributes (`{"rating": ["12", "16"]}`)."""

    artworks: Annotated[tuple[GivenName, ...], Meta(max_length=1000)] = ()
    attributes: Annotated[
        dict[
            GivenName,
            Annotated[
                tuple[Annotated[str, Meta(max_length=500)], ...], Meta(min_length=1, max_length=64)
            ],
        ],
        Meta(max_length=16),
    ] = {}


def fault_of(rules: Rules) -> str:
    """Return what is wrong between the fields of an artwork's rules, "" for nothing."""
    for name, span in (("", rules), ("pin.", rules.pin)):
        if span and span.starts and span.ends and span.starts >= span.ends:
            return f"{name}until is not after {name}from"
    if rules.least and rules.most is not None and rules.least.share > rules.most:
        return "least is above most"
    return ""
