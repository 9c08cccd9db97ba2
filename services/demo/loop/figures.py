"""What the loop came to, as it is printed and written."""

from typing import NamedTuple

from msgspec import Struct


class Phase(Struct, frozen=True, kw_only=True):
    """Take fractions of one phase, 0 to 1, on the same visits and without their luck."""

    phase: str
    keyart: float
    never_retrained: float
    uniform: float
    impressions: int


class Decided(Struct, frozen=True, kw_only=True):
    """What became of a version, and who or what decided that."""

    version: str
    decided: str
    by: str
    says: str


class Loop(NamedTuple):
    """What came of it: the phases in order, the versions, what was seen of the drift, and days."""

    phases: tuple[Phase, ...]
    gate: tuple[Decided, ...]
    drift: str
    days: int
