"""An example as tokens: bounded, its options in a given order, ready for the answer."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from keyart.models.dataset.examples import Example
from keyart.models.llm.prompt.marks import MARKS, mark_tokens
from keyart.models.llm.prompt.template import Template

NO_OPTION: Final = -1
_SPACE: Final = re.compile(r"\s+")
_CUT_FACTOR: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Bounds of a prompt in tokens: of the whole history, of one description, of other texts."""

    history: int = 160
    description: int = 48
    name: int = 32
    taste: int = 32
    lately: int = 96


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as tokens, and, where options are read from them, whose description each is in.

    `spans`, parallel to `tokens`, is the place of that option, `NO_OPTION` elsewhere; or empty.
    """

    tokens: list[int]
    spans: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.tokens)

    @property
    def first_option(self) -> int:
        """How many tokens stand before the first that is an option's."""
        return next(at for at, place in enumerate(self.spans) if place != NO_OPTION)

    def after(self, length: int) -> "Prompt":
        """Return the prompt without its first tokens."""
        return Prompt(self.tokens[length:], self.spans[length:])


class Prompter:
    """Writes prompts for one tokenizer and one template.

    A text from outside cannot pose as the prompt's own: white space becomes one space (so no text
    starts a new line) and the tokenizer's special tokens are taken out.
    """

    def __init__(self, tokenizer: Any, template: Template, budget: Budget | None = None) -> None:
        self.tokenizer = tokenizer
        self.template = template
        self.budget = budget or Budget()
        special = [token for token in tokenizer.all_special_tokens if token]
        special += [str(token) for token in tokenizer.added_tokens_decoder.values()]
        self._special = re.compile("|".join(map(re.escape, sorted(set(special)))) or r"(?!)")
        self._chat = bool(getattr(tokenizer, "chat_template", None))
        self.marks = mark_tokens(tokenizer, self._wrap("", "")[-24:])

    def clean(self, text: str, tokens: int) -> str:
        """Return the text on one line, without special tokens, of at most so many tokens."""
        text = text[: tokens * _CUT_FACTOR]
        while (cleaned := self._special.sub(" ", text)) != text:
            text = cleaned
        text = _SPACE.sub(" ", text).strip()
        found = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        offsets = found["offset_mapping"]
        return text if len(offsets) <= tokens else text[: offsets[tokens][0]].rstrip()

    def history(self, example: Example) -> list[str]:
        """Return the history's lines that fit the budget, the most recent first."""
        lines, left = [], self.budget.history
        for entry in example.history:
            line = self.template.fill(
                "entry",
                title=self.clean(entry.title, self.budget.name),
                description=self.clean(entry.description, self.budget.description),
            )
            left -= len(self.tokenizer.encode(line, add_special_tokens=False)) + 1
            if left < 0:
                break
            lines.append(line)
        return lines

    def question(self, example: Example, order: np.ndarray[Any, Any] | None = None) -> str:
        """Return the question; option `order[i]` stands at place i (default: as they come)."""
        fill, budget = self.template.fill, self.budget
        lines = self.history(example)
        viewer = fill("viewer", history="\n".join(lines)) if lines else fill("stranger")
        if example.taste:
            viewer += "\n" + fill("taste", taste=self.clean(example.taste, budget.taste))
        if example.lately and self.template.tells_lately:
            viewer += "\n" + fill("lately", lately=self.clean(example.lately, budget.lately))
        options = "\n".join(line for line, _ in self._options(example, order))
        title = fill("title", name=self.clean(example.name, budget.name), options=options)
        parts = [viewer, title] if self.template.order == "viewer-first" else [title, viewer]
        parts.append(fill("question"))
        return "\n".join(part.strip("\n") for part in parts if part.strip())

    def _options(
        self, example: Example, order: np.ndarray[Any, Any] | None
    ) -> list[tuple[str, str]]:
        """Return each option's line, in their order, and the description in it."""
        places = range(len(example.options)) if order is None else order.tolist()
        made = []
        for place, at in enumerate(places):
            words = self.clean(example.options[at].description, self.budget.description)
            made.append((self.template.fill("option", mark=MARKS[place], description=words), words))
        return made

    def messages(
        self, example: Example, order: np.ndarray[Any, Any] | None = None
    ) -> list[dict[str, str]]:
        """Return the prompt as a conversation: system and user."""
        return _messages(self.template.fill("system"), self.question(example, order))

    def text(self, example: Example, order: np.ndarray[Any, Any] | None = None) -> str:
        """Return the prompt as the model reads it, up to where the answer begins."""
        return self._wrap(self.template.fill("system"), self.question(example, order))

    def _wrap(self, system: str, user: str) -> str:
        if not self._chat:
            return f"{system}\n\n{user}\nAnswer:\n"
        text: str = self.tokenizer.apply_chat_template(
            _messages(system, user), tokenize=False, add_generation_prompt=True
        )
        return text

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a prompt that `text` wrote, special tokens included."""
        tokens: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return tokens

    def tokens(self, example: Example, order: np.ndarray[Any, Any] | None = None) -> list[int]:
        """Return the prompt's tokens: what comes next is the answer's mark."""
        return self.encode(self.text(example, order))

    def prompt(
        self,
        example: Example,
        order: np.ndarray[Any, Any] | None = None,
        *,
        spans: bool = False,
    ) -> Prompt:
        """Return the prompt's tokens and, if asked for, the option that each belongs to.

        An option whose description has no token (it is empty) is read at its whole line.
        """
        text = self.text(example, order)
        if not spans:
            return Prompt(self.encode(text))
        found = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        lines = self._options(example, order)
        # the options' lines together can stand nowhere else: no other text has more than one line
        at = text.rindex("\n".join(line for line, _ in lines))
        places = [NO_OPTION] * len(text)
        for place, (line, words) in enumerate(lines):
            before = self.template.fill("option", mark=MARKS[place], description="\0").index("\0")
            start, size = (at + before, len(words)) if words else (at, len(line))
            places[start : start + size] = [place] * size
            at += len(line) + 1
        owners = [
            max(places[start:end], default=NO_OPTION) for start, end in found["offset_mapping"]
        ]
        return Prompt(found["input_ids"], owners)

    def completion(self, place: int, reason: str = "") -> list[int]:
        """Return the answer's tokens: its mark, and after it the reason when there is one."""
        if not reason:
            return [self.marks[place]]
        told = self.template.fill("reason", mark="", reason=self.clean(reason, 96))
        return [self.marks[place], *self.encode(told)]


def _messages(system: str, user: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def shuffled(
    count: int, *, key: str, shuffle: int, seed: int
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return a permutation of `count` options, the same for the same example, shuffle and seed.

    Shuffles 0, 1, 2, ... of one example are one random permutation turned by 0, 1, 2, ... places
    (a new one after each full turn): over `count` shuffles every option stands once at every place,
    which averages a position bias away exactly, where as many random permutations would not.
    """
    turn, again = shuffle % count, shuffle // count
    digest = hashlib.blake2b(f"{seed}\x1f{again}\x1f{key}".encode(), digest_size=8).digest()
    base = np.random.default_rng(int.from_bytes(digest, "little")).permutation(count)
    return np.roll(base, turn).astype(np.int64)
