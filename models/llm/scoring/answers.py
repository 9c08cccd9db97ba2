"""Whether a model that answers in text answers at all: with the letter of an option."""

from collections.abc import Sequence
from typing import Any

import torch

from keyart.models.dataset.examples import Example
from keyart.models.embed.language_models import LanguageModel
from keyart.models.llm.prompt.prompts import Prompter, shuffled


def readable_share(loaded: LanguageModel, prompter: Prompter, examples: Sequence[Example]) -> float:
    """Return the share of questions whose most probable next token is an option's letter.

    Scoring looks at the letters alone and would find an opinion whatever the model says; a model
    that would rather say something else has not understood what it is asked.

    Parameters
    ----------
    loaded
        A causal language model on torch.
    examples
        At least one.
    """
    model: Any = loaded.model
    good = 0
    for each in examples:
        order = shuffled(len(each.options), key=each.id, shuffle=0, seed=0)
        ids = torch.tensor([prompter.tokens(each, order)], device=model.device)
        with torch.inference_mode():
            logits = model(input_ids=ids, use_cache=False, logits_to_keep=1).logits[0, -1]
        good += int(logits.argmax()) in prompter.marks[: len(each.options)]
    return good / len(examples)
