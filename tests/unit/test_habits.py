"""The habits of the tests, read from their source: each can fail, none starts a server in unit/."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
FILES = sorted(TESTS.rglob("*.py"))
SERVERS = {
    "EmbeddedServer",
    "HTTPServer",
    "Serving",
    "ThreadingHTTPServer",
    "create_server",
    "free_port",
    "start_server",
    "uvicorn",
    "valkey_url",
}
CLOCKS = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree(path: Path) -> ast.Module:
    """The source, read once."""
    return ast.parse(path.read_text())


@cache
def helpers() -> dict[str, list[Function]]:
    """Every function of the tests by its name: a test may assert through them."""
    found: dict[str, list[Function]] = {}
    for path in FILES:
        for node in ast.walk(tree(path)):
            if isinstance(node, Function):
                found.setdefault(node.name, []).append(node)
    return found


def called(node: ast.Call) -> str:
    """The last part of the name of what is called."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def asserts(node: ast.AST, seen: frozenset[str] = frozenset()) -> bool:
    """Whether something in here can fail: an assertion, `raises`, or a helper that has one."""
    for each in ast.walk(node):
        if isinstance(each, ast.Assert):
            return True
        if isinstance(each, ast.Call):
            name = called(each)
            if name in ("fail", "raises", "warns") or name.startswith("assert_"):
                return True
            if name not in seen and any(
                asserts(other, seen | {name}) for other in helpers().get(name, ())
            ):
                return True
    return False


def returns(node: ast.AST) -> Iterator[ast.Return]:
    """Each `return` of the function itself, not of those within it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Return):
            yield child
        elif not isinstance(child, Function | ast.Lambda):
            yield from returns(child)


def faults(source: ast.Module, *, unit: bool) -> list[str]:
    """What in the tests of a module breaks a habit."""
    found = []
    for node in ast.walk(source):
        if isinstance(node, Function) and node.name.startswith("test_"):
            if not asserts(node):
                found.append(f"{node.name} asserts nothing")
            if any(returns(node)):
                found.append(f"{node.name} returns early: assume, skip, or two tests")
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare):
            sides = (node.test.left, *node.test.comparators)
            if any(
                isinstance(each, ast.Call) and called(each) in CLOCKS
                for side in sides
                if isinstance(side, ast.BinOp)
                for each in ast.walk(side)
            ):
                found.append(f"line {node.lineno} asserts how long something took")
        if (
            unit
            and isinstance(node, ast.Name | ast.arg | ast.Attribute)
            and (
                SERVERS
                & {getattr(node, "id", ""), getattr(node, "arg", ""), getattr(node, "attr", "")}
            )
        ):
            found.append(f"line {node.lineno} has a server: it belongs to integration/")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(TESTS).as_posix())
def test_every_test_keeps_the_habits(path: Path) -> None:
    unit = path.relative_to(TESTS).parts[0] in ("unit", "property")
    assert faults(tree(path), unit=unit) == []


@pytest.mark.parametrize(
    "source",
    [
        "def test_a(): f()",
        "def test_a(x):\n    if x:\n        return\n    assert x",
        "def test_a():\n    assert time.monotonic() - began < 2.0",
        "def test_a(valkey_url):\n    assert valkey_url",
        "def test_a():\n    assert ThreadingHTTPServer(x)",
    ],
)
def test_what_breaks_a_habit_is_caught(source: str) -> None:
    assert faults(ast.parse(source), unit=True)
