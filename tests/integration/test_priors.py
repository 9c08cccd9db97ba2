"""From rewards in the log to a prior that serves, and what the api then believes."""

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from keyart.models.dataset.influence import Bounds
from keyart.models.embed.neural import NeuralSpace
from keyart.models.embed.protocol import FloatArray
from keyart.models.embed.style import StyleSpace
from keyart.models.priors.onnx_file import SavedRidge, save_ridge
from keyart.models.priors.ridge import RidgePrior
from keyart.schemas import codec
from keyart.schemas.catalogue import Artwork, Title
from keyart.schemas.decisions import Versions
from keyart.schemas.errors import InvalidRecord, MissingExtra, NotFound
from keyart.schemas.posterior import TitleSums
from keyart.schemas.priors import Opinion
from keyart.schemas.rewards import Reward
from keyart.schemas.topics import REWARDS
from keyart.services.jobs.priors import fitting
from keyart.services.jobs.priors.counting import counted
from keyart.services.jobs.priors.serving import drop_prior
from keyart.services.jobs.priors.taking import Taken, take_table
from keyart.services.wiring.clock import now_ms
from keyart.streams.families import TITLE
from keyart.streams.ports import TITLES, Lane, Output
from tests.integration.prior_site import GOOD, opened, said, titles, written
from tests.opened import Opened
from tests.unit.models.embed.small import write_hugging_face


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is installed here: what is compared is what comes with keyart."""
    monkeypatch.setattr(fitting, "installed", lambda: ("static", "style"))


@pytest.fixture
def parts(data_dir: Path) -> Iterator[Opened]:
    with opened(data_dir) as made:
        yield made


def reward(at: int, rng: random.Random) -> Reward:
    artwork = rng.choice("ab")
    return Reward(
        id=f"r{at}",
        viewer=f"{at:032x}",
        title=f"t{at % 40}",
        artwork=artwork,
        surface="home",
        value=float(rng.random() < (0.16 if artwork == "a" else 0.04)),
        shown_at_ms=now_ms(),
        closed_at_ms=now_ms(),
        candidates=("a", "b"),
        propensities=(0.5, 0.5),
        explored=True,
        policy="uniform",
        versions=Versions(policy="u", prior="n", posterior="0", space="s"),
        sequence=at + 1,
    )


def lived(parts: Opened, rewards: int) -> None:
    rng = random.Random(5)
    learn(parts, [reward(at, rng) for at in range(rewards)])


def learn(parts: Opened, made: Sequence[Reward]) -> None:
    parts.log.append([Output(REWARDS, each.title, codec.encode(each)) for each in made])
    parts.driver.open()
    parts.driver.drain()
    parts.archiver.run()


def test_a_prior_learns_from_the_log_what_does_better(parts: Opened) -> None:
    lived(parts, 8000)
    assert counted(parts.archive_dir).table["impressions"].sum() == 8000
    found = parts.fitting.fit()
    assert (found.titles, found.artworks) == (40, 80)
    assert parts.serve_without_registry(found.version) == 40
    assert parts.opinions.current == found.version
    opinions = list(parts.opinions.titles(found.version))
    right = [dict(zip(each.artworks, each.relative, strict=True)) for each in opinions]
    assert np.mean([each["a"] > each["b"] for each in right]) > 0.95


def test_what_serving_held_back_teaches_no_prior(parts: Opened) -> None:
    """The log has all of it; the rewards left out are as many as the sums of the titles hold."""
    rng = random.Random(5)
    honest = [msgspec.structs.replace(reward(at, rng), title=f"t{at % 2}") for at in range(1500)]
    flood = [
        msgspec.structs.replace(
            reward(at, rng), title="t0", artwork="b", value=1.0, fresh=True, explored=False
        )
        for at in range(1500, 1800)
    ]
    learn(parts, [*honest, *flood])
    held = {
        title: codec.unpack(data, TitleSums)
        for title, data in parts.store.scan(Lane(TITLES, 0), TITLE)
    }
    fresh = held["t0"].fresh
    assert fresh is not None and held["t1"].fresh is None
    waiting = fresh.open.rewards if fresh.waits else 0
    found = counted(parts.archive_dir, bounds=Bounds(viewer_share=1.0, hour_share=1.0))
    assert found.held == fresh.held.rewards + waiting > 250
    assert found.table["rewards"].sum() == 1800 - found.held
    told = parts.fitting.fit(encoders="space")
    assert (told.held, told.impressions) == (found.held, 1800 - found.held)


def test_of_titles_it_was_fitted_on_a_prior_says_what_the_others_taught(parts: Opened) -> None:
    """What serves about a title must not know the takes that its trust is judged by."""
    lived(parts, 8000)
    found = parts.fitting.fit(encoders="space")
    parts.serve_without_registry(found.version)
    before = {each.title: each.relative for each in parts.opinions.titles(found.version)}
    rng = random.Random(6)
    more = [msgspec.structs.replace(reward(at, rng), title="t3") for at in range(8000, 9000)]
    learn(parts, [msgspec.structs.replace(each, value=float(each.artwork == "b")) for each in more])
    again = parts.fitting.fit(encoders="space")
    assert again.version != found.version
    parts.serve_without_registry(again.version)
    after = {each.title: each.relative for each in parts.opinions.titles(again.version)}
    assert after["t3"] == before["t3"]
    assert sum(after[title] == before[title] for title in before) <= 8


def test_a_prior_of_before_is_made_whole_by_fitting_it_again(parts: Opened) -> None:
    lived(parts, 4000)
    version = parts.fitting.fit(encoders="space").version
    folder = parts.prior_folder(version)
    manifest = msgspec.json.decode((folder / "ridge.json").read_bytes())
    manifest.pop("folds")
    (folder / "ridge.json").write_bytes(msgspec.json.encode(manifest))
    (folder / "folds.safetensors").unlink()
    assert parts.serve_without_registry(version) == 40
    before = {each.title: each.relative for each in parts.opinions.titles(version)}
    assert parts.fitting.fit(encoders="space").version == version
    parts.serve_without_registry(version)
    assert {each.title: each.relative for each in parts.opinions.titles(version)} != before


def test_a_long_tail_is_learned_from_and_its_impressions_are_counted(parts: Opened) -> None:
    """Artworks shown once or twice; the multipliers' sum is below the takes of some of them."""
    rng = random.Random(7)
    made = [
        msgspec.structs.replace(reward(at, rng), multiplier=0.9, value=float(rng.random() < 0.4))
        for at in range(100)
    ]
    gone = [msgspec.structs.replace(reward(at, rng), title="gone") for at in range(100, 107)]
    learn(parts, [*made, *gone])
    table = counted(parts.archive_dir).table
    assert (table["takes"] > table["impressions"]).any()
    found = parts.fitting.fit(encoders="space")
    assert (found.impressions, found.unknown) == (100, 7)


