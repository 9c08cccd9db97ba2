"""Check a CycloneDX bill of materials against the environment that it is of."""

import json
import re
import subprocess
import sys
from pathlib import Path

LIST = "import importlib.metadata as m; print(*{d.name for d in m.distributions()}, sep='\\n')"


def normal(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def faults(bill: dict[str, object], installed: set[str]) -> list[str]:
    """Return what is wrong: no CycloneDX, a distribution that is not in it, one without version."""
    if bill.get("bomFormat") != "CycloneDX":
        return ["not a CycloneDX document"]
    components = bill.get("components")
    listed = components if isinstance(components, list) else []
    names = {normal(str(each.get("name"))) for each in listed}
    found = [f"not in the bill: {name}" for name in sorted(installed - names)]
    return found + [f"no version: {each.get('name')}" for each in listed if not each.get("version")]


def main(bill: str, python: str) -> int:
    """Compare, print what is found, and return the exit status."""
    done = subprocess.run([python, "-c", LIST], check=True, capture_output=True, text=True)
    installed = {normal(name) for name in done.stdout.split()}
    read = json.loads(Path(bill).read_text())
    for fault in (wrong := faults(read, installed)):
        print(fault)
    licensed = sum(bool(each.get("licenses")) for each in read.get("components", ()))
    print(f"  {len(read.get('components', ()))} components, {licensed} with a licence")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
