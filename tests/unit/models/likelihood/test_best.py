"""Soft answers: against a simulation of the same posterior, and at the ends."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from keyart.models.dataset.examples import read_examples, write_examples
from keyart.models.dataset.prepare import prepare_table, read_split
from keyart.models.likelihood.best import chances_of_best
from keyart.models.likelihood.relative import OWN_VARIANCE
from keyart.models.llm.prompt.prompts import Prompter
from keyart.models.llm.prompt.template import load_template
from keyart.models.llm.training.rows import sft_rows
from keyart.schemas.errors import InvalidRecord
from tests.unit.models.conftest import example, small_model
from tests.unit.models.llm.test_training import gradients


@pytest.mark.parametrize(
    ("taken", "shown"),
    [((30, 40, 55), (3000, 3000, 3100)), ((1, 0), (90, 100)), ((5, 9, 2, 2, 4), (500,) * 5)],
)
def test_chances_are_those_of_draws_from_the_posterior(
    taken: tuple[int, ...], shown: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(0)
    level = sum(taken) / sum(shown)
    shape = 1 / OWN_VARIANCE + np.array(taken)
    draws = rng.gamma(
        shape, 1 / (1 / OWN_VARIANCE + level * np.array(shown)), (200_000, len(taken))
    )
    expected = np.bincount(draws.argmax(axis=1), minlength=len(taken)) / len(draws)
    found = chances_of_best(taken, shown)
    assert found.sum() == pytest.approx(1)
    np.testing.assert_allclose(found, expected, atol=5e-3)


def test_chances_without_evidence_are_even_and_with_much_are_sure() -> None:
    np.testing.assert_allclose(chances_of_best((0, 0, 0), (10, 10, 10)), 1 / 3, atol=1e-3)
    assert chances_of_best((20_000, 10_000), (100_000, 100_000))[0] > 0.999


def test_a_table_has_soft_answers_and_leaves_out_another_tables_tests(tmp_path: Path) -> None:
    table, other = tmp_path / "t.csv", tmp_path / "other.csv"
    head = "test,text,impressions,clicks,at_ms\n"
    rows = [f"w{at},p{at},1000,{at % 3 + 1},{at}\nw{at},q{at},1000,2,{at}\n" for at in range(10)]
    table.write_text(head + "".join(rows))
    other.write_text(head + rows[3])
    dataset = prepare_table(table, tmp_path / "out", valid=0.2, test=0.2, without=other)
    made = [
        each for split in ("train", "valid", "test") for each in read_split(tmp_path / "out", split)
    ]
    assert dataset.left_out == {"test of other.csv": 1}
    assert "w3" not in {each.id for each in made}
    assert len(made) == 9
    for each in made:
        expected = chances_of_best(each.rewards, each.impressions)
        np.testing.assert_allclose(each.soft, expected, atol=1e-5)
        assert each.weight == 1.0  # every option was shown: nothing was selected by a propensity
    hard = tmp_path / "hard"
    prepare_table(table, hard, valid=0.2, test=0.2, soft=False)
    assert {each.soft for each in read_split(hard, "train")} == {()}


def test_a_soft_answer_of_another_length_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    write_examples(path, [example(0, soft=(0.5, 0.5))])
    with pytest.raises(InvalidRecord, match="columns"):
        list(read_examples(path))


def test_a_soft_answer_is_the_mean_of_hard_ones(tokenizer: Any) -> None:
    """Its loss and gradients are those of one hard example an option, by their shares."""
    prompter = Prompter(tokenizer, load_template("choose.v1"))
    model = small_model(tokenizer)
    shares = (0.5, 0.3, 0.2)
    soft = example(4, soft=shares, weight=1.5)
    hard = [
        msgspec.structs.replace(soft, soft=(), answer=at, weight=share)
        for at, share in enumerate(shares)
    ]
    mixed = gradients(model, list(sft_rows(prompter, [soft], shuffles=1, seed=0)), 0)
    each = gradients(model, list(sft_rows(prompter, hard, shuffles=1, seed=0)), 0)
    assert mixed[0] == pytest.approx(each[0], rel=1e-5)
    for name, gradient in mixed[1].items():
        torch.testing.assert_close(gradient, each[1][name], rtol=1e-3, atol=1e-5)


def test_doubling_a_soft_examples_weight_is_duplicating_it(tokenizer: Any) -> None:
    prompter = Prompter(tokenizer, load_template("choose.v1"))
    model = small_model(tokenizer)
    made = [example(at, soft=(0.6, 0.1, 0.3)) for at in range(2)]
    doubled = [msgspec.structs.replace(made[0], weight=2.0), made[1]]
    once = gradients(model, list(sft_rows(prompter, doubled, shuffles=1, seed=0)), 0)
    again = gradients(model, list(sft_rows(prompter, [made[0], *made], shuffles=1, seed=0)), 0)
    assert once[0] == pytest.approx(again[0], rel=1e-5)
    for name, gradient in once[1].items():
        torch.testing.assert_close(gradient, again[1][name], rtol=1e-4, atol=1e-6)
