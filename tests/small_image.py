"""What the small image lacks, read from the files that build it, and processes without it."""

import fnmatch
import re
import subprocess
import sys
import sysconfig
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUFFIXES = (".py", ".so", ".pyd")

HIDE = """
from importlib.machinery import PathFinder

find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name in HIDDEN else find(name, *rest)
"""


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def removed_patterns() -> list[str]:
    """Return the patterns of files that `infra/slim` removes where it keeps nothing more."""
    text = (ROOT / "infra" / "slim").read_text().replace("\\\n", " ")
    lines = re.findall(r"^\s*rm -rf (.+)$", text, re.M)
    return [pattern for line in lines for pattern in line.split()]


def not_locked(lock: str) -> set[str]:
    """Return the top-level modules that are installed here and not by a lock of `infra/locks`."""
    lines = (ROOT / "infra" / "locks" / lock).read_text().splitlines()
    locked = {_normal(line.split("==")[0]) for line in lines if re.match(r"[A-Za-z0-9]", line)}
    return {
        module
        for module, distributions in packages_distributions().items()
        if not {_normal(each) for each in distributions} & {*locked, "keyart"}
    }


def left_out() -> set[str]:
    """Return the modules that the small image lacks, by their dotted names."""
    site = Path(sysconfig.get_path("purelib"))
    removed = set[str]()
    for pattern in removed_patterns():
        folder, _, name = pattern.rpartition("/")
        for path in (site / folder).iterdir() if (site / folder).is_dir() else ():
            module = path.name.partition(".")[0]
            whole = path.is_dir() or path.suffix in SUFFIXES
            if whole and module.isidentifier() and fnmatch.fnmatch(path.name, name):
                removed.add(".".join([*folder.split("/"), module] if folder else [module]))
    return removed | {name for name in not_locked("kafka.txt") if name.isidentifier()}


class SmallImage:
    """Processes that can import nothing but what the small image has, children of theirs included.

    Parameters
    ----------
    folder
        An empty one: what hides modules is written there.
    environment
        Of every process.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        # run by the interpreter before anything else, whatever starts it
        (folder / "sitecustomize.py").write_text(
            f"HIDDEN = frozenset({sorted(left_out())!r})\n{HIDE}"
        )
        self._environment = {**environment, "PYTHONPATH": str(folder)}

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the interpreter with these arguments."""
        return subprocess.run(
            [sys.executable, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=240,
        )

    def keyart(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of keyart."""
        return self.run("-m", "keyart.services.cli.main", *arguments)
