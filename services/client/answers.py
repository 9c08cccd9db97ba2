"""What keyart answers, typed; fields that a newer keyart adds are passed over."""

from collections.abc import Iterator

from msgspec import Struct


class Choice(Struct, frozen=True, kw_only=True):
    """One decision: which artwork of a title to show.

    `id` is what events cite; it is "" where no decision was made because keyart was away: then
    nothing can be learned of the artwork, and what the viewer does teaches taste alone.
    """

    title: str
    artwork: str
    id: str = ""
    image: str = ""
    propensity: float = 1.0
    explored: bool = False
    why: str = ""
    kept: bool = False
    rule: str = ""


class Page(Struct, frozen=True, kw_only=True):
    """The decisions for one viewer, in the order of the titles asked for.

    `unknown` are the titles that keyart has nothing to choose for. `away` says why keyart did not
    answer, and is "" when it did: then the artworks are the defaults that the client was given, and
    `unknown` are the titles without one.
    """

    decisions: tuple[Choice, ...]
    viewer: str = ""
    surface: str = "home"
    policy: str = ""
    degraded: str = ""
    unknown: tuple[str, ...] = ()
    away: str = ""

    def __iter__(self) -> Iterator[Choice]:
        """Go through the decisions."""
        return iter(self.decisions)

    def __len__(self) -> int:
        """Return how many decisions there are."""
        return len(self.decisions)

    def __getitem__(self, title: str) -> Choice:
        """Return the decision for a title; KeyError when there is none."""
        for choice in self.decisions:
            if choice.title == title:
                return choice
        raise KeyError(title)


class Accepted(Struct, frozen=True, kw_only=True):
    """How many events are in keyart's log now."""

    accepted: int


class Fault(Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a request, and its place: `$.events[3].minutes`."""

    where: str = ""
    what: str = ""


class Problem(Struct, frozen=True, kw_only=True):
    """An error as keyart words it (RFC 9457)."""

    title: str = ""
    detail: str = ""
    faults: tuple[Fault, ...] = ()
    request_id: str = ""
