"""`import keyart` is small, stable and cheap."""

import subprocess
import sys
from pathlib import Path

import keyart

TREE = Path(__file__).parents[3] / "infra/import_root"
NAMES = ["Choice", "ContextPolicy", "KeyartError"]
HEAVY = ("litestar", "msgspec", "numpy", "pandas", "polars", "redis", "scipy", "torch", "uvicorn")


def run(code: str) -> list[str]:
    start = f"import sys\nsys.path.insert(0, {str(TREE)!r})\nimport keyart\n"
    done = subprocess.run(
        [sys.executable, "-c", start + code], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_the_names_of_the_library_are_these() -> None:
    assert keyart.__all__ == NAMES
    assert [getattr(keyart, name).__name__ for name in NAMES] == NAMES
    assert set(NAMES) <= set(dir(keyart))
    assert not hasattr(keyart, "Nothing")


def test_importing_it_loads_nothing_that_is_not_asked_for() -> None:
    loaded = run(f"print(*[name for name in {HEAVY} if name in sys.modules])")
    assert loaded == []
    asked = run(
        "keyart.ContextPolicy(['a']).decide()\n"
        "heavy = ('litestar', 'pandas', 'polars', 'redis', 'torch', 'uvicorn')\n"
        "print('numpy' in sys.modules, *[name for name in heavy if name in sys.modules])"
    )
    assert asked == ["True"]
