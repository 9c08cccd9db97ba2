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


class Proposal(Struct, frozen=True, kw_only=True):
    """A title for a place of the page, why it is there, and the picture to show for it.

    `proposed`: the viewer has not explored its cluster. `propensity` is that of this title at this
    place; the picture is a decision of its own, whose id the events of the title cite.
    """

    title: str
    picture: Choice
    cluster: str = ""
    proposed: bool = True
    explored: bool = False
    propensity: float = 1.0
    why: str = ""


class Proposals(Struct, frozen=True, kw_only=True):
    """Titles that a viewer would not have looked for, in the order of their places.

    There may be fewer than were asked for: `note` says why keyart proposes none, and `away` why it
    did not answer, or has no table yet. Then show what the page shows anyway.
    """

    titles: tuple[Proposal, ...]
    id: str = ""
    viewer: str = ""
    surface: str = "home"
    table: str = ""
    dose: float = 0.0
    note: str = ""
    unknown: tuple[str, ...] = ()
    away: str = ""

    def __iter__(self) -> Iterator[Proposal]:
        """Go through the titles."""
        return iter(self.titles)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.titles)


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
