"""A span reader: whose token is whose, what is read from it, and that it learns."""

import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from keyart.models.dataset.examples import Choice, Entry
from keyart.models.dataset.prepare import read_split
from keyart.models.embed.language_models import LanguageModel
from keyart.models.llm.prompt.prompts import NO_OPTION, Prompt, Prompter
from keyart.models.llm.prompt.template import load_template, parse_template
from keyart.models.llm.scoring.opinions import load_opinions
from keyart.models.llm.scoring.scorer import Scorer
from keyart.models.llm.scoring.span_reader import (
    HEAD_FILE,
    SpanReader,
    is_reader,
    load_reader,
    new_reader,
    save_reader,
)
from keyart.models.llm.scoring.torch_engine import TorchEngine
from keyart.models.llm.training.head import fit_head
from keyart.models.llm.training.likelihood import listwise_loss
from keyart.models.llm.training.progress import silent
from keyart.models.llm.training.run import train
from keyart.models.llm.training.settings import TrainSettings
from keyart.models.llm.training.spans import SpanCollator, span_rows
from keyart.schemas.errors import ModelRejected, NotFound, SettingsError
from tests.unit.models.conftest import example, small_model, small_tokenizer


@pytest.fixture
def prompter(tokenizer: Any) -> Prompter:
    return Prompter(tokenizer, load_template("choose.v1"))


@pytest.fixture
def reader(tokenizer: Any) -> SpanReader:
    made = new_reader(
        LanguageModel(name="small", model=small_model(tokenizer), tokenizer=tokenizer), 0
    )
    torch.manual_seed(1)
    torch.nn.init.normal_(made.head.weight)
    return made.eval()


def told(prompter: Prompter, prompt: Prompt, place: int) -> str:
    tokens = [t for t, own in zip(prompt.tokens, prompt.spans, strict=True) if own == place]
    text: str = prompter.tokenizer.decode(tokens)
    return text.strip()


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
def test_every_token_is_of_the_option_that_it_describes(
    prompter: Prompter, order: list[int]
) -> None:
    made = example(0, history=3)  # the history tells of the same words as the options
    prompt = prompter.prompt(made, np.array(order), spans=True)
    assert prompt.tokens == prompter.tokens(made, np.array(order))
    assert prompter.prompt(made, np.array(order)) == Prompt(prompt.tokens)
    for place, at in enumerate(order):
        assert told(prompter, prompt, place) == made.options[at].description
    first = prompt.first_option
    assert set(prompt.spans[:first]) == {NO_OPTION}
    assert prompt.after(first).spans[0] != NO_OPTION
    assert "Answer with its letter" in told(prompter, prompt, NO_OPTION)


def test_options_that_are_empty_alike_or_part_of_the_template(prompter: Prompter) -> None:
    descriptions = ("", "A", "same", "same", "x" * 900)
    options = tuple(Choice(artwork=str(at), description=d) for at, d in enumerate(descriptions))
    made = example(0, count=5)
    made = msgspec.structs.replace(
        made, options=options, history=(Entry(title="A", description="same"),)
    )
    prompt = prompter.prompt(made, spans=True)
    assert told(prompter, prompt, 0).startswith("A.")  # nothing to read but its own line
    assert [told(prompter, prompt, place) for place in (1, 2, 3)] == ["A", "same", "same"]
    assert 0 < prompt.spans.count(4) <= prompter.budget.description + 1
    text = load_template("choose.v1").text.replace(
        "{mark}. {description}", "{mark}. {description} (the artwork)"
    )
    around = Prompter(prompter.tokenizer, parse_template(text))
    assert told(around, around.prompt(made, spans=True), 1) == "A"


