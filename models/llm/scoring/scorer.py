"""Prompts in, option log-probabilities out: one protocol for torch and for ONNX Runtime."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from keyart.models.llm.prompt.prompts import NO_OPTION, Prompt
from keyart.models.llm.scoring.plan import Tokens, plan

Past = Any


class Engine(Protocol):
    """What runs the scoring graph: torch or ONNX Runtime."""

    def remember(self, tokens: Tokens) -> Past:
        """Return the keys and values of a prefix, for `logits`."""
        ...

    @property
    def reads_spans(self) -> bool:
        """Whether options are read from their own tokens; else from the answer's mark."""
        ...

    def logits(
        self,
        input_ids: NDArray[np.int64],
        attention_mask: NDArray[np.int64],
        spans: NDArray[np.int64],
        past: Past,
    ) -> NDArray[np.float32]:
        """Return the options' logits (B, M); `past` None is no prefix.

        `spans` (B, T) is the place of the option that a token belongs to, -1 for none.
        """
        ...


class Scorer:
    """Scores prompts in batches of bounded size, sharing prefixes.

    Parameters
    ----------
    engine
        What runs the graph.
    batch_tokens
        Tokens (padding included) in one pass at most: the bound on memory.
    share
        Whether prefixes are shared; off only to measure what sharing brings.
    """

    def __init__(
        self, engine: Engine, *, batch_tokens: int = 4096, share: bool = True, pad: int = 0
    ) -> None:
        self._engine = engine
        self._batch_tokens = batch_tokens
        self._share = share
        self._pad = pad

    @property
    def reads_spans(self) -> bool:
        """Whether prompts have to say which option each token belongs to."""
        return self._engine.reads_spans

    def score(self, prompts: Sequence[Prompt], counts: Sequence[int]) -> list[NDArray[np.float64]]:
        """Return each prompt's log-probabilities over its first `counts[i]` options, (K_i,)."""
        found: list[NDArray[np.float64]] = [np.zeros(0)] * len(prompts)
        # what is read from an option's own tokens cannot be read from a remembered prefix
        limits = [prompt.first_option for prompt in prompts] if self.reads_spans else None
        tokens = [prompt.tokens for prompt in prompts]
        groups = plan(tokens, group=64 if self._share else 1, limits=limits)
        alone = [at for group in groups if group.length == 0 for at in group.members]
        self._run([prompts[at] for at in alone], alone, counts, None, 0, found)
        for group in groups:
            if group.length == 0:
                continue
            past = self._engine.remember(tokens[group.members[0]][: group.length])
            suffixes = [prompts[at].after(group.length) for at in group.members]
            self._run(suffixes, group.members, counts, past, group.length, found)
        return found

    def _run(
        self,
        suffixes: Sequence[Prompt],
        members: Sequence[int],
        counts: Sequence[int],
        past: Past,
        before: int,
        found: list[NDArray[np.float64]],
    ) -> None:
        by_length = sorted(range(len(suffixes)), key=lambda at: len(suffixes[at]))
        start = 0
        while start < len(by_length):
            size = 1
            while (
                start + size < len(by_length)
                and (size + 1) * len(suffixes[by_length[start + size]]) <= self._batch_tokens
            ):
                size += 1
            batch = by_length[start : start + size]
            start += size
            length = max(len(suffixes[at]) for at in batch)
            ids = np.full((size, length), self._pad, np.int64)
            spans = np.full((size, length), NO_OPTION, np.int64)
            mask = np.zeros((size, before + length), np.int64)
            mask[:, :before] = 1
            for row, at in enumerate(batch):
                own = len(suffixes[at])
                ids[row, length - own :] = suffixes[at].tokens
                if suffixes[at].spans:
                    spans[row, length - own :] = suffixes[at].spans
                mask[row, before + length - own :] = 1
            logits = self._engine.logits(ids, mask, spans, past)
            for row, at in enumerate(batch):
                place = members[at]
                found[place] = log_softmax(logits[row, : counts[place]].astype(np.float64))


def log_softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log probabilities (K,) of logits (K,)."""
    shifted = values - values.max()
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum())
    return result
