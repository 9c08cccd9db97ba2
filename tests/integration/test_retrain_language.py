"""Retraining a language model: from the log through registry and gate to opinions in store."""

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from keyart.models.dataset.examples import SPLITS
from keyart.models.dataset.prepare import read_split
from keyart.models.llm.scoring.opinions import Opinions
from keyart.models.llm.scoring.probes import PROBES_FILE
from keyart.models.llm.training import run
from keyart.models.llm.training.settings import Method
from keyart.models.ope.gate.rules import PASSED, REFUSED
from keyart.schemas import extras
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.errors import InvalidRecord, KeyartError
from keyart.schemas.rewards import Reward
from keyart.services.jobs.deploy import ANSWERS, register_files
from keyart.services.jobs.gate import Gate
from keyart.services.jobs.priors.fitted_language import LATELY_FILE, SAID_FILE, read_lately
from keyart.services.jobs.priors.language_examples import make_examples
from keyart.services.jobs.priors.language_fitting import LanguageFitting
from keyart.services.jobs.priors.learning import CannotRefresh
from keyart.services.jobs.priors.passing import PASSING_LANGUAGE, forget_examples
from keyart.services.jobs.priors.worth_words import worth_words
from keyart.services.jobs.retrain.run import Retraining
from keyart.services.jobs.retrain.stages import FITTED
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.priors import language_fitting_of
from keyart.services.wiring.settings import Settings
from tests.integration.dying import Dies, dying_at
from tests.integration.prior_site import titles
from tests.integration.test_priors import learn, reward
from tests.opened import Opened
from tests.unit.models.conftest import small_model, small_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
START_MS = 1_700_000_000_000
REWARDS = 1500


def seen(count: int, *, first: int = 0, good: float = 0.32) -> list[Reward]:
    """Return rewards of 400 viewers, one a minute: `a` does `good`, and `b` 0.08."""
    rng = random.Random(5 + first)
    made = [reward(at, rng) for at in range(first, first + count)]
    return [
        structs.replace(
            each,
            viewer=f"{at % 400:032x}",
            title=f"t{rng.randrange(40)}",
            value=float(rng.random() < (good if each.artwork == "a" else 0.08)),
            shown_at_ms=START_MS + 60_000 * at,
            closed_at_ms=START_MS + 60_000 * at + 1000,
        )
        for at, each in enumerate(made, first)
    ]


def fitting(parts: Opened, method: Method, **given: Any) -> LanguageFitting:
    """Return the site's training, with settings for a model of two small layers."""
    made = language_fitting_of(parts.settings, parts.deployment, method)
    quick = {
        "epochs": 4.0,
        "learning_rate": 5e-3,
        "lora": 4,
        "batch": 8,
        "accumulate": 1,
        "evaluations": 2,
        "max_examples": 150,
    }
    return replace(made, settings=structs.replace(made.settings, **{**quick, **given}), disk_mb=100)


