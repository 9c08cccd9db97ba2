"""The join's view of the viewers in a batch: read once, changed in memory, written at the end."""

from collections.abc import Sequence
from typing import Final

from keyart.models.bandits.uniforms import place_number
from keyart.schemas import codec
from keyart.schemas.assigned import (
    MARK_BYTES,
    MAX_ASSIGNED,
    MAX_PAGES,
    Assigned,
    mark,
    pack_assigned,
    unpack_assigned,
)
from keyart.schemas.decisions import Decision
from keyart.schemas.events import TitleEvent
from keyart.schemas.ids import is_decision_id
from keyart.schemas.rewards import Reward
from keyart.streams.families import ASSIGNED, PAGES, VISITS, WINDOWS
from keyart.streams.steps.due import Due
from keyart.streams.steps.effects import Held
from keyart.streams.steps.join.logged import (
    MAX_EARLY,
    MAX_UNASKED,
    Early,
    Logged,
    is_unasked,
)
from keyart.streams.steps.join.rules import (
    SERVERS_APART_MS,
    JoinRules,
)
from keyart.streams.steps.join.state import (
    PageState,
    Visit,
    Window,
    pack_due,
    page_key,
    unpack_due,
    window_key,
)

PAGE_NUMBERS: Final = 1 << 16


