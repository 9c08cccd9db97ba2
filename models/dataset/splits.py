"""Train, validation and test: by time, and never with one pair on both sides."""

import hashlib
from collections.abc import Iterable

import numpy as np

from keyart.schemas.errors import SettingsError


def time_bounds(times: Iterable[int], *, valid: float, test: float) -> tuple[int, int]:
    """Return the times (ms) from which validation and test begin.

    Parameters
    ----------
    times
        When each example was shown.
    valid, test
        Their shares of the examples, each above 0, together below 1.
    """
    if not (0 < valid < 1 and 0 < test < 1 and valid + test < 1):
        raise SettingsError("shares of validation and test must be above 0 and together below 1")
    ordered = np.sort(np.fromiter(times, np.int64))
    if not ordered.size:
        return 0, 0
    first = ordered[min(int(ordered.size * (1 - valid - test)), ordered.size - 1)]
    second = ordered[min(int(ordered.size * (1 - test)), ordered.size - 1)]
    return int(first), int(second)


class Splitter:
    """Assigns examples to splits by time; a pair belongs to the last split in which it occurs.

    So the test set is every pair of its time, and no pair of it was trained on: the earlier
    decisions about that pair are left out (`split_of` gives "").
    """

    def __init__(self, *, valid_from_ms: int, test_from_ms: int) -> None:
        self._bounds = (valid_from_ms, test_from_ms)
        self._last: dict[bytes, int] = {}

    def _by_time(self, shown_at_ms: int) -> int:
        return sum(shown_at_ms >= bound for bound in self._bounds)

    def note(self, pair: str, shown_at_ms: int) -> None:
        """Take notice that the pair occurs then. All are noted before any is split."""
        key, split = _short(pair), self._by_time(shown_at_ms)
        if split >= self._last.get(key, 0):
            self._last[key] = split

    def split_of(self, pair: str, shown_at_ms: int) -> str:
        """Return train, valid, test, or "" when the pair belongs to a later split."""
        split = self._by_time(shown_at_ms)
        if self._last.get(_short(pair), split) != split:
            return ""
        return ("train", "valid", "test")[split]


def _short(pair: str) -> bytes:
    return hashlib.blake2b(pair.encode(), digest_size=8).digest()
