"""Check that wheel and sdist hold every file of our folders, and the wheel nothing else."""

import sys
import tarfile
import zipfile
from pathlib import Path

LAYERS = ("schemas", "models", "streams", "services", "client")
ITSELF = "library"
"""The folder whose files are those of `keyart` itself."""
LEGAL = ("LICENSE", "NOTICE")
ROOT = Path(__file__).resolve().parent.parent


def expected() -> set[str]:
    """Return every file of ours in the working tree, as paths below the root."""
    return {
        path.relative_to(ROOT).as_posix()
        for layer in (*LAYERS, ITSELF)
        for path in (ROOT / layer).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def place(name: str) -> str:
    """Return where a file of the tree stands in the wheel."""
    return f"keyart/{name.removeprefix(f'{ITSELF}/')}"


def main(wheel: str, sdist: str) -> int:
    """Compare, print what is found, and return the exit status."""
    want = expected()
    in_wheel = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
    with tarfile.open(sdist) as tar:
        in_sdist = {member.name.partition("/")[2] for member in tar if member.isfile()}
    ours = {name for name in in_wheel if name.startswith("keyart/")}
    installed = set(map(place, want))
    strange = {name for name in in_wheel - ours if ".dist-info/" not in name}
    faults = [f"missing from the wheel: {name}" for name in installed - ours]
    faults += [f"missing from the sdist: {name}" for name in want - in_sdist]
    faults += [f"not ours, in the wheel: {name}" for name in strange]
    faults += [f"not in the tree: {name}" for name in ours - installed]
    licences = {name.rpartition("/")[2] for name in in_wheel if ".dist-info/licenses/" in name}
    faults += [f"missing from the wheel's licences: {name}" for name in set(LEGAL) - licences]
    faults += [f"missing from the sdist: {name}" for name in set(LEGAL) - in_sdist]
    for fault in sorted(faults):
        print(fault)
    for layer in LAYERS:
        names = [name for name in ours if name.startswith(f"keyart/{layer}/")]
        modules = sum(name.endswith(".py") for name in names)
        print(f"  keyart.{layer}: {modules} modules, {len(names) - modules} data files")
    print(f"  wheel: {Path(wheel).stat().st_size / 2**20:.1f} MiB")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
