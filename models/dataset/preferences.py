"""Preference pairs: what worked against what did not, with the weight that each deserves."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import betaln, logsumexp

from keyart.models.dataset.examples import Example

PRIOR_PAIRS: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """`chosen` was better than `rejected` (places in the example's options) for this viewer.

    `seen` says that the rejected artwork was shown to this viewer and not taken; else it was drawn.
    """

    example: Example
    chosen: int
    rejected: int
    weight: float
    seen: bool


def preferences(examples: Sequence[Example], *, seed: int = 0) -> list[Preference]:
    """Return pairs for every answered example, in their order.

    - Decisions: rejected is what the same viewer was shown for the same title and did not take; the
      pair weighs as its example. Where the log has none, it is a draw among the other artworks: no
      true negative, since the viewer might have taken it, too. Its weight is the example's times
      the measured chance that it is one: the share, among viewers who took one artwork of a title
      and were shown another, who did not take the other (shrunk to 1/2 by `PRIOR_PAIRS`).
    - Tables: rejected is every arm with a lower rate, weight 2 P(chosen is truly better) - 1 under
      independent uniform Beta priors, divided by their number.
    """
    refused = _refused(examples)
    certainty = _certainty(examples, refused)
    rng = np.random.default_rng(seed)
    pairs: list[Preference] = []
    for example in examples:
        if example.answer < 0:
            continue
        if sum(example.impressions) != 1:
            pairs += _table_pairs(example)
            continue
        known = refused.get(example.pair, set())
        artworks = [option.artwork for option in example.options]
        places = [at for at, artwork in enumerate(artworks) if artwork in known]
        places = [at for at in places if at != example.answer]
        seen = bool(places)
        if not seen:
            places = [int(rng.choice([at for at in range(len(artworks)) if at != example.answer]))]
        for place in places:
            weight = example.weight / len(places) * (1.0 if seen else certainty)
            pairs.append(
                Preference(
                    example=example, chosen=example.answer, rejected=place, weight=weight, seen=seen
                )
            )
    return pairs


def _refused(examples: Iterable[Example]) -> dict[str, set[str]]:
    refused: defaultdict[str, set[str]] = defaultdict(set)
    taken: defaultdict[str, set[str]] = defaultdict(set)
    for example in examples:
        for option, shown in zip(example.options, example.impressions, strict=True):
            if shown == 1 and sum(example.impressions) == 1:
                (taken if example.answer >= 0 else refused)[example.pair].add(option.artwork)
    return {pair: artworks - taken[pair] for pair, artworks in refused.items()}


def _certainty(examples: Iterable[Example], refused: dict[str, set[str]]) -> float:
    """Return the chance that another artwork, shown to a taker of the title, is not taken."""
    taken: defaultdict[str, set[str]] = defaultdict(set)
    for example in examples:
        if example.answer >= 0 and sum(example.impressions) == 1:
            taken[example.pair].add(example.options[example.answer].artwork)
    both = sum(max(len(artworks) - 1, 0) for artworks in taken.values())
    one = sum(len(refused.get(pair, ())) for pair in taken)
    return (one + PRIOR_PAIRS / 2) / (one + both + PRIOR_PAIRS)


def _table_pairs(example: Example) -> Iterator[Preference]:
    shown, taken = example.impressions, example.rewards
    best = example.answer
    worse = [at for at in range(len(shown)) if taken[at] * shown[best] < taken[best] * shown[at]]
    for at in worse:
        better = chance_better(taken[best], shown[best], taken[at], shown[at])
        yield Preference(
            example=example,
            chosen=best,
            rejected=at,
            weight=example.weight * max(2 * better - 1, 0.0) / len(worse),
            seen=True,
        )


def chance_better(taken: float, shown: float, other_taken: float, other_shown: float) -> float:
    """Return P(p > q) for p ~ Beta(1 + taken, 1 + shown - taken), q likewise from the other's.

    Exact for whole counts: Evan Miller, "Formulas for Bayesian A/B testing", equation 6.
    """
    a, b = 1 + taken, 1 + shown - taken
    c, d = 1 + other_taken, 1 + other_shown - other_taken
    i = np.arange(round(a))
    logs = betaln(c + i, d + b) - np.log(b + i) - betaln(1 + i, b) - betaln(c, d)
    return float(min(np.exp(logsumexp(logs)), 1.0))