def test_reading_is_the_head_on_the_mean_of_an_options_states(
    prompter: Prompter, reader: SpanReader
) -> None:
    made = [example(at, count=2 + at % 3, history=at % 2 * 3) for at in range(6)]
    scorer = Scorer(TorchEngine(reader, prompter.marks))
    found = scorer.score(
        [prompter.prompt(each, spans=True) for each in made], [len(e.options) for e in made]
    )
    for each, logs in zip(made, found, strict=True):
        prompt = prompter.prompt(each, spans=True)
        with torch.no_grad():
            hidden = reader.decoder(input_ids=torch.tensor([prompt.tokens])).last_hidden_state[0]
        spans = np.array(prompt.spans)
        logits = []
        for place in range(len(each.options)):
            mean = hidden.numpy()[spans == place].mean(axis=0)
            logits.append(
                float(reader.head.weight.detach().numpy()[0] @ mean / np.linalg.norm(mean))
            )
        expected = torch.tensor(logits).log_softmax(-1).numpy()
        np.testing.assert_allclose(logs, expected, atol=2e-4)


@pytest.mark.parametrize("batch_tokens", [1, 100_000])
@pytest.mark.parametrize("share", [True, False])
def test_shared_prefixes_end_before_the_options(
    prompter: Prompter, reader: SpanReader, share: bool, batch_tokens: int
) -> None:
    """Two prompts that begin with the same options still have them read, each from its own."""
    one = example(0, count=4, history=2)
    other = msgspec.structs.replace(
        one, id="other", options=(*one.options[:3], Choice(artwork="z", description="a new ending"))
    )
    prompts = [prompter.prompt(each, spans=True) for each in (one, other, one)]
    engine = TorchEngine(reader, prompter.marks)
    found = Scorer(engine, share=share, batch_tokens=batch_tokens).score(prompts, [4, 4, 4])
    alone = [Scorer(engine, share=False).score([prompt], [4])[0] for prompt in prompts]
    for each, expected in zip(found, alone, strict=True):
        np.testing.assert_allclose(each, expected, atol=2e-4)


def test_doubling_a_weight_is_duplicating_the_example(
    prompter: Prompter, reader: SpanReader
) -> None:
    examples = [example(at, answer=at % 3, count=3 + at) for at in range(3)]
    doubled = [msgspec.structs.replace(examples[0], weight=2.0), *examples[1:]]

    def gradient(made: list[Any]) -> torch.Tensor:
        rows = list(span_rows(prompter, made, shuffles=2, seed=0))
        batch = SpanCollator(0)(rows)
        logits = reader(
            batch["input_ids"], batch["attention_mask"], batch["spans"], batch["shares"].shape[1]
        )
        loss: Any = listwise_loss(logits, batch["shares"], batch["weight"])
        reader.zero_grad()
        (loss / (sum(row["weight"] for row in rows) / len(rows))).backward()
        assert reader.head.weight.grad is not None
        return reader.head.weight.grad.clone()

    torch.testing.assert_close(
        gradient(doubled), gradient([examples[0], *examples]), rtol=1e-4, atol=1e-6
    )
    for name, each in reader.decoder.named_parameters():
        assert each.grad is not None and torch.isfinite(each.grad).all(), name
    assert not torch.allclose(gradient(doubled), gradient(examples))


def test_soft_answers_are_aimed_at_whole(prompter: Prompter) -> None:
    soft = msgspec.structs.replace(example(0, answer=1), soft=(0.2, 0.7, 0.1))
    for row in span_rows(prompter, [soft], shuffles=3, seed=0):
        own = dict(enumerate(row["shares"]))
        prompt = Prompt(row["input_ids"], row["spans"])
        for place, share in own.items():
            words = told(prompter, prompt, place)
            at = [option.description for option in soft.options].index(words)
            assert share == soft.soft[at]


def settings(folder: Path, **given: Any) -> TrainSettings:
    made: dict[str, Any] = {
        **{"model": str(folder), "method": "spans", "epochs": 6.0, "batch": 8, "lora": 4},
        **{"evaluations": 3, "learning_rate": 3e-3, "device": "cpu", "keep": 2},
    }
    return TrainSettings(**{**made, **given})


@pytest.fixture(scope="module")
def trained(
    model_folder: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Any]:
    out = tmp_path_factory.mktemp("reader") / "model"
    return out, train(dataset, out, settings(model_folder))


