"""Examples as rows of tokens for the trainers."""

from collections.abc import Iterator, Sequence
from typing import Final, TypedDict

from keyart.models.dataset.examples import Example
from keyart.models.dataset.preferences import Preference
from keyart.models.llm.prompt.prompts import Prompter, shuffled
from keyart.models.llm.training.likelihood import IGNORED

ORDERS: Final = 4
"""Of a question that was asked often, orders in which it is taught: as many as it is asked in."""


class SftRow(TypedDict):
    """One prompt with its answer; `token_weights`, parallel to it, are 0 before that.

    `marks` and `shares`: every option's token, in the order of the places, and its share of the
    answer, sums to 1. `length` is that of `input_ids`: rows of like length are batched together.
    """

    input_ids: list[int]
    labels: list[int]
    token_weights: list[float]
    marks: list[int]
    shares: list[float]
    length: int


class PreferenceRow(TypedDict):
    """One prompt with a better and a worse answer."""

    prompt_ids: list[int]
    chosen_ids: list[int]
    rejected_ids: list[int]
    weight: float


def orders_of(example: Example, shuffles: int, orders: int) -> int:
    """Return in how many orders of its options an example is a row.

    One that others were summed to stands in as many as they would have, up to `orders`.
    """
    most = max(shuffles, min(orders, len(example.options)))
    return min(example.summed * shuffles, most)


def sft_rows(
    prompter: Prompter,
    examples: Sequence[Example],
    *,
    shuffles: int,
    seed: int,
    orders: int = ORDERS,
    reason_share: float = 0.0,
) -> Iterator[SftRow]:
    """Yield rows whose loss is sum over tokens of weight * -log p.

    The answer's mark weighs the example's weight. With a reason (`reason_share` above 0) its tokens
    share `reason_share` times that, whatever their number: the answer comes first, so that one
    forward pass still reads the options, and the reason only teaches. -log p of the mark is the
    mean over all options' marks by their shares, where an example has a soft answer. An example
    in n orders (`orders_of`) weighs `shuffles` / n in each.
    """
    for example in examples:
        if example.answer < 0:
            continue
        count = orders_of(example, shuffles, orders)
        weight = example.weight * shuffles / count
        for shuffle in range(count):
            order = shuffled(len(example.options), key=example.id, shuffle=shuffle, seed=seed)
            place = order.tolist().index(example.answer)
            prompt = prompter.tokens(example, order)
            answer = prompter.completion(place, example.reason if reason_share > 0 else "")
            shares = example.shares()
            weights = [weight]
            if len(answer) > 1:
                weights += [weight * reason_share / (len(answer) - 1)] * (len(answer) - 1)
            yield SftRow(
                input_ids=prompt + answer,
                labels=[IGNORED] * len(prompt) + answer,
                token_weights=[0.0] * len(prompt) + weights,
                marks=list(prompter.marks[: len(shares)]),
                shares=[shares[at] for at in order],
                length=len(prompt) + len(answer),
            )


def preference_rows(
    prompter: Prompter,
    preferences: Sequence[Preference],
    *,
    shuffles: int,
    seed: int,
    orders: int = ORDERS,
) -> Iterator[PreferenceRow]:
    """Yield rows of preference pairs; the same shuffle orders the prompt and both answers."""
    for preference in preferences:
        example = preference.example
        count = orders_of(example, shuffles, orders)
        for shuffle in range(count):
            order = shuffled(len(example.options), key=example.id, shuffle=shuffle, seed=seed)
            places = order.tolist()
            yield PreferenceRow(
                prompt_ids=prompter.tokens(example, order),
                chosen_ids=prompter.completion(places.index(preference.chosen)),
                rejected_ids=prompter.completion(places.index(preference.rejected)),
                weight=preference.weight * shuffles / count,
            )
