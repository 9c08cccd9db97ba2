"""Questions with answers, of the ways of viewers who teach: what a language model is trained on."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from keyart.models.dataset.examples import Example
from keyart.models.serendipity.histories import History, counts_of
from keyart.models.serendipity.language.questions import OPTIONS, Successors, question
from keyart.models.serendipity.planners.novelty import proposals
from keyart.models.serendipity.planners.protocol import Planner
from keyart.models.serendipity.vocabulary.vocabulary import Vocabulary

OF_A_TARGET: Final = 2.0
"""A cluster is the answer of so many times the median number of questions, at most: rows are
balanced over targets (recipe of the published system)."""


def answered_questions(
    vocabulary: Vocabulary,
    orders: Sequence[Sequence[int]],
    shortlist: Planner,
    *,
    seed: int = 0,
) -> list[Example]:
    """Return a question for the steps of these ways, the third cluster on, in random order.

    The options are what the shortlist proposes there, as they are when the model is asked; a step
    to something else is left out. An answer that was put among them would be told by being odd.

    Parameters
    ----------
    orders
        Deduplicated ways, (N,) of any length.
    """
    steps = [(who, at) for who, order in enumerate(orders) for at in range(2, len(order))]
    rng = np.random.default_rng(seed)
    rng.shuffle(steps)
    kept = _balanced(steps, orders)
    histories = [History(tuple(orders[who][:at]), (1,) * at) for who, at in kept]
    if not histories:
        return []
    explored = counts_of(histories, len(vocabulary.names)) > 0.0
    best = proposals(shortlist.scores(histories), explored, OPTIONS)
    successors = Successors(orders)
    made = []
    for row, (who, at) in enumerate(kept):
        order, target = orders[who][:at], orders[who][at]
        options = rng.permutation(best[row]).tolist()
        if target not in options:
            continue
        made.append(
            question(
                vocabulary,
                order,
                options,
                id=f"{who}-{at}",
                successor=successors.top(order, but=target),
                answer=options.index(target),
            )
        )
    return made


def _balanced(
    steps: Sequence[tuple[int, int]], orders: Sequence[Sequence[int]]
) -> list[tuple[int, int]]:
    targets = np.array([orders[who][at] for who, at in steps], np.int64)
    if not len(targets):
        return []
    counts = np.bincount(targets)
    most = max(1, int(OF_A_TARGET * np.median(counts[counts > 0])))
    seen: dict[int, int] = {}
    kept = []
    for step, target in zip(steps, targets.tolist(), strict=True):
        seen[target] = seen.get(target, 0) + 1
        if seen[target] <= most:
            kept.append(step)
    return kept
