"""Asks a teacher, checks what it says, keeps count, and goes on where it stopped."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from keyart.models.artifacts.lines import write_lines
from keyart.models.dataset.examples import Example
from keyart.models.dataset.reasons import Reason, Status, read_reasons
from keyart.models.llm.prompt.marks import MARKS
from keyart.models.llm.prompt.prompts import Prompter, shuffled
from keyart.schemas.errors import KeyartError

Teacher = Callable[[str], str]
"""Given a prompt in words, returns the reply in words."""

MAX_REASON: Final = 600
_LETTER: Final = re.compile(
    r"\b(?:option|artwork|answer|choice|letter|picture|headline)s?\s*[:#]?\s*[\"'(]?[A-Za-n]\b(?!')"
    r"|^\s*[A-Za-n][.):]\s",
)
_REPLY: Final = re.compile(r"\b([A-Za-n])\b(?!')")
_ATTEMPTS_IN_A_ROW: Final = 5


class Spending(Struct, frozen=True, kw_only=True):
    """What may be spent, over all runs on one file: calls of the teacher, characters both ways."""

    calls: int = 10_000
    characters: int = 20_000_000


class RationaleReport(Struct, frozen=True, kw_only=True):
    """Counts by status, what was spent in all, and whether a bound stopped the run."""

    counts: dict[str, int]
    calls: int
    characters: int
    stopped_by: str = ""


def write_reasons(
    prompter: Prompter,
    examples: Sequence[Example],
    teacher: Teacher,
    judge: Teacher,
    path: Path,
    *,
    spending: Spending | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> RationaleReport:
    """Ask the teacher about every answered example that the file does not hold yet.

    The teacher sees the options in one order, the judge (the teacher itself, or the student) in
    another, with the reason: a reason is kept when the judge finds the answer. One that names an
    option by its letter is dropped, since in training the order is another one again. Every line is
    written as soon as it is known. Five failures in a row end the run; the next goes on from there.

    Parameters
    ----------
    spending
        The bounds; what earlier runs on this file spent counts.
    progress
        Called with examples done and in all.
    """
    bounds = spending or Spending()
    known = list(read_reasons(path)) if path.is_file() else []
    _keep(path, known)
    known = [each for each in known if each.status != "failed"]
    done = {each.id for each in known}
    counts = Counter[str](each.status for each in known)
    calls, characters = sum(e.calls for e in known), sum(e.characters for e in known)
    asked = [each for each in examples if each.answer >= 0]
    failures, stopped = 0, ""
    with path.open("ab") as out:
        for at, example in enumerate(asked):
            progress(at, len(asked))
            if example.id in done:
                continue
            if calls + 2 > bounds.calls or characters >= bounds.characters:
                stopped = "calls" if calls + 2 > bounds.calls else "characters"
                break
            found = _ask(prompter, example, teacher, judge, seed)
            calls, characters = calls + found.calls, characters + found.characters
            counts[found.status] += 1
            out.write(msgspec.json.encode(found) + b"\n")
            out.flush()
            failures = failures + 1 if found.status == "failed" else 0
            if failures == _ATTEMPTS_IN_A_ROW:
                stopped = "failures"
                break
        else:
            progress(len(asked), len(asked))
    return RationaleReport(
        counts=dict(counts), calls=calls, characters=characters, stopped_by=stopped
    )


def _keep(path: Path, known: Sequence[Reason]) -> None:
    """Rewrite the file without an unfinished line and without failures, which are tried again."""
    if path.is_file():
        write_lines(path, (each for each in known if each.status != "failed"))


def _ask(
    prompter: Prompter, example: Example, teacher: Teacher, judge: Teacher, seed: int
) -> Reason:
    count = len(example.options)
    orders = [
        shuffled(count, key=example.id, shuffle=shuffle, seed=seed + 1) for shuffle in range(2)
    ]
    answer = example.options[example.answer].description
    prompt = _fill("reason", question=prompter.question(example, orders[0]), description=answer)
    calls, characters = 1, len(prompt)
    try:
        reason = " ".join(teacher(prompt)[: 2 * MAX_REASON].split())[:MAX_REASON]
        characters += len(reason)
        status: Status = "kept"
        if not reason:
            status = "empty"
        elif _LETTER.search(reason):
            status = "names a letter"
        else:
            check = _fill("judge", question=prompter.question(example, orders[1]), reason=reason)
            reply = judge(check)[:MAX_REASON]
            calls, characters = calls + 1, characters + len(check) + len(reply)
            place = orders[1].tolist().index(example.answer)
            if marked(reply, count) != place:
                status = "misses the answer"
    except KeyartError:
        return Reason(id=example.id, status="failed", calls=calls, characters=characters)
    kept = reason if status == "kept" else ""
    return Reason(id=example.id, status=status, reason=kept, calls=calls, characters=characters)


def marked(reply: str, count: int) -> int:
    """Return the place of the first mark in a reply, -1 when it names none of the first `count`."""
    for found in _REPLY.finditer(reply):
        place = MARKS.find(found[1])
        if 0 <= place < count:
            return place
    return -1


def _fill(name: str, **values: str) -> str:
    text = (files("keyart.models.llm") / "rationales" / f"{name}.v1.txt").read_text("utf-8")
    for key, value in values.items():
        before, blank, after = text.partition("{" + key + "}")
        assert blank, f"{name} has no blank for {key}"
        text = before + value + after
    return text.strip()
