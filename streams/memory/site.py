"""What a site keeps beside its lanes, in memory: the reference implementation, and for tests."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from keyart.schemas.catalogue import StoredTitle, Title
from keyart.schemas.errors import NotFound
from keyart.schemas.priors import NEUTRAL, Opinion, PriorCard
from keyart.streams.catalogue.upsert import same, shortened, upsert, withdraw
from keyart.streams.eras import Era, Eras, Value, begun
from keyart.streams.ports import Lane
from keyart.streams.site import Note, Registered

CHUNK = 1000


class MemoryCatalogue:
    """Titles in a dictionary; see `Catalogue`. What is put is in force at the time given."""

    def __init__(self) -> None:
        self._titles: dict[str, StoredTitle] = {}
        self._changed: dict[str, int] = {}
        self._version = 0

    def put(self, titles: Sequence[Title], *, now_ms: int) -> list[StoredTitle]:
        """Upsert the titles and return them as stored."""
        found = []
        for title in titles:
            held = self._titles.get(title.id)
            stored = upsert(held, title, now_ms=now_ms, since_ms=now_ms)
            found.append(self._keep(stored))
        return found

    def withdraw(self, title: str, *, now_ms: int) -> StoredTitle:
        """Remove a title from choice; its history stays."""
        return self._keep(withdraw(self.get(title), now_ms=now_ms))

    def apply(self, titles: Iterable[StoredTitle]) -> None:
        """Write titles of the catalogue's log as they are, unless a newer one is held."""
        for title in map(shortened, titles):
            held = self._titles.get(title.id)
            if held is None or held.updated_at_ms <= title.updated_at_ms:
                self._keep(title)

    def _keep(self, title: StoredTitle) -> StoredTitle:
        held = self._titles.get(title.id)
        if held is not None and same(held, title):
            return held
        self._version += 1
        self._titles[title.id], self._changed[title.id] = title, self._version
        return title

    def get(self, title: str) -> StoredTitle:
        """Return one title."""
        if (held := self._titles.get(title)) is None:
            raise NotFound(f"no title {title!r}")
        return held

    def version(self) -> int:
        """Return the version: it grows with each change."""
        return self._version

    def changed(self, since: int) -> tuple[int, list[StoredTitle]]:
        """Return the newest version and the titles that changed after version `since`."""
        since = since if since <= self._version else 0
        names = sorted(self._changed, key=lambda name: self._changed[name])
        found = [name for name in names if self._changed[name] > since]
        newest = self._changed[found[-1]] if found else since
        return newest, [self._titles[name] for name in found]

    def set_aside(self) -> dict[str, str]:
        """Return nothing: what is kept as objects can always be read."""
        return {}

    def count_aside(self) -> int:
        """Return 0, likewise."""
        return 0


class MemoryOpinions:
    """What priors think, in dictionaries; see `Opinions`."""

    def __init__(self) -> None:
        self.current = NEUTRAL
        self._held: dict[str, dict[tuple[str, str], tuple[int, Opinion]]] = {}
        self._cards: dict[str, PriorCard] = {}

    def make_current(self, prior: str) -> None:
        """Let this prior serve from now on."""
        self.current = prior

    def put(self, opinions: Sequence[Opinion]) -> None:
        """Write opinions, each under its own prior, and announce their titles."""
        for prior in {each.prior for each in opinions}:
            held = self._held.setdefault(prior, {})
            version = 1 + self._version(prior)
            for each in opinions:
                if each.prior == prior:
                    held[each.title, each.segment] = version, each

    def _version(self, prior: str) -> int:
        return max((version for version, _ in self._held.get(prior, {}).values()), default=0)

    def changed(self, prior: str, since: int) -> tuple[int, Iterator[list[Opinion]]]:
        """Return the newest version, and in chunks what came after version `since`."""
        newest = self._version(prior)
        since = since if newest >= since else 0
        held = self._held.get(prior, {}).values()
        new = [
            opinion for version, opinion in sorted(held, key=lambda it: it[0]) if version > since
        ]
        return newest, (new[first : first + CHUNK] for first in range(0, len(new), CHUNK))

    def titles(self, prior: str) -> Iterator[Opinion]:
        """Yield all opinions of a prior."""
        yield from [opinion for _, opinion in self._held.get(prior, {}).values()]

    def put_card(self, card: PriorCard) -> None:
        """Write what has to be known of a prior beside its opinions."""
        self._cards[card.prior] = card

    def card(self, prior: str) -> PriorCard:
        """Return the prior's card; one that says nothing when there is none."""
        return self._cards.get(prior, PriorCard(prior=prior))

    def known(self, prior: str) -> bool:
        """Whether anything is kept of a prior of that name."""
        return prior == NEUTRAL or prior in self._cards or bool(self._held.get(prior))

    def drop(self, prior: str) -> None:
        """Forget what a prior thinks."""
        self._held.pop(prior, None)
        self._cards.pop(prior, None)


