"""What a move does to the aliases: pure, and the only place that knows."""

from typing import Final

from msgspec import structs

from keyart.schemas.errors import InvalidRecord
from keyart.schemas.registry import MAX_FORMER, Aliases

PROPOSE: Final = "propose"
WITHDRAW: Final = "withdraw"
PROMOTE: Final = "promote"
ROLLBACK: Final = "rollback"


def propose(held: Aliases, version: str) -> Aliases:
    """Return the aliases with this version as candidate.

    Raises
    ------
    InvalidRecord
        It serves already.
    """
    if version == held.champion:
        raise InvalidRecord(f"{version} serves already")
    return structs.replace(held, candidate=version)


def withdraw(held: Aliases, version: str) -> Aliases:
    """Return the aliases without this candidate.

    Raises
    ------
    InvalidRecord
        It is not the candidate.
    """
    if version != held.candidate or not version:
        raise InvalidRecord(f"{version} is not the candidate")
    return structs.replace(held, candidate="")


def promote(held: Aliases, version: str) -> Aliases:
    """Return the aliases with this version as champion, and the champion of before as previous.

    Raises
    ------
    InvalidRecord
        It serves already.
    """
    if version == held.champion:
        raise InvalidRecord(f"{version} serves already")
    former = (*held.former, held.champion) if held.champion else held.former
    return Aliases(
        champion=version,
        candidate="" if held.candidate == version else held.candidate,
        former=former[-MAX_FORMER:],
    )


def rollback(held: Aliases) -> Aliases:
    """Return the aliases as the last promotion found them: `promote` backwards.

    Raises
    ------
    InvalidRecord
        Nothing served before.
    """
    if not held.former:
        raise InvalidRecord("nothing served before: there is nothing to go back to")
    return structs.replace(held, champion=held.former[-1], former=held.former[:-1])
