"""A prior for the demo: a table of opinions about its titles, by name or from a file."""

from pathlib import Path

import msgspec

from keyart.schemas.errors import InvalidRecord, UnknownName
from keyart.schemas.priors import Opinion
from keyart.services.demo.world import DATA

MAX_BYTES = 50_000_000


def read_opinions(prior: str) -> list[Opinion]:
    """Return the opinions of a prior, renamed to the name by which the server knows it.

    Parameters
    ----------
    prior
        The name of a table that ships with the demo, or a JSON Lines file of opinions, as
        `keyart llm score` writes it.

    Raises
    ------
    UnknownName
        There is neither such a table nor such a file.
    InvalidRecord
        A line of it is no opinion, or it is larger than 50 MB.
    """
    shipped = DATA / f"prior-{Path(prior).name}.jsonl"
    path = shipped if shipped.is_file() else Path(prior)
    if not path.is_file():
        names = sorted(each.stem.removeprefix("prior-") for each in DATA.glob("prior-*.jsonl"))
        raise UnknownName(
            f"the demo has no prior {prior!r}: name a table of `keyart llm score` for its titles"
            + (f", or one of {', '.join(names)}" if names else "")
        )
    if path.stat().st_size > MAX_BYTES:
        raise InvalidRecord(f"{path} is larger than {MAX_BYTES:,} bytes")
    name = prior_name(prior)
    opinions = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if line.strip():
            try:
                opinion = msgspec.json.decode(line, type=Opinion)
            except msgspec.ValidationError as wrong:
                raise InvalidRecord(f"{path}, line {number}: {wrong}") from None
            except msgspec.DecodeError as wrong:
                raise InvalidRecord(f"{path}, line {number} is not JSON: {wrong}") from None
            opinions.append(msgspec.structs.replace(opinion, prior=name))
    return opinions


def prior_name(prior: str) -> str:
    """Return the name under which the server keeps the prior: a file's is its stem."""
    return Path(prior).stem if prior else ""
