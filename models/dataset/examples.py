"""An example: one choice among a title's artworks, with what the log knows about it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from keyart.models.artifacts.lines import write_lines
from keyart.schemas.decisions import MAX_ARTWORKS
from keyart.schemas.errors import InvalidRecord

SPLITS: Final = ("train", "valid", "test")
MAX_LINE_BYTES: Final = 1_000_000


class Choice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One artwork that could be chosen, in words."""

    artwork: str
    description: str


class Entry(Struct, frozen=True, kw_only=True):
    """One thing the viewer enjoyed before the decision."""

    title: str
    description: str


class Example(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One decision (or one table row group) as a question with options.

    Per option, parallel to `options`: `propensities` sum to 1; `impressions` is how often it was
    shown (one decision: 1 for what was shown, else 0); `rewards` the sum of values it earned.
    `lately` says what had recently worked elsewhere.
    `answer` is the option that worked, -1 when none did; `weight` is its clipped inverse
    propensity, with mean 1 over the split's answered examples. `pair` is what never crosses splits.
    `soft`, where it is known (a table's tests), is each option's probability to be the best one:
    what training aims at instead of the answer alone. `counts` is what the influence bounds leave
    of it, 0 to 1, and `place` what takes at its place on the page are of those at an average one,
    around 1: a take counts the first divided by the second, as its part of `weight`. `summed` is
    how many that asked the same are in it; where it is above 1, `soft` is what they answered.
    """

    id: str
    pair: str
    viewer: str = ""
    title: str
    name: str = ""
    group: str = ""
    surface: str = ""
    shown_at_ms: int = 0
    history: tuple[Entry, ...] = ()
    taste: str = ""
    lately: str = ""
    options: Annotated[tuple[Choice, ...], Meta(min_length=2, max_length=MAX_ARTWORKS)]
    propensities: tuple[float, ...]
    impressions: tuple[float, ...]
    rewards: tuple[float, ...]
    answer: int = -1
    soft: tuple[float, ...] = ()
    weight: float = 0.0
    counts: float = 1.0
    place: float = 1.0
    reason: str = ""
    summed: int = 1

    def shares(self) -> tuple[float, ...]:
        """Return what training aims at, a share an option: `soft`, else all on the answer."""
        count = len(self.options)
        return self.soft or tuple(float(at == self.answer) for at in range(count))


_decoder = msgspec.json.Decoder(Example)


def write_examples(path: Path, examples: Iterable[Example]) -> int:
    """Write JSON Lines and return how many."""
    return write_lines(path, examples)


def read_examples(path: Path) -> Iterator[Example]:
    """Yield the examples of a file.

    Raises
    ------
    InvalidRecord
        A line is too long, is no example, or its per-option columns differ in length.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if len(line) > MAX_LINE_BYTES:
                raise InvalidRecord(f"line {number} of {path.name} is too long")
            try:
                example = _decoder.decode(line)
            except msgspec.DecodeError as wrong:
                raise InvalidRecord(f"line {number} of {path.name}: {wrong}") from None
            count = len(example.options)
            columns = (example.propensities, example.impressions, example.rewards, example.shares())
            if any(len(column) != count for column in columns) or not -1 <= example.answer < count:
                raise InvalidRecord(f"line {number} of {path.name}: columns differ from options")
            yield example
