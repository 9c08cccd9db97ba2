"""Examples that ask the same, as one: what training costs goes by questions and not by takes.

A cross-entropy is linear in what it aims at: the sum over examples of one prompt of w * -log p of
its answer is W * the cross-entropy with the answers' shares of W, the sum of w. So the loss and its
gradients are those of the single examples, at the cost of one.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from msgspec import structs

from keyart.models.dataset.examples import Example
from keyart.models.dataset.preferences import Preference


def summed(examples: Sequence[Example]) -> list[Example]:
    """Return one example a question, where several are the same, in the order they first stand in.

    `soft` is what they answered, by their weights; `weight` the sum of these, over all that is
    returned with mean 1; `impressions` and `rewards` are sums, `propensities` their mean. Where
    nothing is the same they are the examples themselves.

    Parameters
    ----------
    examples
        Answered, each with a weight above 0.
    """
    groups: dict[tuple[Any, ...], list[Example]] = {}
    for each in examples:
        groups.setdefault(_question(each), []).append(each)
    if len(groups) == len(examples):
        return list(examples)
    made = [_one(group) for group in groups.values()]
    mean = sum(each.weight for each in made) / len(made)
    return [structs.replace(each, weight=each.weight / mean) for each in made]


def summed_pairs(pairs: Sequence[Preference]) -> list[Preference]:
    """Return one pair a question, chosen and rejected; its weight is the sum of the pairs'."""
    groups: dict[tuple[Any, ...], list[Preference]] = {}
    for each in pairs:
        key = (*_question(each.example), each.chosen, each.rejected)
        groups.setdefault(key, []).append(each)
    return [
        group[0]
        if len(group) == 1
        else replace(
            group[0],
            example=structs.replace(
                group[0].example,
                id=group[0].example.title,
                summed=sum(each.example.summed for each in group),
            ),
            weight=sum(each.weight for each in group),
            seen=all(each.seen for each in group),
        )
        for group in groups.values()
    ]


def _question(example: Example) -> tuple[Any, ...]:
    """Return all that a prompt is made of but the order of its options."""
    words = tuple(option.description for option in example.options)
    return (example.title, example.name, example.taste, example.lately, example.history, words)


def _one(group: Sequence[Example]) -> Example:
    if len(group) == 1:
        return group[0]
    shares = np.array([each.shares() for each in group])
    weights = np.array([each.weight for each in group])
    soft = weights @ shares / weights.sum()

    def column(name: str) -> Any:
        return np.array([getattr(each, name) for each in group])

    # called as its title, it is taught in the orders in which it will be asked
    return structs.replace(
        group[0],
        id=group[0].title,
        answer=int(soft.argmax()),
        soft=tuple(soft.tolist()),
        weight=float(weights.sum()),
        summed=sum(each.summed for each in group),
        propensities=tuple(column("propensities").mean(0).tolist()),
        impressions=tuple(column("impressions").sum(0).tolist()),
        rewards=tuple(column("rewards").sum(0).tolist()),
    )
