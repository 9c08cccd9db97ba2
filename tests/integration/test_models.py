"""Deploying a prior: fetched and scored first, then the alias, then the store; and back."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from keyart.schemas.errors import InvalidRecord, ModelRejected, NotFound
from keyart.services.jobs.backup import back_up, restore
from keyart.services.jobs.deploy import Deployment
from keyart.services.jobs.priors.taking import take_table
from keyart.services.processes.housekeeping import keep_house
from keyart.services.wiring.clock import now_ms
from keyart.services.wiring.settings import Settings
from keyart.streams.registry.registry import Registry
from tests.integration.prior_site import opened, said, written
from tests.integration.test_priors import learn, reward
from tests.opened import Opened


@pytest.fixture
def parts(data_dir: Path) -> Iterator[Opened]:
    with opened(data_dir) as made:
        yield made


@pytest.fixture
def two(parts: Opened) -> tuple[str, str]:
    """Return two fitted versions of which none serves."""
    rng = random.Random(5)
    learn(parts, [reward(at, rng) for at in range(3000)])
    first = parts.fitting.fit(encoders="space").version
    learn(parts, [reward(at, rng) for at in range(3000, 5000)])
    return first, parts.fitting.fit(encoders="space").version


def test_a_fit_is_a_version_with_what_it_learned_from(parts: Opened, two: tuple[str, str]) -> None:
    first, second = (parts.registry.version(name) for name in two)
    assert (first.rows, second.rows) == (3000, 5000)
    assert first.parent == "neutral" and first.kind == "ridge"
    assert 0 < first.from_ms <= first.to_ms < second.to_ms <= now_ms()
    assert set(first.files) == {
        "ridge.onnx",
        "ridge.safetensors",
        "ridge.json",
        "folds.safetensors",
    }
    assert parts.opinions.current == "neutral", "a fit deploys nothing"


def test_promote_and_rollback_move_what_serves(parts: Opened, two: tuple[str, str]) -> None:
    first, second = two
    assert parts.deployment.promote(first, by="me", why="first") == 40
    assert parts.deployment.promote(second, by="me", why="newer") == 40
    assert parts.opinions.current == second
    assert parts.registry.aliases().named() == {"champion": second, "previous": first}
    parts.deployment.rollback(by="me", why="worse")
    assert parts.opinions.current == first
    parts.deployment.rollback(by="me", why="worse still")
    assert parts.opinions.current == "neutral"
    with pytest.raises(InvalidRecord):
        parts.deployment.rollback(by="me", why="")


def test_a_damaged_version_is_refused_and_the_old_one_serves_on(
    parts: Opened, two: tuple[str, str]
) -> None:
    first, second = two
    parts.deployment.promote(first, by="me", why="")
    mark = parts.registry.version(second).files["ridge.onnx"]
    (parts.data_dir / "models" / "blobs" / mark.sha256).write_bytes(b"half of")
    with pytest.raises(ModelRejected):
        parts.deployment.promote(second, by="me", why="")
    assert parts.opinions.current == first == parts.registry.aliases().champion


def test_a_folder_that_was_tampered_with_is_fetched_anew(
    parts: Opened, two: tuple[str, str]
) -> None:
    first, second = two
    other = parts.prior_folder(second) / "ridge.onnx"
    (parts.prior_folder(first) / "ridge.onnx").write_bytes(other.read_bytes())
    assert parts.deployment.promote(first, by="me", why="") == 40
    assert {each.prior for each in parts.opinions.titles(first)} == {first}
    assert (parts.prior_folder(first) / "ridge.onnx").read_bytes() != other.read_bytes()


class Killed(BaseException):
    """As if the process were gone."""


@pytest.mark.parametrize("at", ["scored", "moved"])
def test_a_mover_killed_in_between_leaves_one_whole_prior_serving(
    parts: Opened, two: tuple[str, str], at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    parts.deployment.promote(first, by="me", why="")
    with monkeypatch.context() as patch:

        def dies(*_: object, **__: object) -> None:
            raise Killed

        if at == "scored":
            patch.setattr(Registry, "promote", dies)
        else:
            patch.setattr(Deployment, "_serve", dies)
        with pytest.raises(Killed):
            parts.deployment.promote(second, by="me", why="")
    assert parts.opinions.current == first
    keep_house(parts.settings)
    assert parts.opinions.current == (first if at == "scored" else second)
    assert parts.deployment.follow() == ""


def test_what_the_registry_says_is_followed_and_what_cannot_serve_is_not(
    parts: Opened, two: tuple[str, str]
) -> None:
    """Another machine moved the alias; the version came here damaged."""
    first, second = two
    parts.deployment.promote(first, by="me", why="")
    parts.registry.promote(second, by="elsewhere", why="")
    mark = parts.registry.version(second).files["ridge.json"]
    blob = parts.data_dir / "models" / "blobs" / mark.sha256
    whole = blob.read_bytes()
    blob.write_bytes(whole[:-2])
    with pytest.raises(ModelRejected):
        parts.deployment.follow()
    assert parts.opinions.current == first
    blob.write_bytes(whole)
    assert parts.deployment.follow() == second == parts.opinions.current


def test_a_prior_of_before_there_was_a_registry_serves_and_can_be_gone_back_to(
    parts: Opened, two: tuple[str, str], tmp_path: Path
) -> None:
    import shutil

    first, second = two
    shutil.rmtree(parts.data_dir / "models")
    parts.serve_without_registry(first)  # as an earlier keyart did
    assert parts.deployment.promote(second, by="me", why="") == 40
    assert parts.registry.aliases().previous == first
    with pytest.raises(NotFound):
        parts.registry.version(first)
    parts.deployment.promote(first, by="me", why="known by its folder")
    assert parts.opinions.current == first


def test_a_table_that_is_taken_over_is_a_version_too(
    parts: Opened, two: tuple[str, str], tmp_path: Path
) -> None:
    parts.deployment.promote(two[0], by="me", why="")
    take_table(parts.deployment, written(tmp_path / "o.jsonl", [said("llm:smol", title="t1")]))
    assert parts.opinions.current == "llm:smol"
    keep_house(parts.settings)
    assert parts.opinions.current == "llm:smol"
    parts.deployment.rollback(by="me", why="")
    assert parts.opinions.current == two[0]
    parts.opinions.drop("llm:smol")
    with pytest.raises(NotFound, match="import it again"):
        parts.deployment.promote("llm:smol", by="me", why="")


def test_an_alias_can_be_promoted(parts: Opened, two: tuple[str, str]) -> None:
    parts.registry.propose(two[1], by="retrain", why="")
    parts.deployment.promote("candidate", by="me", why="")
    assert parts.opinions.current == two[1]
    assert structs.astuple(parts.registry.aliases())[:2] == (two[1], "")


def test_a_backup_brings_versions_aliases_and_moves_back(
    parts: Opened, two: tuple[str, str], tmp_path: Path
) -> None:
    parts.deployment.promote(two[0], by="me", why="first")
    back_up(parts.settings, parts.admin, tmp_path / "backup")
    settings = Settings(data_dir=str(tmp_path / "again"))
    restore(tmp_path / "backup", settings)
    registry = Opened(settings).registry
    assert registry.aliases() == parts.registry.aliases()
    assert [move.why for move in registry.moves()] == ["first"]
    assert {registry.check(name).name for name in two} == set(two)
