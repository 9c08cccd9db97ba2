"""Reasons: kept when they lead back, counted when not, bounded in cost, resumed after a stop."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from keyart.models.dataset.reasons import read_reasons, with_reasons
from keyart.models.llm.prompt.marks import MARKS
from keyart.models.llm.prompt.prompts import Prompter
from keyart.models.llm.prompt.template import load_template
from keyart.models.llm.rationales.hugging_face import hugging_face_teacher
from keyart.models.llm.rationales.write import (
    Spending,
    marked,
    write_reasons,
)
from keyart.models.llm.training.rows import sft_rows
from keyart.schemas.errors import KeyartError
from tests.unit.models.conftest import example


class Away(KeyartError):
    """The teacher is away."""


class Reader:
    """A teacher who explains by quoting, and a judge who looks the quoted words up."""

    def __init__(self, *, lies_about: str = "", letters: str = "", away_after: int = 10**9) -> None:
        self.lies_about, self.letters, self.away_after = lies_about, letters, away_after
        self.asked: list[str] = []

    def __call__(self, prompt: str) -> str:
        self.asked.append(prompt)
        if len(self.asked) > self.away_after:
            raise Away("away")
        if "says: " in prompt:
            return self._judge(prompt)
        words = prompt.split("opened this one: ")[1].splitlines()[0]
        if self.letters and words in self.letters:
            return "Because option B shows it."
        if self.lies_about and words in self.lies_about:
            return "it shows nothing of the kind"
        return f"This viewer enjoys {words}."

    @staticmethod
    def _judge(prompt: str) -> str:
        reason = prompt.split("says: ")[1].splitlines()[0]
        for line in prompt.splitlines():
            mark, _, words = line.partition(". ")
            if mark in MARKS and words and words in reason:
                return f"They mean {mark}."
        return "I cannot tell"


@pytest.fixture
def prompter(tokenizer: Any) -> Prompter:
    return Prompter(tokenizer, load_template("choose.v1"))


def test_reasons_that_lead_back_are_kept(prompter: Prompter, tmp_path: Path) -> None:
    path, teacher = tmp_path / "r.jsonl", Reader()
    made = [example(at, answer=at % 3) for at in range(5)] + [example(9, answer=-1)]
    report = write_reasons(prompter, made, teacher, teacher, path)
    assert report.counts == {"kept": 5}
    assert report.calls == len(teacher.asked) == 10
    held = with_reasons(made, path)
    for each in held[:5]:
        assert each.options[each.answer].description in each.reason
    assert held[5].reason == ""


def test_others_are_dropped_and_counted(prompter: Prompter, tmp_path: Path) -> None:
    made = [example(at, answer=0) for at in range(5)]
    words = [each.options[0].description for each in made]
    teacher = Reader(lies_about=words[1], letters=words[2])
    report = write_reasons(prompter, made, teacher, teacher, tmp_path / "r.jsonl")
    assert report.counts == {"kept": 3, "misses the answer": 1, "names a letter": 1}
    assert sum(bool(each.reason) for each in with_reasons(made, tmp_path / "r.jsonl")) == 3


def test_spending_is_bounded_over_all_runs(prompter: Prompter, tmp_path: Path) -> None:
    path, made = tmp_path / "r.jsonl", [example(at) for at in range(6)]
    first = Reader()
    report = write_reasons(prompter, made, first, first, path, spending=Spending(calls=5))
    assert (report.calls, report.stopped_by) == (4, "calls")
    again = Reader()
    report = write_reasons(prompter, made, again, again, path, spending=Spending(calls=5))
    assert again.asked == []
    report = write_reasons(prompter, made, again, again, path, spending=Spending(calls=100))
    assert (report.counts, report.calls, report.stopped_by) == ({"kept": 6}, 12, "")


def test_a_stopped_run_goes_on_without_asking_twice(prompter: Prompter, tmp_path: Path) -> None:
    path, made = tmp_path / "r.jsonl", [example(at) for at in range(12)]
    tired = Reader(away_after=6)
    report = write_reasons(prompter, made, tired, tired, path)
    assert report.stopped_by == "failures"
    assert report.counts["kept"] == 3
    with path.open("ab") as out:
        out.write(b'{"id": "d3", "sta')  # killed in the middle of a line
    fresh = Reader()
    report = write_reasons(prompter, made, fresh, fresh, path)
    assert report.counts == {"kept": 12}
    assert len(fresh.asked) == 2 * 9
    assert len(list(read_reasons(path))) == 12


def test_marks_in_replies() -> None:
    assert marked("B", 3) == 1
    assert marked("The answer is C.", 3) == 2
    assert marked("D", 3) == -1
    assert marked("Nothing", 3) == -1


def test_the_reason_follows_the_answer_and_weighs_its_share(prompter: Prompter) -> None:
    made = msgspec.structs.replace(example(0, answer=1), reason="space opera", weight=2.0)
    row = next(sft_rows(prompter, [made], shuffles=1, seed=0, reason_share=0.5))
    own = [weight for weight in row["token_weights"] if weight]
    assert own[0] == 2.0
    assert sum(own[1:]) == pytest.approx(1.0)
    first = row["token_weights"].index(2.0)
    assert row["input_ids"][first] in prompter.marks
    assert "space opera" in prompter.tokenizer.decode(row["input_ids"][first + 1 :])
    plain = next(sft_rows(prompter, [made], shuffles=1, seed=0))
    assert plain["input_ids"] == row["input_ids"][: first + 1]


def test_a_local_model_teaches(model_folder: Path) -> None:
    teacher = hugging_face_teacher(str(model_folder), tokens=5)
    assert teacher("Why?") == teacher("Why?")
