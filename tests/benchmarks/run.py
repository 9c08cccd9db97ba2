"""Run every `bench_*.py` here, print each table, and the whole as JSON when asked.

`python tests/benchmarks/run.py [--json FILE] [NAME ...]`, names without `bench_`. A module with
`main() -> list[Row]` is called; one that needs fixtures (a whole site, say) is run by pytest.
"""

import argparse
import importlib
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTEST = (sys.executable, "-m", "pytest", "-q", "-s", "-m", "not containers and not gpu")


def main() -> int:
    """Run them, one after the other."""
    there = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(there)}; all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    given = parser.parse_args()
    if unknown := set(given.names) - set(there):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    sys.path.insert(0, str(HERE.parent.parent))
    common = importlib.import_module("tests.benchmarks.common")
    rows, failed = [], False
    for name in given.names or there:
        module = importlib.import_module(f"tests.benchmarks.bench_{name}")
        if hasattr(module, "main"):
            rows += module.main()
        else:
            failed |= subprocess.call([*PYTEST, str(HERE / f"bench_{name}.py")]) != 0
    if given.json:
        given.json.write_text(json.dumps(common.as_json(rows), indent=2) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
