"""What planners that are blended say of clusters, on a scale on which opinions add up.

Arrays and arithmetic alone: what a table serves from is computed by the same lines as what was
measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from keyart.models.serendipity.histories import History, counts_of
from keyart.models.serendipity.memory import Memory
from keyart.models.serendipity.planners.counting import given_of, together
from keyart.models.serendipity.planners.ridge import in_proportion, weights_of
from keyart.models.serendipity.world import Floats

NAMES: Final = (
    "popularity",
    "popularity of long ways",
    "co-occurrence",
    "ridge",
    "ridge, in proportion",
)
LEAST: Final = 0.02
"""Where the ridge expects less, its opinion in proportion bottoms out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinions:
    """Of K clusters.

    Attributes
    ----------
    reach
        (K,) share of viewers who come to each, above 0 and below 1.
    given
        (K, K) share of the viewers of one cluster who have another too.
    weights
        (K, K) what a ridge explains of one cluster's depth by another's.
    """

    reach: Floats
    given: Floats
    weights: Floats

    def of(self, histories: Sequence[History]) -> Floats:
        """Return (N, K, P) opinions, in the order of `NAMES`."""
        lengths = np.log([len(each.order) for each in histories])[:, None]
        reach = np.tile(np.log(self.reach), (len(histories), 1))
        deep = np.log1p(counts_of(histories, len(self.reach)))
        expected = deep @ self.weights
        return np.stack(
            [
                reach,
                reach * lengths,
                together(self.given, self.reach, histories) - lengths,
                expected,
                np.log(np.maximum(in_proportion(expected, deep), 0.0) + LEAST),
            ],
            axis=2,
        )


def opinions_of(memory: Memory) -> Opinions:
    """Return what was counted as opinions.

    Parameters
    ----------
    memory
        The viewers asked about should not be in it while trust is learned.
    """
    return Opinions(reach=memory.reach, given=given_of(memory), weights=weights_of(memory))
