"""Tables of creative tests: what was shown of each creative, and clicked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keyart.schemas.errors import InvalidRecord

Array = NDArray[np.float64]

MAX_CREATIVES: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class CreativeTable:
    """N creatives of G tests, in the order of time.

    Parameters
    ----------
    test
        (N,) number of the test, 0 to G - 1, ascending in time and down the table.
    texts
        N texts.
    impressions, clicks
        (N,) counts; clicks are not above impressions.
    ids
        G names of the tests, or none.
    at_ms
        (G,) when each test began, in ms since 1970, 0 where nobody knows; or none.
    reasons
        Tests that were dropped, by why: fewer than two creatives shown, no click, a faulty week.
    """

    test: NDArray[np.intp]
    texts: tuple[str, ...]
    impressions: Array
    clicks: Array
    ids: tuple[str, ...] = ()
    at_ms: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def tests(self) -> int:
        """G, the number of tests."""
        return int(self.test[-1]) + 1 if len(self.test) else 0

    @property
    def left_out(self) -> int:
        """Tests that were dropped."""
        return sum(self.reasons.values())

    def distinct(self) -> "CreativeTable":
        """Return the table with texts that stand twice in a test as one creative.

        Tests that are left with one text are no contest, and left out.

        Raises
        ------
        InvalidRecord
            No test is left.
        """
        rows: dict[tuple[int, str], list[int]] = {}
        for at, key in enumerate(zip(self.test.tolist(), self.texts, strict=True)):
            rows.setdefault(key, []).append(at)
        many = np.bincount([test for test, _ in rows], minlength=self.tests) > 1
        if not many.any():
            raise InvalidRecord("no test has two different texts")
        kept = {key: its for key, its in rows.items() if many[key[0]]}
        test = np.array([key[0] for key in kept], np.intp)
        same = int((~many).sum())
        return CreativeTable(
            test=np.unique(test, return_inverse=True)[1],
            texts=tuple(text for _, text in kept),
            impressions=np.array([self.impressions[its].sum() for its in kept.values()]),
            clicks=np.array([self.clicks[its].sum() for its in kept.values()]),
            ids=tuple(np.array(self.ids)[many[: len(self.ids)]].tolist()),
            at_ms=self.at_ms[many[: len(self.at_ms)]],
            reasons={**self.reasons, **({"with one text": same} if same else {})},
        )

    def split(self, share: float) -> "tuple[CreativeTable, CreativeTable]":
        """Return the earlier tests and the later ones.

        Parameters
        ----------
        share
            Of the tests that are earlier, between 0 and 1; each side has one test at least.

        Raises
        ------
        InvalidRecord
            There is one test only.
        """
        if self.tests < 2:
            raise InvalidRecord("one test cannot be split into earlier and later")
        cut = min(max(round(self.tests * share), 1), self.tests - 1)
        return self.part(0, cut), self.part(cut, self.tests)

    def part(self, first: int, last: int) -> "CreativeTable":
        """Return the tests `first` to `last` - 1, numbered from 0."""
        of = (self.test >= first) & (self.test < last)
        return CreativeTable(
            test=self.test[of] - first,
            texts=tuple(self.texts[at] for at in np.flatnonzero(of)),
            impressions=self.impressions[of],
            clicks=self.clicks[of],
            ids=self.ids[first:last],
            at_ms=self.at_ms[first:last],
        )
