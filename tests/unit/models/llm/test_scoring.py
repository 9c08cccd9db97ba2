"""Scoring: shared prefixes change the cost and nothing else; shuffles; the table."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from keyart.models.dataset.segments import Segment
from keyart.models.likelihood.groups import GroupWorth
from keyart.models.likelihood.temperature import tempered
from keyart.models.llm.prompt.prompts import Prompter, shuffled
from keyart.models.llm.prompt.template import load_template
from keyart.models.llm.scoring.opinions import Opinions, opinions
from keyart.models.llm.scoring.options import position_bias, score_options
from keyart.models.llm.scoring.plan import plan
from keyart.models.llm.scoring.scorer import Scorer
from keyart.models.llm.scoring.table import read_table, score_table
from keyart.models.llm.scoring.torch_engine import TorchEngine
from keyart.models.priors.opinion import relative_log
from keyart.models.priors.worth import UNMEASURED, Worth
from keyart.schemas.catalogue import Artwork, Title
from tests.unit.models.conftest import WORDS, example


def brute_force_cost(prompts: Sequence[Sequence[int]]) -> int:
    """The fewest tokens over all partitions into groups that share a prefix."""

    def partitions(items: list[int]) -> Any:
        if not items:
            yield []
            return
        first, *rest = items
        for size in range(len(rest) + 1):
            for others in itertools.combinations(rest, size):
                left = [at for at in rest if at not in others]
                for more in partitions(left):
                    yield [[first, *others], *more]

    def cost(group: list[int]) -> int:
        rows = [prompts[at] for at in group]
        total = sum(map(len, rows))
        if len(rows) == 1:
            return total
        common = 0
        while common < min(map(len, rows)) - 1 and len({row[common] for row in rows}) == 1:
            common += 1
        return total - (len(rows) - 1) * common

    return min(sum(map(cost, groups)) for groups in partitions(list(range(len(prompts)))))


@pytest.mark.parametrize("seed", range(12))
def test_plan_needs_the_fewest_tokens(seed: int) -> None:
    rng = np.random.default_rng(seed)
    prompts = [rng.integers(0, 2, rng.integers(1, 7)).tolist() for _ in range(6)]
    groups = plan(prompts)
    assert sorted(at for group in groups for at in group.members) == list(range(6))
    for group in groups:
        heads = {tuple(prompts[at][: group.length]) for at in group.members}
        assert len(heads) == 1
        assert all(len(prompts[at]) > group.length for at in group.members)
    computed = sum(
        group.length + sum(len(prompts[at]) - group.length for at in group.members)
        for group in groups
    )
    assert computed == brute_force_cost(prompts)


def oracle(model: Any, prompter: Prompter, made: Any, order: Any) -> np.ndarray[Any, Any]:
    """One prompt alone, through the whole model, the textbook way."""
    with torch.inference_mode():
        logits = model(torch.tensor([prompter.tokens(made, order)])).logits[0, -1]
    logs: np.ndarray[Any, Any] = (
        logits[list(prompter.marks[: len(made.options)])].log_softmax(-1).numpy()
    )
    return logs


@pytest.mark.parametrize("batch_tokens", [1, 300, 100_000])
def test_sharing_and_batching_change_nothing(tokenizer: Any, model: Any, batch_tokens: int) -> None:
    prompter = Prompter(tokenizer, load_template("choose.v1"))
    made = [example(at, count=2 + at % 3, history=at % 2 * 3) for at in range(6)]
    made += [msgspec.structs.replace(each, id=each.id + "again") for each in made]
    prompts = [prompter.prompt(each) for each in made]
    scorer = Scorer(TorchEngine(model, prompter.marks), batch_tokens=batch_tokens)
    found = scorer.score(prompts, [len(each.options) for each in made])
    for each, logs in zip(made, found, strict=True):
        order = np.arange(len(each.options))
        np.testing.assert_allclose(logs, oracle(model, prompter, each, order), atol=2e-4)


def test_probabilities_are_the_mean_over_shuffles(tokenizer: Any, model: Any) -> None:
    prompter = Prompter(tokenizer, load_template("choose.v1"))
    made = example(3, count=4)
    scorer = Scorer(TorchEngine(model, prompter.marks))
    one = score_options(prompter, scorer, [made], shuffles=3, seed=7)[0]
    total, places = np.zeros(4), np.zeros(4)
    for shuffle in range(3):
        order = shuffled(4, key=made.id, shuffle=shuffle, seed=7)
        found = np.exp(oracle(model, prompter, made, order))
        places += found / 3
        for place, at in enumerate(order):
            total[at] += found[place] / 3
    np.testing.assert_allclose(one.probabilities, total, atol=1e-4)
    np.testing.assert_allclose(one.places, places, atol=1e-4)


class OnlyTheFirst:
    """An engine that answers A whatever the prompt: position bias and nothing else."""

    reads_spans = False

    def remember(self, tokens: Sequence[int]) -> None:
        return None

    def logits(self, input_ids: Any, attention_mask: Any, spans: Any, past: Any) -> Any:
        found = np.full((len(input_ids), 40), -30.0, np.float32)
        found[:, 0] = 30.0
        return found


def test_position_bias_is_reported_and_averaged_away(tokenizer: Any) -> None:
    prompter = Prompter(tokenizer, load_template("choose.v1"))
    found = score_options(prompter, Scorer(OnlyTheFirst()), [example(0, count=4)], shuffles=4)
    np.testing.assert_allclose(found[0].probabilities, 0.25)
    assert position_bias(found) == pytest.approx(0.75)


def test_relative_and_tempered() -> None:
    given = np.array([0.5, 0.3, 0.2])
    assert relative_log(given).sum() == pytest.approx(0)
    np.testing.assert_allclose(tempered(given, 1.0), given)
    hot = tempered(given, 2.0)
    np.testing.assert_allclose(hot / hot.sum(), np.sqrt(given) / np.sqrt(given).sum())


def catalogue(count: int = 5) -> list[Title]:
    return [
        Title(
            id=f"t{at}",
            name=f"title {at}",
            artworks=tuple(
                Artwork(id=f"a{place}", description=WORDS[(at + place) % 5]) for place in range(3)
            ),
        )
        for at in range(count)
    ]


SEGMENTS = [
    Segment(name="", viewers=9),
    Segment(name="s0", viewers=4, history=example(0).history),
]


def made_opinions(tokenizer: Any, model: Any, *, worth: Worth | None = None) -> Opinions:
    prompter = Prompter(tokenizer, load_template("choose.v1"))
    scorer = Scorer(TorchEngine(model, prompter.marks))
    return Opinions(name="small", prompter=prompter, scorer=scorer, shuffles=2, worth=worth)


@pytest.fixture
def small_opinions(tokenizer: Any, model: Any) -> Opinions:
    return made_opinions(tokenizer, model)


def test_table_holds_every_segment_and_title(small_opinions: Opinions, tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    report = score_table(small_opinions, catalogue(), SEGMENTS, path)
    rows = list(read_table(path))
    assert (report.scored, report.kept, len(rows)) == (10, 0, 10)
    assert {(row.segment, row.title) for row in rows} == {
        (segment, f"t{at}") for segment in ("", "s0") for at in range(5)
    }
    for row in rows:
        assert sum(row.relative) == pytest.approx(0, abs=1e-5)
        assert row.artworks == ("a0", "a1", "a2")


def test_strength_and_scale_are_those_that_were_measured(
    tokenizer: Any, model: Any, small_opinions: Opinions, tmp_path: Path
) -> None:
    worth = Worth(scale=0.25, strength=700.0, gain=9.0, titles=30)
    measured = made_opinions(tokenizer, model, worth=worth)
    plain, scaled, given = (tmp_path / f"{name}.jsonl" for name in ("plain", "scaled", "given"))
    score_table(small_opinions, catalogue(), SEGMENTS, plain)
    score_table(measured, catalogue(), SEGMENTS, scaled)
    for before, after in zip(read_table(plain), read_table(scaled), strict=True):
        assert (before.strength, after.strength) == (UNMEASURED, 700.0)
        np.testing.assert_allclose(after.relative, 0.25 * np.array(before.relative), atol=2e-6)
    score_table(measured, catalogue(), SEGMENTS, given, strength=80.0)
    assert {row.strength for row in read_table(given)} == {80.0}
    odd = GroupWorth(factor=2.0, strength=90.0, gain=5.0, titles=40)
    grouped = made_opinions(
        tokenizer, model, worth=msgspec.structs.replace(worth, groups={"odd": odd})
    )
    titles = [msgspec.structs.replace(each, group="odd") for each in catalogue()]
    score_table(grouped, titles, SEGMENTS, tmp_path / "grouped.jsonl")
    both = zip(read_table(plain), read_table(tmp_path / "grouped.jsonl"), strict=True)
    for before, after in both:
        assert after.strength == 90.0
        np.testing.assert_allclose(after.relative, 0.5 * np.array(before.relative), atol=2e-6)
    report = score_table(small_opinions, catalogue(), SEGMENTS, scaled)
    assert (report.kept, report.scored) == (0, 10)  # another worth is another table


def test_only_what_changed_is_scored_again(small_opinions: Opinions, tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    score_table(small_opinions, catalogue(), SEGMENTS, path)
    titles = catalogue(6)
    titles[1] = msgspec.structs.replace(
        titles[1], artworks=(*titles[1].artworks, Artwork(id="a9", description="new"))
    )
    report = score_table(small_opinions, titles, SEGMENTS, path)
    assert (report.kept, report.scored, report.dropped) == (8, 4, 2)
    report = score_table(small_opinions, titles[:2], SEGMENTS[:1], path)
    assert (report.kept, report.scored) == (2, 0)
    assert len(list(read_table(path))) == 2


def test_a_stopped_run_goes_on(small_opinions: Opinions, tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole.jsonl", tmp_path / "stopped.jsonl"
    score_table(small_opinions, catalogue(), SEGMENTS, whole)
    data = whole.read_bytes()
    stopped.write_bytes(data[: int(len(data) * 0.63)])
    report = score_table(small_opinions, catalogue(), SEGMENTS, stopped)
    assert 0 < report.kept < 10
    assert sorted(stopped.read_bytes().splitlines()) == sorted(data.splitlines())


def test_opinions_of_headline_tests(model_folder: Path, tokenizer: Any, model: Any) -> None:
    tests = [["only one"], list(WORDS[:3]), list(WORDS[2:4])]
    found = opinions(str(model_folder), tests)
    assert [each.shape for each in found] == [(1,), (3,), (2,)]
    assert found[0].tolist() == [0.0]
    assert all(abs(each.sum()) < 1e-9 for each in found)
