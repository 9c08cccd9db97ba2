"""What is shown to people runs: the notebooks of examples/, and the examples of docs/library.md.

Code cells run in order in one namespace, in a process of their own: no notebook server is needed.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
IMPORTED = f"import sys\nsys.path.insert(0, {str(ROOT / 'infra/import_root')!r})\n"
FENCED = re.compile(r"^```python\n(.*?)^```", re.M | re.S)


def run(parts: list[str], folder: Path) -> str:
    """Run the parts one after the other, as a notebook does, and return what they print."""
    script = folder / "cells.py"
    script.write_text(IMPORTED + "\n\n".join(parts), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_tells_what_its_text_promises(path: Path, tmp_path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert any("assert " in each for each in code)
    assert run(code, tmp_path).strip()
    # what stands below a cell was made by running it from first to last
    assert [cell["execution_count"] for cell in cells if cell["cell_type"] == "code"] == list(
        range(1, len(code) + 1)
    )


def test_the_three_notebooks_are_those_that_the_docs_name() -> None:
    named = re.findall(r"^- `(\w+)\.ipynb`", (ROOT / "docs/library.md").read_text(), re.M)
    assert sorted(named) == [path.stem for path in NOTEBOOKS]
    assert len(named) == 3


def test_the_examples_of_the_docs_run_in_their_order(tmp_path: Path) -> None:
    told = run(FENCED.findall((ROOT / "docs/library.md").read_text()), tmp_path)
    assert "Choice(arm='faces'" in told
    assert "digest is not that of its contents" in told
