"""Post-training: weights, resumption, early stop; on a model small enough for seconds."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from keyart.models.llm.opinions import load_opinions
from keyart.models.llm.prepare import read_split
from keyart.models.llm.prompts import Prompter
from keyart.models.llm.template import load_template
from keyart.models.llm.training.dpo import preference_loss
from keyart.models.llm.training.likelihood import label_log_probs
from keyart.models.llm.training.rows import sft_rows
from keyart.models.llm.training.run import train
from keyart.models.llm.training.settings import TrainSettings
from keyart.models.llm.training.sft import WeightedCollator, weighted_loss
from keyart.schemas.errors import SettingsError
from tests.unit.models.llm.conftest import example, small_model


def settings(folder: Path, **given: Any) -> TrainSettings:
    made: dict[str, Any] = {
        "model": str(folder),
        "epochs": 1.0,
        "batch": 8,
        "lora": 4,
        "evaluations": 2,
        "learning_rate": 5e-3,
        "device": "cpu",
    }
    return TrainSettings(**{**made, **given})


def gradients(model: Any, rows: list[Any], pad: int) -> tuple[float, dict[str, torch.Tensor]]:
    mean = sum(max(row["token_weights"]) for row in rows) / len(rows)
    batch = WeightedCollator(pad)(rows)
    read = ("input_ids", "attention_mask", "labels", "marks", "shares")
    found = label_log_probs(model, **{name: batch[name] for name in read})
    loss = weighted_loss(found, batch["token_weights"]) / mean
    model.zero_grad()
    loss.backward()
    return float(loss.detach()), {
        name: each.grad.clone() for name, each in model.named_parameters() if each.grad is not None
    }


def test_doubling_a_weight_is_duplicating_the_example(tokenizer: Any) -> None:
    prompter = Prompter(tokenizer, load_template("choose.v1"))
    model = small_model(tokenizer)
    examples = [example(at, answer=at % 3) for at in range(3)]
    doubled = [msgspec.structs.replace(examples[0], weight=2.0), *examples[1:]]
    twice = [examples[0], *examples]
    once = gradients(model, list(sft_rows(prompter, doubled, shuffles=1, seed=0)), 0)
    again = gradients(model, list(sft_rows(prompter, twice, shuffles=1, seed=0)), 0)
    assert once[0] == pytest.approx(again[0], rel=1e-5)
    for name, gradient in once[1].items():
        torch.testing.assert_close(gradient, again[1][name], rtol=1e-4, atol=1e-6)


def test_loss_is_on_the_answer_alone(tokenizer: Any, model: Any) -> None:
    prompter = Prompter(tokenizer, load_template("choose.v1"))
    row = next(sft_rows(prompter, [example(0, answer=1)], shuffles=1, seed=0))
    batch = WeightedCollator(0)([dict(row)])
    found = label_log_probs(model, batch["input_ids"], batch["attention_mask"], batch["labels"])
    with torch.no_grad():
        logits = model(torch.tensor([row["input_ids"]])).logits[0, -2].log_softmax(-1)
    assert int((batch["labels"] != -100).sum()) == 1
    assert float(weighted_loss(found, batch["token_weights"]).detach()) == pytest.approx(
        -float(logits[row["input_ids"][-1]]), rel=1e-4
    )


def test_preference_loss_weighs_pairs() -> None:
    margin = torch.tensor([0.0, 2.0])
    found = preference_loss(margin, torch.tensor([1.0, 3.0]), beta=0.5)
    expected = torch.tensor([1.0, 3.0]) * torch.log(1 + torch.exp(-0.5 * margin))
    torch.testing.assert_close(found, expected)


def test_a_run_learns_and_reports(model_folder: Path, dataset: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int, float]] = []
    report = train(
        dataset,
        tmp_path / "out",
        settings(model_folder, method="sft+dpo", epochs=4.0, lora=0, learning_rate=2e-3),
        progress=lambda *step: told.append(step),
    )
    assert [stage.stage for stage in report.stages] == ["sft", "dpo"]
    for stage in report.stages:
        assert min(stage.held_out) < stage.held_out[0] or stage.held_out[0] < 1.0
    assert told and told[-1][1] <= told[-1][2]
    assert not (tmp_path / "out" / "checkpoints").exists()
    opinions = load_opinions(str(tmp_path / "out"), shuffles=3)
    scored = opinions.scored(read_split(dataset, "test"))
    assert all(abs(one.probabilities.sum() - 1) < 1e-6 for one in scored)


def test_same_seed_same_model(model_folder: Path, dataset: Path, tmp_path: Path) -> None:
    runs = [
        train(dataset, tmp_path / name, settings(model_folder)).stages[0].held_out
        for name in ("a", "b")
    ]
    assert runs[0] == runs[1]


def test_stops_early_when_held_out_likelihood_falls(
    model_folder: Path, dataset: Path, tmp_path: Path
) -> None:
    wild = settings(
        model_folder, epochs=20.0, lora=0, learning_rate=0.5, evaluations=10, patience=1
    )
    report = train(dataset, tmp_path / "out", wild)
    assert report.stages[0].stopped_early


def test_bounds() -> None:
    with pytest.raises(SettingsError, match="method"):
        TrainSettings(method="rlhf")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="batch"):
        TrainSettings(batch=0)