def retraining(parts: Opened, method: Method = "sft") -> Retraining:
    made = parts.retraining
    return replace(made, trainers={**made.trainers, method: fitting(parts, method)})


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "small"
    tokenizer = small_tokenizer()
    small_model(tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def opened(folder: Path, base: Path) -> Opened:
    return Opened(Settings(data_dir=str(folder), hold_bursts=False, retrain_llm_model=str(base)))


@pytest.fixture(scope="module")
def lived(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a site that taught a language model and died before it was judged.

    Each test has a copy: importing torch, and exporting, is most of what they cost.
    """
    folder = tmp_path_factory.mktemp("lived") / "keyart"
    with opened(folder, base) as made:
        made.catalogue.put(titles(), now_ms=now_ms())
        learn(made, seen(REWARDS))
        with dying_at(FITTED), pytest.raises(Dies):
            retraining(made).run(reason="killed", since_ms=START_MS, kind="sft", then="promote")
    return folder


@pytest.fixture
def parts(lived: Path, base: Path, data_dir: Path) -> Iterator[Opened]:
    shutil.copytree(lived, data_dir, ignore=lambda _, names: [n for n in names if ".sock" in n])
    with opened(data_dir, base) as made:
        yield made


def test_it_is_taught_judged_and_serves_whoever_is_killed(parts: Opened) -> None:
    (kept,) = parts.registry.versions()
    done = parts.retraining.run(reason="later", kind="ridge", then="promote")
    assert done.outcome == "promoted", done.says
    (version,) = parts.registry.versions()
    assert version == kept, "taught once"
    assert (version.name, version.kind, version.parent) == (done.version, "llm", "neutral")
    assert version.name.startswith("sft-") and version.note == "sft of small"
    assert set(version.files) == {
        "fp32.onnx",
        "manifest.json",
        "probes.jsonl",
        "template.txt",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
    }
    assert version.template == "choose.v1"
    assert version.figures["learned takes"] == 150, "the newest"
    assert 40 < version.figures["prompts"] <= 80, "of a title at most one an order"
    assert version.since_ms == START_MS < version.from_ms, "the newest takes teach"
    assert version.to_ms == START_MS + 60_000 * (REWARDS - 1)
    assert not (parts.deployment.scoring.folder / PASSING_LANGUAGE).exists(), (
        "no viewer stays behind"
    )
    judgement = parts.retraining.jobs.all()[0].judgement
    assert judgement is not None
    outcomes = {each.rule: each.outcome for each in judgement.verdicts}
    assert list(outcomes) == [
        "files",
        "parity",
        "format",
        "latency",
        "answers",
        "calibration",
        "harm",
    ]
    assert {outcomes[each] for each in list(outcomes)[:5]} == {PASSED}
    assert REFUSED not in outcomes.values(), "300 rewards may be too few to tell the rest"
    held_out = (version.to_ms - version.figures["held out from ms"]) / 60_000 + 1
    assert judgement.rows == held_out, "judged on what taught it nothing, and on all of that"
    said = list(parts.opinions.titles(version.name))
    better = [dict(zip(each.artworks, each.relative, strict=True)) for each in said]
    assert sum(each["a"] > each["b"] for each in better) > 30 and len(better) == 40
    snapshots = Opened(parts.settings).snapshots()
    snapshots.refresh()
    assert snapshots.prior == version.name


def test_what_it_learned_is_shown_beside_what_it_began_from(
    parts: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    (version,) = parts.registry.versions()
    itself, untrained = version.beside
    assert (itself.role, itself.version) == ("itself", version.name)
    assert (untrained.role, untrained.version) == ("untrained", "small")
    assert itself.strength > untrained.strength and itself.gain > untrained.gain + 4.0
    assert any(
        "likelier than untrained (small) did" in line for line in worth_words(version.beside)
    )


def test_titles_that_come_later_are_scored_and_others_are_not_asked_again(parts: Opened) -> None:
    (version,) = parts.registry.versions()
    parts.deployment.promote(version.name, by="me", why="")
    table = parts.prior_folder(version.name) / SAID_FILE
    before = table.read_bytes()
    fresh = Title(id="fresh", artworks=(Artwork(id="x", description="a"), Artwork(id="y")))
    parts.catalogue.put([fresh], now_ms=now_ms())
    scoring = parts.deployment.scoring
    assert [each.id for each in scoring.unseen()] == ["fresh"]
    assert scoring.score_new() == 1
    assert table.read_bytes().startswith(before)
    assert len(table.read_bytes().splitlines()) == len(before.splitlines()) + 1
    # what the state store lost, and what was said, come back from the registry
    parts.deployment.promote("neutral", by="me", why="")
    parts.opinions.drop(version.name)
    shutil.rmtree(parts.prior_folder(version.name))
    assert parts.deployment.promote(version.name, by="me", why="") == 41
    assert len(list(parts.opinions.titles(version.name))) == 41


def test_a_refresh_measures_it_on_what_taught_it_nothing_and_asks_it_nothing(
    parts: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    (version,) = parts.registry.versions()
    parts.deployment.promote(version.name, by="me", why="")
    few = parts.retraining.run(reason="too early", refresh=True)  # takes up what had died
    few = parts.retraining.run(reason="too early", refresh=True)
    assert few.outcome == "refused" and "too little to tell" in few.says
    learn(parts, seen(1500, first=REWARDS, good=0.2))

    def asked(self: Opinions, *_: object) -> None:
        raise AssertionError("it has said all of it")

    monkeypatch.setattr(Opinions, "scored", asked)
    assert parts.deployment.refreshable()
    name = parts.retraining.refreshing.refresh(version.name, by="me")
    monkeypatch.undo()
    after = parts.registry.version(name)
    assert after.parent == version.name and after.kind == "llm"
    changed = {each for each in version.files if version.files[each] != after.files[each]}
    assert changed == {"manifest.json"}
    assert 0.0 < after.figures["scale"] < 1.0, "what it says is too loud for what came since"
    itself, parent, untrained = after.beside
    assert (itself.version, parent.version, untrained.version) == (name, version.name, "neutral")
    assert itself.scale == pytest.approx(1.0, abs=0.05) and parent.scale < 0.9
    parts.deployment.promote(name, by="me", why="")
    assert len(list(parts.opinions.titles(name))) == 40


def told_before(learning: LanguageFitting, folder: Path) -> dict[int, str]:
    """Return what examples of a log were told, by when they were shown."""
    make_examples(learning, folder, since_ms=START_MS, takes=0, lately=True)
    every = [each for split in SPLITS for each in read_split(folder, split)]
    return {each.shown_at_ms: each.lately for each in every}


def test_nobody_is_told_what_came_later(parts: Opened, base: Path, tmp_path: Path) -> None:
    """Whatever came after an example, or was not known yet, does not change a word of it."""
    before = told_before(fitting(parts, "sft"), tmp_path / "before")
    assert sum(map(bool, before.values())) > 400
    turned_ms = START_MS + 60_000 * 900
    with opened(tmp_path / "other", base) as other:
        other.catalogue.put(titles(), now_ms=now_ms())
        later = [
            structs.replace(each, value=float(each.artwork == "b"))
            if each.closed_at_ms >= turned_ms
            else each
            for each in seen(REWARDS)
        ]
        learn(other, later)
        after = told_before(fitting(other, "sft"), tmp_path / "after")
    early = {at for at in before if at < turned_ms}
    assert {at: before[at] for at in early} == {at: after.get(at, before[at]) for at in early}
    assert any(before[at] != after[at] for at in before.keys() & after.keys() - early)


def test_what_recently_worked_is_told_and_a_refresh_tells_it_anew(parts: Opened) -> None:
    made = fitting(parts, "sft", template="choose.v2")
    name = made.train(since_ms=START_MS, by="me", tell=lambda said: None)
    version = parts.registry.version(name)
    assert version.template == "choose.v2" and LATELY_FILE in version.files
    told = read_lately(parts.deployment.fetched(version))
    assert "rockets" in told.said and told.to_ms > version.to_ms
    assert {each.outcome for each in parts.gate.judge(name).verdicts[:5]} == {PASSED}
    parts.deployment.promote(name, by="me", why="")
    turned = [
        structs.replace(each, value=float(each.artwork == "b" and at % 2 == 0))
        for at, each in enumerate(seen(REWARDS, first=REWARDS))
    ]
    learn(parts, turned)
    refreshing = parts.retraining.refreshing
    with pytest.raises(CannotRefresh):
        replace(refreshing, ask_s=0.0).refresh(
            name, since_ms=START_MS + 60_000 * (2 * REWARDS - 9), by="me"
        )
    asked = list[str]()
    scored = Opinions.scored

    def heard(self: Opinions, examples: Any) -> Any:
        asked.extend(each.lately for each in examples)
        return scored(self, examples)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Opinions, "scored", heard)
        after = parts.registry.version(refreshing.refresh(name, by="me"))
        assert len(asked) == 40 and "rockets" not in asked[0].partition("less often")[0]
        parts.deployment.promote(after.name, by="me", why="")
        assert len(asked) == 40, "each title once"
    changed = {each for each in version.files if version.files[each] != after.files[each]}
    assert changed == {"manifest.json", LATELY_FILE}
    assert after.parent == name
    assert read_lately(parts.deployment.fetched(after)).said != told.said


def test_what_is_not_torchs_or_too_slow_or_no_answer_is_refused(parts: Opened) -> None:
    (version,) = parts.registry.versions()
    folder = parts.deployment.fetched(version)
    (folder / SAID_FILE).rename(folder.parent / "aside")
    mute = structs.replace(version, name="mute", figures={**version.figures, ANSWERS: 0.89})
    register_files(parts.registry, folder, mute)
    probes = [json.loads(line) for line in (folder / PROBES_FILE).read_bytes().splitlines()]
    for each in probes:
        each["said"] = each["said"][::-1]
    (folder / PROBES_FILE).write_text("".join(json.dumps(each) + "\n" for each in probes))
    register_files(parts.registry, folder, structs.replace(version, name="turned"))
    shutil.rmtree(folder)

    def refused(name: str, gate: Gate) -> list[str]:
        return [each.rule for each in gate.judge(name).verdicts if each.outcome == REFUSED]

    gate = parts.gate
    assert refused(version.name, gate) == []
    assert refused("mute", gate) == ["answers"]
    assert refused("turned", gate) == ["parity"]
    assert refused(version.name, replace(gate, artwork_s={"ridge": 1.0, "llm": 1e-9})) == [
        "latency"
    ]


def test_killed_at_every_step_it_ends_as_if_nobody_had_been(
    parts: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same log, same seed: the version of the one that was not disturbed, and kept once."""
    (undisturbed,) = parts.registry.versions()
    made = fitting(parts, "sft")
    passing = parts.deployment.scoring.folder / PASSING_LANGUAGE
    trained, heard = run.train, list[str]()

    def killed(at: str) -> None:
        def tell(said: str) -> None:
            heard.append(said)
            if said.startswith(at):
                raise Dies

        with pytest.raises(Dies):
            made.train(since_ms=START_MS, by="me", tell=tell)
        assert parts.registry.versions() == [undisturbed]

    killed("making examples")
    assert not (passing / "asked.json").exists()
    killed("sft: 4 of 39")
    forget_examples(passing.parent)
    heard.clear()
    killed("sft: 24 of 39")
    assert heard[0] == "making examples", "a viewer was erased meanwhile"
    assert list(passing.glob("trained/checkpoints/sft/checkpoint-*")), "half of it is kept"
    heard.clear()
    killed("exporting")
    assert "making examples" not in heard
    assert heard[1].startswith("sft: 2") and int(heard[1].split()[1]) > 19, "it went on"

    def again(*_: object, **__: object) -> None:
        raise AssertionError("it was trained to its end")

    monkeypatch.setattr(run, "train", again)
    killed("calibrating")
    assert not list(passing.glob("exported/manifest.json")), "an export is whole or is made anew"
    killed("asking it")
    heard.clear()
    killed("keeping it")
    assert not any(each.startswith("exporting") for each in heard)
    assert made.train(since_ms=START_MS, by="me", tell=heard.append) == undisturbed.name
    (kept,) = parts.registry.versions()
    assert kept == undisturbed
    assert not passing.exists()
    monkeypatch.setattr(run, "train", trained)


@pytest.mark.parametrize(("method", "graph"), [("dpo", "fp32"), ("spans", "int4")])
def test_by_preferences_and_by_spans_it_goes_the_same_way(
    parts: Opened, method: Method, graph: str
) -> None:
    few = fitting(parts, method, max_examples=40, epochs=1.0)
    name = replace(few, graph=graph).train(since_ms=0, by="me", tell=lambda said: None)
    version = parts.registry.version(name)
    assert (version.kind, version.note) == ("llm", f"{method} of small")
    assert name.startswith(f"{method}-")
    assert f"{graph}.onnx" in version.files and "fp32.onnx.data" not in version.files
    verdicts = {each.rule: each for each in parts.gate.judge(name).verdicts}
    assert {verdicts[rule].outcome for rule in ("files", "parity", "format", "latency")} == {PASSED}
    # a reader of spans answers nothing in text
    assert ("answers" in verdicts) == (method == "dpo")


def test_what_cannot_be_taught_says_so_and_leaves_nothing(
    parts: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = parts.deployment.scoring.folder / PASSING_LANGUAGE

    def told(made: LanguageFitting) -> str:
        with pytest.raises(KeyartError) as wrong:
            made.train(since_ms=START_MS, by="me", tell=lambda said: None)
        assert not passing.exists()
        return str(wrong.value)

    made = fitting(parts, "sft")
    assert "KEYART_RETRAIN_LLM_DISK_MB" in told(replace(made, disk_mb=10**9))
    assert "KEYART_RETRAIN_LLM_MODEL names no model" in told(fitting(parts, "sft", model=""))
    assert "neither a folder nor" in told(fitting(parts, "sft", model=str(tmp_path / "none")))
    assert "config.json and *.safetensors" in told(fitting(parts, "sft", model=str(tmp_path)))
    with pytest.raises(InvalidRecord, match="too little to split|too few takes"):
        made.train(since_ms=START_MS + 60_000 * (REWARDS - 2), by="me", tell=lambda said: None)
    monkeypatch.setattr(extras, "MODULES", {**extras.MODULES, "llm": ("no_such_torch",)})
    assert "keyart[llm]" in told(made)
