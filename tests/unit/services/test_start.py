"""What a process loads before it serves: every start pays for it, in time and memory."""

import subprocess
import sys

import pytest

# Each is half a second or tens of megabytes, and none is needed to decide or to learn.
HEAVY = ("pandas", "polars", "rich", "scipy.optimize", "scipy.stats", "sklearn", "torch", "typer")


@pytest.mark.parametrize("process", ["api", "serve", "steps"])
def test_what_no_decision_needs_is_not_loaded(process: str) -> None:
    code = (
        f"import sys, keyart.services.processes.{process}\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
