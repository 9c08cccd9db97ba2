"""Post-training: weights, resumption, early stop; on a model small enough for seconds."""

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from keyart.models.dataset.examples import SPLITS, write_examples
from keyart.models.dataset.preferences import Preference, preferences
from keyart.models.dataset.prepare import DATASET_FILE, read_split
from keyart.models.dataset.reasons import REASONS_FILE, Reason
from keyart.models.llm.prompt.prompts import Prompter
from keyart.models.llm.prompt.template import load_template
from keyart.models.llm.scoring.opinions import load_opinions
from keyart.models.llm.training.dpo import WeightedPairCollator, pair_log_probs, preference_loss
from keyart.models.llm.training.likelihood import label_log_probs
from keyart.models.llm.training.rows import preference_rows, sft_rows
from keyart.models.llm.training.run import train
from keyart.models.llm.training.settings import TrainSettings
from keyart.models.llm.training.sft import WeightedCollator, weighted_loss
from keyart.schemas.errors import InvalidRecord, SettingsError
from tests.unit.models.conftest import example, small_model


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


def pair_gradients(model: Any, prompter: Prompter, pairs: list[Preference]) -> list[torch.Tensor]:
    rows: list[Any] = list(preference_rows(prompter, pairs, shuffles=1, seed=0))
    batch = WeightedPairCollator(0)(rows)
    chosen, rejected = pair_log_probs(model, batch)
    loss: Any = preference_loss(chosen - rejected - 0.3, batch["weight"], beta=0.5).mean()
    model.zero_grad()
    (loss / (sum(pair.weight for pair in pairs) / len(pairs))).backward()
    return [each.grad.clone() for each in model.parameters() if each.grad is not None]


def test_doubling_a_pairs_weight_is_duplicating_it(tokenizer: Any) -> None:
    prompter = Prompter(tokenizer, load_template("choose.v1"))
    model = small_model(tokenizer)
    pairs = preferences([example(at, answer=at % 3) for at in range(3)])
    doubled = [dataclasses.replace(pairs[0], weight=2 * pairs[0].weight), *pairs[1:]]
    once = pair_gradients(model, prompter, doubled)
    again = pair_gradients(model, prompter, [pairs[0], *pairs])
    plain = pair_gradients(model, prompter, pairs)
    for one, other in zip(once, again, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    assert any(not torch.allclose(one, other) for one, other in zip(once, plain, strict=True))


def with_own_reasons(dataset: Path, folder: Path, *, every: int) -> int:
    """Copy a dataset, give every so-manieth answer a reason that was kept; return how many."""
    folder.mkdir()
    for split in SPLITS:
        write_examples(folder / f"{split}.jsonl", read_split(dataset, split))
    (folder / DATASET_FILE).write_bytes((dataset / DATASET_FILE).read_bytes())
    answered = read_split(dataset, "train") + read_split(dataset, "valid")
    with (folder / REASONS_FILE).open("wb") as out:
        for at, each in enumerate(answered):
            said = each.options[each.answer].description
            kept = at % every == 0
            reason = Reason(
                id=each.id,
                status="kept" if kept else "misses the answer",
                reason=f"They enjoy {said}." if kept else "",
            )
            out.write(msgspec.json.encode(reason) + b"\n")
    return len(range(0, len(read_split(dataset, "train")), every))


def test_a_rationale_run_learns_from_the_kept_reasons_alone(
    model_folder: Path, dataset: Path, tmp_path: Path
) -> None:
    given = settings(model_folder, method="rationale", epochs=6.0, lora=0, learning_rate=2e-3)
    with pytest.raises(InvalidRecord, match="no example has a reason"):
        train(dataset, tmp_path / "none", given)
    kept = with_own_reasons(dataset, tmp_path / "data", every=2)
    report = train(tmp_path / "data", tmp_path / "out", given)
    (stage,) = report.stages
    assert (stage.stage, stage.examples) == ("rationale", kept)
    assert stage.held_out[-1] < stage.held_out[0]
    opinions = load_opinions(str(tmp_path / "out"), shuffles=3)
    for one in opinions.scored(read_split(dataset, "test")):
        assert one.probabilities.sum() == pytest.approx(1)


class Killed(Exception):
    """Stands for the power failing between two steps."""


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    model_folder: Path, dataset: Path, tmp_path: Path, method: str
) -> None:
    # the kill is in the third pass: its order must not depend on what was drawn in the others
    given = settings(model_folder, method=method, epochs=4.0, evaluations=3, batch=6)
    whole = train(dataset, tmp_path / "whole", given)

    def dies(_stage: str, done: int, total: int, _loss: float) -> None:
        if done == total // 2 + 1:
            raise Killed

    with pytest.raises(Killed):
        train(dataset, tmp_path / "killed", given, progress=dies)
    left = list((tmp_path / "killed" / "checkpoints" / method).glob("checkpoint-*"))
    assert left
    told: list[int] = []
    resumed = train(
        dataset,
        tmp_path / "killed",
        msgspec.structs.replace(given, resume=True),
        progress=lambda _stage, done, _total, _loss: told.append(done),
    )
    assert min(told) > 1
    assert resumed.stages[0].steps == whole.stages[0].steps
    assert (
        resumed.stages[0].held_out == whole.stages[0].held_out[-len(resumed.stages[0].held_out) :]
    )
    ends = [load_opinions(str(tmp_path / name), shuffles=3) for name in ("whole", "killed")]
    one, other = (end.scored(read_split(dataset, "test")) for end in ends)
    for mine, theirs in zip(one, other, strict=True):
        assert mine.probabilities.tolist() == theirs.probabilities.tolist()


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