class Viewer:
    """One viewer in a batch: what was assigned, and what the join keeps beside it.

    Parameters
    ----------
    key
        The pseudonym.
    held
        State as read.
    """

    def __init__(self, key: str, held: Held) -> None:
        self.key = key
        self._held = held
        stored = held.get((VISITS, key))
        self.visit = Visit() if stored is None else unpack_due(stored, Visit)
        self.assigned = unpack_assigned(held.get((ASSIGNED, key)))
        self.windows: dict[str, Window | None] = {}
        self.pages: dict[int, bytes | None] = {}
        self._before = (stored, self.assigned)
        self._came: set[str] = set()
        self._unasked: int | None = None
        self._told = self.visit.due_ms if stored is not None else None

    def waits(self, event: TitleEvent) -> bool:
        """Return whether an event of this id waits already for the same decision."""
        stored, _ = self._before
        # a text within other bytes may be there by chance; where it is not, that is not it
        if event.id not in self._came and (stored is None or codec.pack(event.id) not in stored):
            return False
        # as in windows, where ids are compared within one decision
        what = _waits_for(event)
        return any(_waits_for(each.logged.event) == what for each in self.visit.early)

    def may_wait(self, event: TitleEvent) -> bool:
        """Return whether there is room for one more event that waits.

        What nobody asked about never takes the room of what belongs to a page: a whole page and
        its plays may come before its decision, from a viewer whose past plays are being loaded.
        """
        early = self.visit.early
        if len(early) < MAX_UNASKED:
            return True
        if not is_unasked(event):
            return len(early) < MAX_EARLY
        if self._unasked is None:
            self._unasked = sum(is_unasked(each.logged.event) for each in early)
        return len(early) < MAX_EARLY and self._unasked < MAX_UNASKED

    def wait(self, logged: Logged) -> None:
        """Let an event wait for its decision."""
        self._came.add(logged.event.id)
        self.visit.early.append(Early.of(logged))
        if self._unasked is not None:
            self._unasked += is_unasked(logged.event)

    def keep_waiting(self, early: list[Early]) -> list[Early]:
        """Let these wait in place of those that did; return those."""
        before, self.visit.early = self.visit.early, early
        self._unasked = None
        return before

    def resolve(self, logged: Logged, rules: JoinRules) -> int | None:
        """Return the index of the decision that an event belongs to, None when it is not known.

        By the id that it cites, or the latest for its title, surface and, if given, artwork that
        was decided before the log had the event; and whose life was not over then.
        """
        event, assigned = logged.event, self.assigned
        if not len(assigned):
            return None
        if event.decision is not None:
            at = assigned.find(event.decision) if is_decision_id(event.decision) else None
            found = [] if at is None else [at]
        else:
            found = self._about(event)
            if logged.logged_at_ms:
                latest = logged.logged_at_ms + SERVERS_APART_MS
                found = [each for each in found if assigned.decided_at(each) <= latest]
        if not found:
            return None
        over = assigned.decided_at(found[-1]) + rules.life_ms
        return found[-1] if logged.received_at_ms <= over else None

    def _about(self, event: TitleEvent) -> list[int]:
        """Return the decisions for an event's title on its surface, those of its artwork if any."""
        place = place_number(event.title, event.surface)
        return self.assigned.about(place, None if event.artwork is None else mark(event.artwork))

    def id_at(self, at: int, event: TitleEvent | None = None) -> str:
        """Return the id of an entry, which an event that belongs to it may have cited."""
        if event is not None and event.decision is not None:
            return event.decision
        return self.assigned.id_at(at)

    def page_of(self, at: int) -> PageState | None:
        """Return the page on which an entry stands."""
        number = self.assigned.number_at(at)
        for page in reversed(self.visit.pages):
            if page.number == number:
                return page
        return None

    def window(self, decision: str) -> Window | None:
        """Return the open window of a decision."""
        if decision not in self.windows:
            stored = self._held.get((WINDOWS, window_key(self.key, decision)))
            self.windows[decision] = None if stored is None else unpack_due(stored, Window)
        return self.windows[decision]

    def page(self, number: int) -> bytes | None:
        """Return the record of a page."""
        if number not in self.pages:
            return self._held.get((PAGES, page_key(self.key, number)))
        return self.pages[number]

    def new(self, decisions: Sequence[Decision]) -> list[int]:
        """Return the places of those decisions that were not taken in before."""
        found = {each.id: at for at, each in reversed(list(enumerate(decisions)))}
        if len(self.assigned):
            found = {id: at for id, at in found.items() if self.assigned.find(id) is None}
        return sorted(found.values())

    @property
    def room(self) -> int:
        """How many more decisions may be taken in with a page."""
        if len(self.visit.pages) >= MAX_PAGES:
            return 0
        return max(0, MAX_ASSIGNED - len(self.assigned))

    def assign(
        self,
        decisions: Sequence[Decision | Reward],
        surface: str,
        record: bytes,
        *,
        decided_at_ms: int,
        policy: str,
        due_ms: int,
    ) -> int:
        """Take in the decisions of a page, return its number.

        There is room for them, and none was here before.
        """
        used = {page.number for page in self.visit.pages}
        number = self.visit.next_page
        while number in used:
            number = (number + 1) % PAGE_NUMBERS
        self.visit.next_page = (number + 1) % PAGE_NUMBERS
        places = [place_number(each.title, surface) for each in decisions]
        self.assigned = self.assigned.with_page(
            decisions, places, number=number, decided_at_ms=decided_at_ms, policy=policy
        )
        self.visit.pages.append(PageState(number, due_ms))
        self.pages[number] = record
        return number

    def keep_page(self, at: int, until_ms: int, *, seen: bool) -> None:
        """Keep the page of a decision until its window is closed; note whether it was seen."""
        page = self.page_of(at)
        if page is not None:
            page.due_ms = max(page.due_ms, until_ms)
            if seen:
                page.seen += self.assigned.mark_at(at)

    def drop_pages(self, now_ms: int) -> int:
        """Drop the pages whose time is over; return how many of their decisions nobody saw."""
        over = [page for page in self.visit.pages if page.due_ms <= now_ms]
        if not over:
            return 0
        before = len(self.assigned)
        self.assigned = self.assigned.without([page.number for page in over])
        seen = sum(len(page.seen) // MARK_BYTES for page in over)
        for page in over:
            self.pages[page.number] = None
        self.visit.pages = [page for page in self.visit.pages if page.due_ms > now_ms]
        return before - len(self.assigned) - seen

    def forget(self) -> list[Window]:
        """Drop all that is kept of the viewer; return the windows that were open."""
        for page in self.visit.pages:
            self.pages[page.number] = None
        ids = [self.id_at(at) for at in range(len(self.assigned))]
        found = [window for each in ids if (window := self.window(each)) is not None]
        self.windows.update(dict.fromkeys([*ids, *self.windows]))
        self.visit, self.assigned = Visit(), Assigned()
        return found

    def puts(self, rules: JoinRules) -> tuple[dict[tuple[str, str], bytes | None], list[Due]]:
        """Return what changed, and when something of the viewer is over, where that moved."""
        puts: dict[tuple[str, str], bytes | None] = {}
        for decision, window in self.windows.items():
            where = (WINDOWS, window_key(self.key, decision))
            value = None if window is None else pack_due(window)
            if value != self._held.get(where):
                puts[where] = value
        for number, record in self.pages.items():
            puts[PAGES, page_key(self.key, number)] = record
        stored, assigned = self._before
        until = self.visit.until(rules)
        self.visit.due_ms = 0 if until is None else until
        value = None if until is None else pack_due(self.visit)
        if value != stored:
            puts[VISITS, self.key] = value
        if self.assigned is not assigned:
            kept = pack_assigned(self.assigned) if len(self.assigned) else None
            puts[ASSIGNED, self.key] = kept
        due = []
        if until is not None and until != self._told:
            due.append(Due(until, "", self.key))
        return puts, due


def _waits_for(event: TitleEvent) -> tuple[str, str | None, str]:
    return event.id, event.decision, event.title