class MemoryRegister:
    """Notes and erasures in dictionaries; see `Register`."""

    def __init__(self) -> None:
        self._notes: dict[Note, bytes] = {}
        self._erasures: dict[str, Registered] = {}
        self._count = 0
        self._counts: dict[str, Counter[str]] = {}

    def read(self, note: Note) -> bytes | None:
        """Return a note, None when it is not there."""
        return self._notes.get(note)

    def write(self, note: Note, value: bytes) -> None:
        """Write a note."""
        self._notes[note] = value

    def write_once(self, note: Note, value: bytes) -> bytes:
        """Write a note unless it is there; return what is there now."""
        return self._notes.setdefault(note, value)

    def drop(self, note: Note) -> None:
        """Take a note away."""
        self._notes.pop(note, None)

    def add_counts(self, name: str, counts: Mapping[str, int]) -> None:
        """Add to what is counted under this name; nothing is forgotten."""
        self._counts.setdefault(name, Counter()).update(counts)

    def counts(self, name: str) -> dict[str, int]:
        """Return what was counted under this name."""
        return dict(self._counts.get(name, {}))

    def add_erasure(self, viewer: str, offset: str, *, until_ms: int) -> None:
        """Note that a viewer's erasure stands at this offset, or `AGAIN`."""
        self._erasures[viewer] = Registered(offset, until_ms)

    def erasures(self) -> dict[str, Registered]:
        """Return all erasures that are not finished, by viewer."""
        return dict(self._erasures)

    def finish_erasures(self, viewers: Collection[str]) -> None:
        """Take these viewers off, and note `REWRITE`."""
        for viewer in viewers:
            self._erasures.pop(viewer, None)
        if viewers:
            self.write(Note.REWRITE, b"1")

    def count_erasure(self) -> None:
        """Count one more viewer whose state was deleted."""
        self._count += 1

    def erasure_count(self) -> int:
        """Return how many there were."""
        return self._count


class MemoryMadeWith:
    """The eras of all lanes in a dictionary; see `MadeWith`."""

    def __init__(self) -> None:
        self._eras: dict[Lane, Eras] = {}

    def read(self, lane: Lane) -> Eras:
        """Return a lane's eras; none if they were never kept."""
        return self._eras.get(lane, Eras())

    def begin(
        self, lane: Lane, settings: Mapping[str, Value], offsets: Mapping[str, str], *, at_ms: int
    ) -> bool:
        """Note what the lane's owner reads with from here on; return whether that is new."""
        held = self.read(lane)
        after = begun(held, Era(settings=dict(settings), offsets=dict(offsets), at_ms=at_ms))
        self._eras[lane] = after
        return after != held and bool(offsets and held.eras)

    def forget(self, lane: Lane) -> None:
        """Forget a lane's eras: its state is made anew."""
        self._eras.pop(lane, None)
