"""The scripts that guard the rest: what they let pass, and what they must not."""

import importlib.util
import os
import shlex
import subprocess
import sys
import tarfile
import tomllib
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from keyart.schemas.errors import MissingExtra

ROOT = Path(__file__).resolve().parents[3]
INFRA = ROOT / "infra"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, INFRA / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CASES = {
    "passes": "def test_a(): pass",
    "skips": "import pytest\ndef test_a(): pytest.skip('no CUDA device')",
    "flakes": "import pytest\ndef test_a(): pass\ndef test_b(): pytest.skip('flaky')",
    "imports": "import pytest\npytest.importorskip('nobody_has_this')\ndef test_a(): pass",
    "expects": "import pytest\n@pytest.mark.xfail\ndef test_a(): assert False",
    "nothing": "",
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run pytest once on all the cases and return a folder with a JUnit report of each."""
    folder = tmp_path_factory.mktemp("cases")
    for name, source in CASES.items():
        (folder / f"test_{name}.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:hypothesispytest"]
    subprocess.run(
        [*command, "--junitxml=all.xml", "."], cwd=folder, capture_output=True, timeout=120
    )
    cases = list(ElementTree.parse(folder / "all.xml").iter("testcase"))
    for name in CASES:
        suite = ElementTree.Element("testsuite")
        suite.extend(c for c in cases if f"test_{name}" in f"{c.get('classname')}{c.get('name')}")
        ElementTree.ElementTree(suite).write(folder / f"{name}.xml")
    return folder


@pytest.mark.parametrize(
    ("case", "allow", "status"),
    [
        ("passes", [], 0),
        ("skips", [], 1),
        ("skips", ["--allow", "no CUDA"], 0),
        ("flakes", ["--allow", "no CUDA"], 1),
        ("imports", [], 1),
        ("expects", [], 1),
        ("nothing", [], 1),
    ],
)
def test_a_skip_counts_as_a_failure_unless_its_reason_is_allowed(
    reports: Path, case: str, allow: list[str], status: int
) -> None:
    assert script("no_skips").main([str(reports / f"{case}.xml"), *allow]) == status


def test_extras_name_the_modules_that_they_bring() -> None:
    brought = script("extras").modules_of_extras()
    assert brought["faust"] == brought["kafka"] == brought["aiokafka"] == "kafka"
    assert brought["onnxruntime"] == "onnx"
    assert brought["torch"] == "llm"
    assert not {"numpy", "redis", "litestar", "pytest"} & brought.keys()


def test_an_import_may_fail_for_want_of_an_extra_and_for_nothing_else() -> None:
    wanted = script("import_all").extra_wanted
    extra_of = {"faust": "kafka"}
    assert wanted(ModuleNotFoundError(name="faust.types"), extra_of) == "kafka"
    assert wanted(MissingExtra("kafka", "a worker"), extra_of) == "kafka"
    assert wanted(ModuleNotFoundError(name="pytest"), extra_of) is None
    assert wanted(ValueError("anything else"), extra_of) is None
    wrapped = RuntimeError("could not load")
    wrapped.__cause__ = ModuleNotFoundError(name="faust")
    assert wanted(wrapped, extra_of) == "kafka"


LEGAL = ("LICENSE", "NOTICE")


@pytest.fixture
def built(tmp_path: Path) -> tuple[Path, Path]:
    """Return a wheel and an sdist that hold what the layers hold."""
    contents = script("wheel_contents")
    names = contents.expected()
    wheel, sdist = tmp_path / "it.whl", tmp_path / "it.tar"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("keyart-0.1.0.dist-info/METADATA", "")
        for name in names:
            archive.writestr(contents.place(name), "")
        for name in LEGAL:
            archive.writestr(f"keyart-0.1.0.dist-info/licenses/{name}", "")
    with tarfile.open(sdist, "w") as archive:
        for name in (*names, *LEGAL):
            archive.add(ROOT / name, f"keyart-0.1.0/{name}")
    return wheel, sdist


def test_a_whole_wheel_passes_and_one_with_more_or_less_does_not(built: tuple[Path, Path]) -> None:
    wheel, sdist = built
    contents = script("wheel_contents")
    main = contents.main
    assert main(str(wheel), str(sdist)) == 0
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("models/stray.py", "")
    assert main(str(wheel), str(sdist)) == 1
    legal = {f"keyart-0.1.0.dist-info/licenses/{name}" for name in LEGAL}
    whole = set(map(contents.place, contents.expected())) | legal
    for left_out in ("keyart/__init__.py", "keyart/schemas/codec.py", *sorted(legal)):
        with zipfile.ZipFile(wheel, "w") as archive:
            for name in whole - {left_out}:
                archive.writestr(name, "")
        assert main(str(wheel), str(sdist)) == 1
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in whole:
            archive.writestr(name, "")
    assert main(str(wheel), str(sdist)) == 0


@pytest.mark.parametrize("name", ["infra/check", ".ci/run"])
def test_the_shell_scripts_parse_and_can_be_run(name: str) -> None:
    path = ROOT / name
    assert path.stat().st_mode & 0o100
    assert "set -euo pipefail" in path.read_text()
    subprocess.run(["bash", "-n", str(path)], check=True, timeout=10)


def test_make_help_tells_of_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = next(line for line in makefile.splitlines() if line.startswith(".PHONY:")).split()[1:]
    shown = subprocess.run(
        ["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=20
    ).stdout
    for target in phony:
        assert f"make {target} " in shown, target
        assert f"\n{target}:" in makefile


def test_every_dependency_is_pinned_and_nothing_names_a_place() -> None:
    text = (INFRA / "constraints.txt").read_text()
    assert "://" not in text and "--" not in text
    pinned: dict[str, list[Requirement]] = {}
    for line in text.splitlines():
        requirement = Requirement(line)
        pinned.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"]]
    wanted += [each for extra, those in extras.items() if extra != "gpu" for each in those]
    for each in map(Requirement, wanted):
        if each.name == "keyart":
            continue
        for pin in pinned[canonicalize_name(each.name)]:
            (specifier,) = pin.specifier
            assert specifier.operator == "=="
            assert each.specifier.contains(specifier.version), f"{each} against {pin}"


@pytest.mark.parametrize(("given", "workers"), [([], "2"), (["WORKERS=0"], "0")])
def test_the_command_of_the_tests_is_whole(given: list[str], workers: str) -> None:
    """A variable that is read before it is set leaves an option without its value."""
    clean = {k: v for k, v in os.environ.items() if k not in ("WORKERS", "MAKEFLAGS", "MAKELEVEL")}
    said = subprocess.run(
        ["make", "--dry-run", "test", *given],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env=clean,
    )
    (command,) = [line for line in said.stdout.splitlines() if " -m pytest " in line]
    words = shlex.split(command)
    assert words[words.index("-n") + 1] == workers
