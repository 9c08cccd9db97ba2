"""A language model behind the port of planners."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from keyart.models.dataset.examples import Example
from keyart.models.serendipity.histories import History, counts_of
from keyart.models.serendipity.language.questions import OPTIONS, Successors, question
from keyart.models.serendipity.planners.novelty import proposals
from keyart.models.serendipity.planners.protocol import Planner
from keyart.models.serendipity.vocabulary.vocabulary import Vocabulary
from keyart.models.serendipity.world import Floats

Asked = Callable[[Sequence[Example]], Sequence[NDArray[np.float64]]]
"""From questions to the probability of each option."""
LEAST: float = 1e-9


class Language:
    """Asks which of a shortlist comes next; what is not on it comes after all that is.

    Parameters
    ----------
    vocabulary
        What the clusters are called.
    shortlist
        Who proposes `OPTIONS` clusters to choose among.
    successors
        Of the viewers who teach.
    ask
        The model.
    """

    name = "language model"

    def __init__(
        self,
        vocabulary: Vocabulary,
        shortlist: Planner,
        successors: Successors,
        ask: Asked,
    ) -> None:
        self._vocabulary = vocabulary
        self._shortlist = shortlist
        self._successors = successors
        self._ask = ask

    def scores(self, histories: Sequence[History]) -> Floats:
        """Return (N, K): logs of the model's probabilities, below them the shortlist's order."""
        told = self._shortlist.scores(histories)
        explored = counts_of(histories, len(self._vocabulary.names)) > 0.0
        best = proposals(told, explored, OPTIONS)
        questions = [
            question(
                self._vocabulary,
                each.order,
                options,
                id=str(row),
                successor=self._successors.top(each.order),
            )
            for row, (each, options) in enumerate(zip(histories, best.tolist(), strict=True))
        ]
        said = np.log(np.maximum(np.stack(self._ask(questions)), LEAST))
        spread = np.ptp(told, axis=1, keepdims=True)
        level = (told - told.max(axis=1, keepdims=True)) / np.where(spread > 0.0, spread, 1.0)
        made: Floats = said.min(axis=1, keepdims=True) - 1.0 + level
        np.put_along_axis(made, best, said, axis=1)
        return made