def test_a_new_title_is_scored_and_its_artworks_start_where_the_prior_says(parts: Opened) -> None:
    lived(parts, 8000)
    parts.serve_without_registry(parts.fitting.fit().version)
    new = Title(
        id="new",
        artworks=(
            Artwork(id="good", description="a rocket to a new planet"),
            Artwork(id="bad", description="tax forms and parking rules"),
        ),
    )
    parts.catalogue.put([new], now_ms=now_ms())
    assert parts.deployment.scoring.score_new() == 1
    assert parts.deployment.scoring.score_new() == 0
    snapshots = Opened(parts.settings).snapshots()
    snapshots.refresh()
    index = snapshots.index
    rows = index.arrays.rows("new")
    beliefs = index.arrays.beliefs["home"][rows]
    assert index.artworks("new") == ("good", "bad")
    assert beliefs[0, 1] > 1.1 * beliefs[1, 1]
    assert beliefs[0, 6] > 0.5


def test_without_rewards_there_is_nothing_to_fit(parts: Opened) -> None:
    with pytest.raises(NotFound, match="nothing to learn from"):
        parts.fitting.fit()
    with pytest.raises(NotFound):
        parts.serve_without_registry("ridge-00000000")


def test_opinions_of_another_tool_are_taken_over_whole_or_not(
    parts: Opened, tmp_path: Path
) -> None:
    good = written(tmp_path / "good.jsonl", [said("llm-1")])
    assert take_table(parts.deployment, good) == Taken("llm-1", 1, 0)
    assert parts.opinions.current == "llm-1"
    with pytest.raises(InvalidRecord, match="exactly one prior"):
        take_table(parts.deployment, written(tmp_path / "two.jsonl", [said("x"), said("y")]))
    with pytest.raises(InvalidRecord, match="segment 's0'"):
        odd = written(tmp_path / "odd.jsonl", [said("x"), said("x", segment="s0")])
        take_table(parts.deployment, odd)
    with pytest.raises(InvalidRecord, match="line 2"):
        (tmp_path / "cut.jsonl").write_bytes(good.read_bytes() + b"{")
        take_table(parts.deployment, tmp_path / "cut.jsonl")
    assert not list(parts.opinions.titles("x"))
    assert parts.opinions.current == "llm-1"


