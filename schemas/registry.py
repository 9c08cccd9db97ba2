"""What is known of a model version, and of each time that somebody moved an alias."""

from typing import Annotated

from msgspec import Meta, Struct

from keyart.schemas.ids import Millis, Name

CHAMPION = "champion"
CANDIDATE = "candidate"
PREVIOUS = "previous"
ITSELF, PARENT, UNTRAINED = "itself", "parent", "untrained"
"""Whose worth on a log it is."""
REGISTRY_VERSION = 1
MAX_FILES = 64
MAX_FORMER = 50
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")]
Said = Annotated[str, Meta(max_length=2000)]


class FileMark(Struct, frozen=True, kw_only=True):
    """A file of a version: its SHA-256 in hex, and its size in bytes."""

    sha256: Digest
    size: Annotated[int, Meta(ge=0)]


class WorthOnLog(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a version's opinions were worth on one log, of titles that it had not learned from.

    `role` says whose they are: `itself`, `parent`, or `untrained` (what had learned nothing here).
    `strength` is the effective sample size in impressions, `gain` the log likelihood over that of
    no opinion, in nats. `scale` is the power that makes of what it says what happened: 1 is right,
    less was said too loudly, more too softly, and 0 is no help. `missing` says why there are none.
    """

    version: str
    role: Name
    strength: float = 0.0
    gain: float = 0.0
    scale: float = 0.0
    missing: Said = ""


class ModelVersion(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A version of a model; nothing of it ever changes.

    `kind` says what reads the files: `ridge`, or `table` and `dual` for priors whose opinions or
    graphs are in the state store alone (`files` is empty then). `parent` is what served when it was
    made. It learned from `rows` rewards, shown from `from_ms` to `to_ms`; if nothing before
    `since_ms` was to teach it, because the world changed then, it is above 0. `template` is a
    prompt's, `space` the identity of what turns text to vectors, `figures` what its making
    reported, `beside` what it was worth on the log it was made from, and next to it what others
    were.
    """

    name: Name
    kind: Name
    made_at_ms: Millis
    files: Annotated[dict[FileName, FileMark], Meta(max_length=MAX_FILES)] = {}
    made_by: Said = ""
    parent: str = ""
    from_ms: int = 0
    to_ms: int = 0
    since_ms: int = 0
    rows: int = 0
    template: str = ""
    space: str = ""
    encoders: str = ""
    figures: dict[str, float] = {}
    beside: Annotated[tuple[WorthOnLog, ...], Meta(max_length=8)] = ()
    note: Said = ""
    version: Annotated[int, Meta(ge=1)] = REGISTRY_VERSION


class Aliases(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which version serves, and which might.

    `former` are the champions of before, the latest last: what a rollback goes back to.
    """

    champion: str = ""
    candidate: str = ""
    former: Annotated[tuple[str, ...], Meta(max_length=MAX_FORMER)] = ()

    @property
    def previous(self) -> str:
        """The champion before this one; "" for none."""
        return self.former[-1] if self.former else ""

    def named(self) -> dict[str, str]:
        """Return alias -> version of those that are set."""
        all_of = {CHAMPION: self.champion, CANDIDATE: self.candidate, PREVIOUS: self.previous}
        return {alias: version for alias, version in all_of.items() if version}


class Move(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One move of aliases: who did what, why, and how they stood afterwards.

    `number` counts from 1, without gaps. `fence` is the fencing token of an automatic mover: one
    that lost its lease has a lower one than the move before, and is refused. 0: a person.
    """

    number: Annotated[int, Meta(ge=1)]
    act: Name
    to: str
    aliases: Aliases
    moved_at_ms: Millis
    by: Said = ""
    why: Said = ""
    fence: Annotated[int, Meta(ge=0)] = 0
    last_fence: Annotated[int, Meta(ge=0)] = 0
    version: Annotated[int, Meta(ge=1)] = REGISTRY_VERSION
