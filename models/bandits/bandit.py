"""What every policy of this package is by default; one file with one such class is a policy."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from keyart.models.bandits.parameters import check_parameters
from keyart.models.bandits.protocol import REASONS, Floats, Page, version_of
from keyart.schemas.decisions import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandit:
    """A `Policy` whose parameters are the fields of a frozen dataclass.

    A subclass gives its `name` and its `propensities`. `parameters.number` and `parameters.word`
    say what a field may be; that is checked when one is built, and told by `keyart settings`.
    """

    name: ClassVar[str]

    def __post_init__(self) -> None:
        """Raise SettingsError when a parameter is out of its range."""
        check_parameters(self)

    @property
    def version(self) -> str:
        """Return the name and the digest of the parameters."""
        return version_of(self)

    def propensities(self, page: Page) -> Floats:
        """Return (T, K) exact probabilities: rows sum to one, zero where masked."""
        raise NotImplementedError

    def bonus(self, page: Page) -> Floats:
        """Return (T, K) zeros: nothing is added for what is not known."""
        return np.zeros_like(page.mean)

    @classmethod
    def reasons(cls) -> tuple[str, ...]:
        """Return all of `REASONS`."""
        return REASONS

    @classmethod
    def why(cls, terms: Terms, count: int) -> str:
        """Return "": the usual words say it."""
        return ""