def test_other_encoders_read_for_a_prior_and_are_asked_once(
    parts: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived(parts, 6000)
    folder = tmp_path / "encoder"
    write_hugging_face(folder, 64)
    found = parts.fitting.fit(encoders=f"hf:{folder}")
    assert parts.serve_without_registry(found.version) == 40
    new = Title(id="new", artworks=(Artwork(id="x", description="a tax audit"), Artwork(id="y")))
    parts.catalogue.put([new], now_ms=now_ms())
    asked: list[str] = []
    encode = NeuralSpace.encode

    def counting(self: NeuralSpace, texts: Sequence[str]) -> FloatArray:
        asked.extend(texts)
        return encode(self, texts)

    monkeypatch.setattr(NeuralSpace, "encode", counting)
    assert parts.deployment.scoring.score_new() == 1
    assert sorted(asked) == ["", "a tax audit"]
    with pytest.raises(InvalidRecord, match="serves"):
        drop_prior(parts.opinions, found.version)
    before = list(parts.opinions.titles(found.version))
    assert parts.serve_without_registry("neutral") == 0
    drop_prior(parts.opinions, found.version)
    assert not list(parts.opinions.titles(found.version))
    parts.serve_without_registry(found.version)
    again = {each.title: each.relative for each in parts.opinions.titles(found.version)}
    assert again == {each.title: each.relative for each in before}
    assert len(asked) == 2


def test_a_stack_serves_what_was_fitted_and_new_titles_are_scored_here(parts: Opened) -> None:
    """Each ridge on what its own encoder reads, added up: by hand, and as it is served."""
    space, style = parts.space, StyleSpace()
    rng = np.random.default_rng(1)
    width = space.dimensions + style.dimensions
    weights = rng.normal(size=width) / np.sqrt(width)
    prior = RidgePrior(
        weights=weights, strength=70.0, space=f"{space.identity}+{style.identity}", digest="0" * 64
    )
    passing = parts.prior_folder("made")
    save_ridge(prior, passing, encoders="space+style")
    version = SavedRidge(passing).version
    passing.rename(parts.prior_folder(version))
    assert parts.serve_without_registry(version) == 40
    for title, opinion in zip(titles(), sorted_by_title(parts, version), strict=True):
        texts = [artwork.description for artwork in title.artworks]
        vectors = np.hstack([space.encode(texts), style.encode(texts)]).astype(np.float64)
        expected = vectors @ weights
        np.testing.assert_allclose(opinion.relative, expected - expected.mean(), atol=1e-5)
        assert opinion.strength == 70.0
    new = Title(id="new", artworks=(Artwork(id="x", description="why?"), Artwork(id="y")))
    parts.catalogue.put([new], now_ms=now_ms())
    parts.deployment.scoring.score_new_beside()  # no neural encoder: no process of its own
    assert "new" in {each.title for each in parts.opinions.titles(version)}


def sorted_by_title(parts: Opened, version: str) -> list[Opinion]:
    found = {each.title: each for each in parts.opinions.titles(version)}
    return [found[title.id] for title in titles()]


def test_the_base_install_stacks_what_comes_with_it(parts: Opened) -> None:
    lived(parts, 6000)
    found = parts.fitting.fit()
    assert {"space", "style"} <= found.gains.keys()
    assert set(found.shares) <= {"space", "style"} and found.shares.keys() == found.licences.keys()
    assert found.report.calibration.gain > 20.0
    assert parts.serve_without_registry(found.version) == 40


def test_the_best_encoder_is_the_one_that_explains_the_log(
    parts: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Told:
        """An encoder of one number: whether it was told that the text is good."""

        def __init__(self, identity: str, good: Callable[[str], bool]) -> None:
            self.identity, self.dimensions = identity, 1
            self._good = good

        def encode(self, texts: Sequence[str]) -> FloatArray:
            return np.array([[float(self._good(text))] for text in texts], np.float32)

    told = {
        "knows": Told("knows", lambda text: text.startswith(GOOD)),
        "blind": Told("blind", lambda text: len(text) % 2 == 0),
    }
    lived(parts, 6000)
    monkeypatch.setattr(fitting, "installed", lambda: ("static", "blind", "knows"))
    monkeypatch.setattr(fitting, "load_space", lambda spec, kept: told[spec])
    found = parts.fitting.fit()
    assert {"space", "blind", "knows"} <= found.gains.keys()
    assert found.gains["blind"] < 0.5 * min(found.gains["space"], found.gains["knows"])
    assert found.shares.get("blind", 0.0) < 0.1 * max(found.shares.values())
    assert found.encoders == "+".join(found.shares)
    written_down = SavedRidge(parts.prior_folder(found.version)).manifest.encoders
    assert written_down == ("" if found.encoders == "space" else found.encoders)


def test_the_figures_of_a_fit_are_written_and_a_wrong_path_is_said_before_the_work(
    parts: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from keyart.services.cli.prior import app

    monkeypatch.setenv("KEYART_DATA_DIR", parts.settings.data_dir)
    lived(parts, 400)
    out = tmp_path / "figures.json"
    words = ["fit", "--no-use", "--encoders", "space", "--json"]
    assert CliRunner().invoke(app, [*words, str(tmp_path)]).exit_code == 1
    assert not list((parts.data_dir / "priors").glob("*"))
    result = CliRunner().invoke(app, [*words, str(out)])
    assert result.exit_code == 0, result.output
    found = msgspec.json.decode(out.read_bytes())
    assert (found["impressions"], found["titles"], found["artworks"]) == (400, 40, 80)
    assert "fitted on 400 impressions of 80 artworks of 40 titles" in result.output


def test_a_missing_extra_is_said_before_the_work(
    parts: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from keyart.services.cli.prior import app

    monkeypatch.setenv("KEYART_DATA_DIR", parts.settings.data_dir)
    monkeypatch.setitem(sys.modules, "onnx", None)
    result = CliRunner().invoke(app, ["fit"])
    assert isinstance(result.exception, MissingExtra)
    assert not (parts.archive_dir).exists()
