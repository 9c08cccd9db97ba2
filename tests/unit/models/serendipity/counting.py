"""Pages counted against what they say of themselves."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from keyart.models.serendipity.advice.page import Place


def assert_as_often_as_told(make: Callable[[], Sequence[Place]], times: int) -> None:
    """Hold how often each page comes against the product of its places' propensities.

    All pages together must come, so that the products add up to 1.
    """
    pages: Counter[tuple[int, ...]] = Counter()
    told: dict[tuple[int, ...], float] = {}
    for _ in range(times):
        page = make()
        rows = tuple(each.row for each in page)
        pages[rows] += 1
        told[rows] = float(np.prod([each.propensity for each in page]))
    assert sum(told.values()) == pytest.approx(1.0, abs=1e-9)
    for rows, count in pages.items():
        spread = (times * told[rows] * (1 - told[rows])) ** 0.5
        assert abs(count - times * told[rows]) <= 4.5 * spread + 1e-9
