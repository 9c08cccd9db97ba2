"""Examples that ask the same are one: the loss and where it leads are the same."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from msgspec import structs

from keyart.models.dataset.examples import Example, write_examples
from keyart.models.dataset.preferences import preferences
from keyart.models.dataset.summed import summed, summed_pairs
from keyart.models.embed.language_models import LanguageModel
from keyart.models.likelihood.temperature import fit_temperature
from keyart.models.llm.export.export import calibrated
from keyart.models.llm.prompt.prompts import Prompter
from keyart.models.llm.prompt.template import load_template
from keyart.models.llm.scoring.span_reader import new_reader
from keyart.models.llm.training.dpo import WeightedPairCollator, pair_log_probs, preference_loss
from keyart.models.llm.training.likelihood import label_log_probs, listwise_loss
from keyart.models.llm.training.rows import ORDERS, preference_rows, sft_rows
from keyart.models.llm.training.run import train
from keyart.models.llm.training.settings import TrainSettings
from keyart.models.llm.training.sft import WeightedCollator, weighted_loss
from keyart.models.llm.training.spans import SpanCollator, span_rows
from tests.unit.models.conftest import example, small_model, write_dataset

COUNT = 40


def asked_often(**given: Any) -> list[Example]:
    """Return 40 answers by nobody in particular to three questions, of many weights."""
    made = [
        example(at % 3, count=3 + at % 3, answer=at // 3 % 3, history=0, **given)
        for at in range(COUNT)
    ]
    return [structs.replace(each, id=f"d{at}", weight=0.2 + at % 7) for at, each in enumerate(made)]


def one_by_one(examples: Sequence[Example]) -> list[Example]:
    """Return each example in every order in which its question is taught, with its part of it."""
    return [
        structs.replace(each, id=each.title, summed=COUNT, weight=each.weight) for each in examples
    ]


def same(one: tuple[float, list[torch.Tensor]], other: tuple[float, list[torch.Tensor]]) -> None:
    assert one[0] == pytest.approx(other[0], rel=1e-5)
    assert len(one[1]) == len(other[1]) > 0
    for mine, theirs in zip(one[1], other[1], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)


def grads(model: Any, loss: Any) -> tuple[float, list[torch.Tensor]]:
    model.zero_grad()
    loss.backward()
    return float(loss.detach()), [
        each.grad.clone() for each in model.parameters() if each.grad is not None
    ]


def test_loss_and_gradients_of_letters_are_those_of_the_single_examples(tokenizer: Any) -> None:
    prompter, model = Prompter(tokenizer, load_template("choose.v1")), small_model(tokenizer)

    def found(examples: list[Example]) -> tuple[float, list[torch.Tensor]]:
        rows = list(sft_rows(prompter, examples, shuffles=1, seed=0))
        mean = sum(max(row["token_weights"]) for row in rows) / len(rows)
        batch = WeightedCollator(0)([dict(row) for row in rows])
        read = ("input_ids", "attention_mask", "labels", "marks", "shares")
        logs = label_log_probs(model, **{name: batch[name] for name in read})
        return grads(model, weighted_loss(logs, batch["token_weights"]) / mean)

    every = asked_often()
    same(found(summed(every)), found(one_by_one(every)))
    rows = list(sft_rows(prompter, summed(every), shuffles=1, seed=0))
    assert len(rows) == 3 + 4 + ORDERS and len({tuple(row["input_ids"]) for row in rows}) == 11


def test_loss_and_gradients_of_spans_are_those_of_the_single_examples(tokenizer: Any) -> None:
    prompter = Prompter(tokenizer, load_template("choose.v1"))
    reader = new_reader(
        LanguageModel(name="small", model=small_model(tokenizer), tokenizer=tokenizer), 2
    )
    torch.nn.init.normal_(reader.head.weight, generator=torch.Generator().manual_seed(0))

    def found(examples: list[Example]) -> tuple[float, list[torch.Tensor]]:
        rows = list(span_rows(prompter, examples, shuffles=1, seed=0))
        batch = SpanCollator(0)(rows)
        names = ("input_ids", "attention_mask", "spans")
        logits = reader(*(batch[name] for name in names), batch["shares"].shape[1])
        loss = listwise_loss(logits, batch["shares"], batch["weight"]) / batch["weight"].mean()
        return grads(reader, loss)

    every = asked_often()
    same(found(summed(every)), found(one_by_one(every)))


def test_loss_and_gradients_of_preferences_are_those_of_the_single_pairs(tokenizer: Any) -> None:
    prompter, model = Prompter(tokenizer, load_template("choose.v1")), small_model(tokenizer)
    pairs = preferences(asked_often())
    few = summed_pairs(pairs)
    assert len(few) < len(pairs) == COUNT
    assert sum(each.weight for each in few) == pytest.approx(sum(each.weight for each in pairs))
    counts = {(each.example.title, each.chosen, each.rejected): each.example.summed for each in few}
    split = [
        replace(
            each,
            example=structs.replace(
                each.example,
                id=each.example.title if counts[key] > 1 else each.example.id,
                summed=counts[key],
            ),
        )
        for each in pairs
        for key in [(each.example.title, each.chosen, each.rejected)]
    ]

    def found(pairs: list[Any]) -> tuple[float, list[torch.Tensor]]:
        rows: list[Any] = list(preference_rows(prompter, pairs, shuffles=1, seed=0))
        batch = WeightedPairCollator(0)(rows)
        chosen, rejected = pair_log_probs(model, batch)
        losses = preference_loss(chosen - rejected - 0.3, batch["weight"], beta=0.5)
        return grads(model, losses.mean() / batch["weight"].mean())

    same(found(few), found(split))


def test_a_temperature_is_that_of_the_single_answers() -> None:
    every = asked_often()
    said = {each.title: torch.tensor([3.0, 1.0, 0.5, 0.4, 0.2]) for each in every}
    found = {
        title: (each[: 3 + int(title[1:])] / each[: 3 + int(title[1:])].sum()).numpy()
        for title, each in said.items()
    }
    one_by_one = fit_temperature(
        [found[each.title] for each in every],
        [each.answer for each in every],
        [each.weight for each in every],
    )
    few = summed(every)
    together, _ = calibrated(few, [found[each.title] for each in few], 1)
    assert together == pytest.approx(one_by_one, abs=1e-3) and 0.06 < together < 19.0


def test_a_held_out_loss_is_in_nats_whatever_teaches(
    tokenizer: Any, model_folder: Path, tmp_path: Path
) -> None:
    """Four orders of each question teach and one is held out: the loss is that of the prompts."""
    every = [example(at, count=4, answer=at, history=0) for at in range(3)]
    every = [structs.replace(each, id=f"d{at}") for at, each in enumerate(every * 12)]
    folder = tmp_path / "data"
    folder.mkdir()
    write_dataset(folder, {"train": 1, "valid": 1, "test": 1}, options=3)
    for split in ("train", "valid"):
        write_examples(folder / f"{split}.jsonl", every)
    model = str(model_folder)
    given = TrainSettings(model=model, epochs=0.1, learning_rate=1e-9, evaluations=1, device="cpu")
    (report,) = train(folder, tmp_path / "out", given).stages
    prompter = Prompter(tokenizer, load_template("choose.v1"))
    rows = list(sft_rows(prompter, summed(every), shuffles=1, seed=0, orders=1))
    batch = WeightedCollator(0)([dict(row) for row in rows])
    read = ("input_ids", "attention_mask", "labels", "marks", "shares")
    logs = label_log_probs(small_model(tokenizer), **{name: batch[name] for name in read})
    expected = float(weighted_loss(logs, batch["token_weights"]).detach())
    assert report.examples == 12 and report.held_out == pytest.approx([expected], rel=0.01)


def test_what_differs_in_any_word_stays_apart_and_single_ones_are_as_they_were() -> None:
    alone = [example(at, answer=at % 3) for at in range(3)]
    assert summed(alone) == alone
    other = structs.replace(alone[0], id="other", name="another name")
    remembers = structs.replace(alone[0], id="remembers", history=alone[0].history[:1])
    tastes = structs.replace(alone[0], id="tastes", taste="space")
    again = structs.replace(alone[0], id="again", answer=1)
    one, *rest = summed([*alone, other, remembers, tastes, again])
    assert [each.id for each in rest] == ["d1", "d2", "other", "remembers", "tastes"]
    assert (one.id, one.summed, one.soft) == ("t0", 2, (0.5, 0.5, 0.0))
    assert sum(each.weight for each in [one, *rest]) == pytest.approx(6.0), "mean 1"
    assert one.weight == pytest.approx(2 * rest[0].weight)
