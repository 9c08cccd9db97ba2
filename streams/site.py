"""Ports for what a site keeps beside its lanes: titles, opinions, and notes about itself.

Each is kept in memory and on Valkey, and one suite of tests holds both to the same behaviour.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

from keyart.schemas.catalogue import StoredTitle, Title
from keyart.schemas.priors import Opinion, PriorCard
from keyart.streams.eras import Eras, Value
from keyart.streams.ports import Lane
from keyart.streams.room import Room


class Catalogue(Protocol):
    """Titles by id, and a version that grows with each change."""

    def put(self, titles: Sequence[Title], *, now_ms: int) -> list[StoredTitle]:
        """Upsert the titles and return them as stored; each is written whole or not at all.

        Raises
        ------
        InvalidRecord
            A title repeats an artwork's id, or does not fit; nothing of it is stored.
        Contended
            Others changed a title each time.
        """

    def withdraw(self, title: str, *, now_ms: int) -> StoredTitle:
        """Remove a title from choice; its history stays.

        Raises
        ------
        NotFound
            There is no such title.
        """

    def apply(self, titles: Iterable[StoredTitle]) -> None:
        """Write titles of the catalogue's log as they are, unless a newer one is held."""

    def get(self, title: str) -> StoredTitle:
        """Return one title.

        Raises
        ------
        NotFound
            There is no such title, or it was set aside.
        """

    def version(self) -> int:
        """Return the version: it grows with each change."""

    def changed(self, since: int) -> tuple[int, list[StoredTitle]]:
        """Return the newest version and the titles that changed after version `since`."""

    def set_aside(self) -> dict[str, str]:
        """Return why each title that was set aside cannot be read."""

    def count_aside(self) -> int:
        """Return how many titles are set aside."""


class Opinions(Protocol):
    """What registered priors think of titles, by title and taste segment."""

    @property
    def current(self) -> str:
        """The version of the prior that serves; `neutral` when none does."""

    def make_current(self, prior: str) -> None:
        """Let this prior serve from now on."""

    def put(self, opinions: Sequence[Opinion]) -> None:
        """Write opinions, each under its own prior, and announce their titles."""

    def changed(self, prior: str, since: int) -> tuple[int, Iterator[list[Opinion]]]:
        """Return the newest version, and in chunks the opinions that came after version `since`.

        A version that went back, because the store was emptied, returns them all.
        """

    def titles(self, prior: str) -> Iterator[Opinion]:
        """Yield all opinions of a prior."""

    def put_card(self, card: PriorCard) -> None:
        """Write what has to be known of a prior beside its opinions."""

    def card(self, prior: str) -> PriorCard:
        """Return the prior's card; one that says nothing when there is none."""

    def known(self, prior: str) -> bool:
        """Whether anything is kept of a prior of that name."""

    def drop(self, prior: str) -> None:
        """Forget what a prior thinks."""


class Note(StrEnum):
    """What a site notes of itself, by the name under which it is stored."""

    SPACE = "space"
    """The identity of the embedding space that the tastes are of."""
    REBUILDING = "rebuilding"
    """There while the state is rebuilt: who starts and finds it rebuilds again."""
    TITLES_LOGGED = "{catalogue}logged"
    """The catalogue's titles are in its log."""
    EXPLORED = "explored"
    """What viewers explored is kept from the log's beginning."""
    PARTITIONS = "partitions"
    """How many partitions the state was made with."""
    LIFE = "life"
    """Drawn when a store was first found empty."""
    HOUSEKEEPING = "housekeeping"
    """How housekeeping goes."""
    IDLE_UPTO = "idle-upto"
    """The time by which tastes were last looked through for those that nothing moves any more."""
    ROLLOUT = "rollout"
    """Which version of a model is being let out, to whom, and how it goes."""
    ROLLED = "rolled"
    """The rollout that ended last, with its looks: for the page."""
    RETRAINED = "retrained"
    """The newest retrainings, for the page of an api that does not have the disk they stand on."""
    JUDGED = "judged"
    """What the log last said of calibration and of policies that do not serve: for the page."""
    PROPOSED = "proposed"
    """What came of pages of proposals, as housekeeping last counted it: for the page."""
    REWRITE = "erasures-to-rewrite"
    """The embedded server's file still holds what was erased."""


