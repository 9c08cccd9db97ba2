"""Options' probabilities averaged over shuffles, and how much the place alone decided."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keyart.models.dataset.examples import Example
from keyart.models.llm.prompt.prompts import Prompt, Prompter, shuffled
from keyart.models.llm.scoring.scorer import Scorer


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One example's opinion.

    `probabilities` (K,): mean over shuffles, in the options' own order, sums to 1. `places` (K,):
    mean probability that went to each place whatever stood there; 1/K each without position bias.
    """

    probabilities: NDArray[np.float64]
    places: NDArray[np.float64]


def score_options(
    prompter: Prompter,
    scorer: Scorer,
    examples: Sequence[Example],
    *,
    shuffles: int = 4,
    seed: int = 0,
    block: int = 256,
) -> list[Scored]:
    """Return each example's opinion: `shuffles` prompts each, scored `block` examples at a time."""
    found: list[Scored] = []
    for start in range(0, len(examples), block):
        found += _block(prompter, scorer, examples[start : start + block], shuffles, seed)
    return found


def _block(
    prompter: Prompter, scorer: Scorer, examples: Sequence[Example], shuffles: int, seed: int
) -> list[Scored]:
    prompts: list[Prompt] = []
    counts: list[int] = []
    orders: list[NDArray[np.int64]] = []
    for example in examples:
        count = len(example.options)
        for shuffle in range(shuffles):
            order = shuffled(count, key=example.id, shuffle=shuffle, seed=seed)
            prompts.append(prompter.prompt(example, order, spans=scorer.reads_spans))
            counts.append(count)
            orders.append(order)
    logs = scorer.score(prompts, counts)
    found = []
    for at in range(len(examples)):
        each = range(at * shuffles, (at + 1) * shuffles)
        total, places = np.zeros(counts[each[0]]), np.zeros(counts[each[0]])
        for prompt in each:
            probabilities = np.exp(logs[prompt])
            total[orders[prompt]] += probabilities
            places += probabilities
        found.append(Scored(probabilities=total / shuffles, places=places / shuffles))
    return found


def position_bias(scored: Sequence[Scored]) -> float:
    """Return the mean total variation between the places' shares and 1/K; 0 is no bias, below 1."""
    if not scored:
        return 0.0
    return float(np.mean([0.5 * np.abs(one.places - 1 / one.places.size).sum() for one in scored]))
