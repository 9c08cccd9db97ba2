"""A policy's file: it goes on as the saved one would have, and nothing else is read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from keyart.models.bandits.registry import POLICIES
from keyart.models.context.policy import ContextPolicy
from keyart.schemas.errors import ModelRejected, NotFound


def rows(count: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(1)
    return [
        {"device": str(rng.choice(["tv", "phone"])), "hour": float(rng.integers(24)), "gap": None}
        for _ in range(count)
    ]


def taught(policy: ContextPolicy, count: int) -> list[str]:
    arms = []
    for row in rows(count):
        choice = policy.decide(row)
        arms.append(choice.arm)
        policy.learn(choice, 1.0 if (choice.arm == "a") == (row["device"] == "tv") else 0.0)
    return arms


@pytest.mark.parametrize("name", sorted(POLICIES))
@pytest.mark.parametrize("context", [None, rows(40)], ids=["settling", "settled"])
def test_it_goes_on_as_the_saved_one_would_have(tmp_path: Path, name: str, context: Any) -> None:
    policy = ContextPolicy(["a", "b", "é"], policy=name, context=context, seed=3)
    taught(policy, 27)
    policy.save(tmp_path / "p.safetensors")
    again = ContextPolicy.load(str(tmp_path / "p.safetensors"))
    assert repr(again) == repr(policy) and again.arms == policy.arms
    np.testing.assert_array_equal(again.propensities(rows(9)), policy.propensities(rows(9)))
    assert taught(again, 50) == taught(policy, 50)
    assert (again.kept, again.encoding, again.draws) == (policy.kept, policy.encoding, policy.draws)
    again.save(tmp_path / "q.safetensors")
    policy.save(tmp_path / "p.safetensors")
    assert (tmp_path / "q.safetensors").read_bytes() == (tmp_path / "p.safetensors").read_bytes()


def test_parameters_are_kept_and_a_new_one_can_be_saved(tmp_path: Path) -> None:
    ContextPolicy(["a"], policy="optimistic", c=0.25).save(tmp_path / "p")
    again = ContextPolicy.load(tmp_path / "p")
    assert again.policy.version == ContextPolicy(["a"], c=0.25).policy.version
    assert again.rows == 0


Parts = tuple[dict[str, np.ndarray[Any, Any]], dict[str, str]]
"""Arrays, and the three lines of the description by their names."""
LINES = ("format", "digest", "policy")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "p.safetensors"
    policy = ContextPolicy(["a", "b"], context=rows(40))
    taught(policy, 20)
    policy.save(path)
    return path


def described(parts: Parts, **changes: Any) -> None:
    told = json.loads(parts[1]["policy"])
    parts[1]["policy"] = json.dumps({**told, **changes})


def put(parts: Parts, name: str, array: Any) -> None:
    parts[0][name] = array


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda parts: put(parts, "moment", parts[0]["moment"] + 1.0), "digest"),
        (lambda parts: described(parts, seed=77), "digest"),
        (lambda parts: parts[1].update(digest="00"), "digest"),
        (lambda parts: parts[0].pop("gram") is None, "missing or strange: gram"),
        (lambda parts: parts[0].pop("share") is None, "share"),
        (lambda parts: put(parts, "other", np.zeros(3)), "missing or strange: other"),
        (lambda parts: put(parts, "count", np.zeros(3)), r"count is F64 \[3\], must be F64 \[2\]"),
        (lambda parts: put(parts, "count", np.zeros(2, np.float32)), "count is F32"),
        (lambda parts: put(parts, "share", np.zeros((0,))), "share"),
        (lambda parts: described(parts, arms=["a"]), "must be F64"),
        (lambda parts: described(parts, policy="nobody"), "digest|nobody"),
        (lambda parts: described(parts, rows=-1), "out of its bounds"),
        (lambda parts: described(parts, noise=0.0), "out of its bounds"),
        (lambda parts: described(parts, kept=[[{}, 7, 1.0]]), "of no arm"),
        (lambda parts: described(parts, more=1), "unknown field"),
        (lambda parts: parts[1].update(policy="{"), "truncated"),
        (lambda parts: parts[1].update(format="another"), "not a policy that keyart saved"),
        (lambda parts: parts[1].clear(), "not a policy that keyart saved"),
    ],
)
def test_what_was_changed_is_refused_in_one_line(
    saved: Path, tmp_path: Path, change: Callable[[Parts], Any], says: str
) -> None:
    with safe_open(saved, "np") as file:
        lines = file.metadata()["keyart"].split("\n", 2)
    parts: Parts = (load_file(saved), dict(zip(LINES, lines, strict=True)))
    change(parts)
    wrong = tmp_path / "p.safetensors"
    save_file(parts[0], wrong, metadata={"keyart": "\n".join(parts[1].values())})
    with pytest.raises(ModelRejected, match=says) as refused:
        ContextPolicy.load(wrong)
    assert "\n" not in str(refused.value) and str(refused.value).startswith("p.safetensors")


def test_numbers_that_are_not_finite_are_refused_though_the_digest_is_right(tmp_path: Path) -> None:
    policy = ContextPolicy(["a", "b"])
    policy.learner.sums.moment[0, 0] = np.nan
    policy.save(tmp_path / "p")
    with pytest.raises(ModelRejected, match="not finite"):
        ContextPolicy.load(tmp_path / "p")


@pytest.mark.parametrize("content", [b"", b"\x80\x04.", b"\xff" * 64, msgspec.json.encode({})])
def test_other_files_are_refused_and_no_file_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(ModelRejected, match="^p: "):
        ContextPolicy.load(tmp_path / "p")
    with pytest.raises(NotFound, match="no such file"):
        ContextPolicy.load(tmp_path / "nothing")
    with pytest.raises(NotFound):
        ContextPolicy.load(tmp_path)