class Registered(NamedTuple):
    """A viewer's erasure that is not finished.

    `offset`: where it stands in the viewer's partition of `events`; `AGAIN` once the archive was
    gone through. `until_ms`: up to when the viewer is erased, None if an older keyart noted no
    time: who plays on is a viewer again.
    """

    offset: str
    until_ms: int | None


AGAIN = "again"
COUNTS_KEPT_S = 30 * 86_400


class Register(Protocol):
    """Erasures and rebuilds under way, and other notes that a site keeps about itself."""

    def read(self, note: Note) -> bytes | None:
        """Return a note, None when it is not there."""

    def write(self, note: Note, value: bytes) -> None:
        """Write a note."""

    def write_once(self, note: Note, value: bytes) -> bytes:
        """Write a note unless it is there; return what is there now."""

    def drop(self, note: Note) -> None:
        """Take a note away."""

    def add_counts(self, name: str, counts: Mapping[str, int]) -> None:
        """Add to what is counted under this name, with what other processes add.

        What nobody adds to for `COUNTS_KEPT_S` is forgotten.
        """

    def counts(self, name: str) -> dict[str, int]:
        """Return what was counted under this name."""

    def add_erasure(self, viewer: str, offset: str, *, until_ms: int) -> None:
        """Note that a viewer's erasure stands at this offset, or `AGAIN`."""

    def erasures(self) -> dict[str, Registered]:
        """Return all erasures that are not finished, by viewer."""

    def finish_erasures(self, viewers: Collection[str]) -> None:
        """Take these viewers off, and note `REWRITE`, in one step."""

    def count_erasure(self) -> None:
        """Count one more viewer whose state was deleted."""

    def erasure_count(self) -> int:
        """Return how many there were, by whatever process."""


class MadeWith(Protocol):
    """With which settings each lane's state was made."""

    def read(self, lane: Lane) -> Eras:
        """Return a lane's eras; none if they were never kept, or cannot be read."""

    def begin(
        self, lane: Lane, settings: Mapping[str, Value], offsets: Mapping[str, str], *, at_ms: int
    ) -> bool:
        """Note what the lane's owner reads with from here on; return whether that is new."""

    def forget(self, lane: Lane) -> None:
        """Forget a lane's eras: its state is made anew."""


class Lease(Protocol):
    """The right to do something that only one may do, held while it is entered.

    Attributes
    ----------
    token
        Grows with every holder: what is done carries it, and refuses one below the last it saw.
    lost
        Whether another took it meanwhile.
    """

    token: int
    lost: bool

    def __enter__(self) -> "Lease":
        """Take it.

        Raises
        ------
        Contended
            Somebody else holds it.
        """

    def __exit__(self, *_: object) -> None:
        """Give it back."""

    def check(self) -> None:
        """See that it is still held.

        Raises
        ------
        Fenced
            It was lost.
        """


class StoreServer(Protocol):
    """The server that keeps the state, as whoever runs it sees it."""

    def check_access(self) -> None:
        """See that it answers.

        Raises
        ------
        SettingsError
            It refuses the user or password.
        StoreAway
            It does not answer.
        """

    def room(self) -> Room:
        """Return how much of its memory is taken."""

    @property
    def rewriting(self) -> bool:
        """Whether it writes its file anew, or will next."""

    def begin_rewrite(self) -> None:
        """Let it write its file anew, without what was deleted since."""

    @property
    def rewritten(self) -> bool:
        """Whether the last rewrite came to a good end."""

    def snapshot(self, to: Path) -> None:
        """Let it write all that it holds as of one moment to a new file.

        Raises
        ------
        StoreError
            It could not, or took over an hour.
        """