def test_training_ends_in_a_folder_that_has_opinions(
    trained: tuple[Path, Any], dataset: Path
) -> None:
    out, report = trained
    assert is_reader(out)
    (stage,) = report.stages
    assert stage.stage == "spans"
    assert min(stage.held_out) < np.log(3)  # better than an even answer, which costs log 3
    examples = [each for each in read_split(dataset, "test") if each.answer >= 0]
    scored = load_opinions(str(out), shuffles=3).scored(examples)
    hit = np.mean(
        [one.probabilities.argmax() == e.answer for one, e in zip(scored, examples, strict=True)]
    )
    assert hit > 0.6
    before = load_reader(out).model
    again = load_reader(out).model
    for one, other in zip(before.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_stopped_run_goes_on_to_the_same_reader(
    model_folder: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(dataset, tmp_path / "whole", settings(model_folder))

    class Stopped(Exception):
        pass

    def until_half(stage: str, done: int, total: int, loss: float) -> None:
        if stage == "spans" and done > total // 2:
            raise Stopped

    with pytest.raises(Stopped):
        train(dataset, tmp_path / "again", settings(model_folder), progress=until_half)
    report = train(dataset, tmp_path / "again", settings(model_folder, resume=True))
    assert report.stages[0].steps == whole.stages[0].steps
    one, other = (load_reader(tmp_path / name).model for name in ("whole", "again"))
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_adapters_that_do_no_good_are_left_out(
    model_folder: Path, dataset: Path, tmp_path: Path
) -> None:
    """A rate that wrecks the model leaves the head on the decoder as it was."""
    report = train(dataset, tmp_path / "wild", settings(model_folder, learning_rate=0.5, epochs=2))
    (stage,) = report.stages
    assert min(stage.held_out) == stage.held_out[0]
    found = load_reader(tmp_path / "wild").model
    base: Any = small_model(small_tokenizer()).model
    for name, each in found.decoder.named_parameters():
        torch.testing.assert_close(each, dict(base.named_parameters())[name])


def test_a_run_that_diverges_ends_and_says_so(
    model_folder: Path, dataset: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelRejected, match="spans diverged by step"):
        train(dataset, tmp_path / "gone", settings(model_folder, learning_rate=1e30, epochs=2))


def test_the_head_alone_is_never_worse_than_an_even_answer(
    prompter: Prompter, reader: SpanReader
) -> None:
    rng = np.random.default_rng(0)
    noise = [example(at, answer=int(rng.integers(3)), history=0) for at in range(40)]
    rows = list(span_rows(prompter, noise, shuffles=1, seed=0))
    loss = fit_head(reader, rows[:30], rows[30:], SpanCollator(0), progress=silent)
    assert loss <= np.log(3) + 1e-6


def test_what_does_not_fit_is_refused(
    model_folder: Path, dataset: Path, reader: SpanReader, tokenizer: Any, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="viewer before the title"):
        train(dataset, tmp_path / "x", settings(model_folder, template="choose-title-first.v1"))
    with pytest.raises(SettingsError, match="1 to 2"):
        train(dataset, tmp_path / "y", settings(model_folder, keep=9))
    with pytest.raises(NotFound):
        load_reader(tmp_path)
    save_reader(reader, tokenizer, tmp_path / "good", base="small")
    shutil.copytree(tmp_path / "good", tmp_path / "bad")
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(1, 7)}, tmp_path / "bad" / HEAD_FILE)
    with pytest.raises(ModelRejected, match="not as wide"):
        load_reader(tmp_path / "bad")


def test_an_option_without_a_token_is_out_of_the_question(reader: SpanReader) -> None:
    hidden, spans = torch.randn(1, 4, 48), torch.tensor([[0, 0, -1, 2]])
    logits = reader.read(hidden, spans, 4)[0]
    assert logits[[1, 3]].tolist() == [-1e4, -1e4]
    assert torch.isfinite(logits).all()
