"""What a hosted CI and pre-commit would run is there to be run."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text())
NODE_24 = {"cache": 5, "checkout": 5, "setup-python": 6, "upload-artifact": 6}
"""Of each action, the first version that runs on the Node that runners have."""
TARGETS = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))


def steps() -> Iterator[dict[str, Any]]:
    for job in WORKFLOW["jobs"].values():
        assert job["timeout-minutes"] <= 60
        yield from job["steps"]


def test_every_command_of_the_workflow_can_be_run() -> None:
    commands = [shlex.split(step["run"]) for step in steps() if "run" in step]
    made = {words[1] for words in commands if words[0] == "make"}
    assert made == {"check", "containers", "coverage", "test"} and made <= TARGETS
    for words in commands:
        if words[0] == ".venv/bin/python":
            assert (ROOT / words[1]).is_file(), words
        elif words[0] != "make":
            assert words[:3] == ["sudo", "apt-get", "update"], words


def test_every_action_runs_on_the_node_that_runners_have() -> None:
    used = {step["uses"] for step in steps() if "uses" in step}
    assert used
    for action in used:
        name, version = action.removeprefix("actions/").split("@v")
        assert int(version) >= NODE_24[name], action


def test_what_the_workflow_keeps_is_what_the_check_writes() -> None:
    kept = [
        path
        for step in steps()
        if "upload-artifact" in step.get("uses", "")
        for path in step["with"]["path"].split()
    ]
    check = (ROOT / "infra/check").read_text()
    assert kept and all(f"$root/{path}" in check for path in kept), kept


def test_what_may_be_skipped_is_what_tests_say_when_they_skip() -> None:
    """Each `--allow` is a skip that a test really tells; none hides a test that should have run."""
    allowed = {
        pattern
        for step in steps()
        for pattern in re.findall(r"--allow '([^']+)'", step.get("run", ""))
    }
    told = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    assert allowed == {"no CUDA", "mounting is not permitted"}
    assert all(pattern in told for pattern in allowed)


def test_pre_commit_runs_what_the_environment_has_and_fetches_nothing() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"]
    check = (ROOT / "infra/check").read_text()
    for hook in hooks[0]["hooks"]:
        tool = hook["entry"].split()[0].removeprefix(".venv/bin/")
        assert hook["language"] == "system" and f'"$bin/{tool}"' in check, hook["id"]
