"""What a process loads before it serves: every start pays for it, in time and memory."""

import subprocess
import sys

import pytest

# Each is half a second or tens of megabytes, and none is needed to decide or to learn.
HEAVY = (
    "huggingface_hub",
    "pandas",
    "polars",
    "rich",
    "scipy.optimize",
    "scipy.stats",
    "sklearn",
    "torch",
    "typer",
)

# the supervisor starts and watches others; what they load it need not
OTHERS = ("litestar", "uvicorn", "scipy", "model2vec", "pyarrow")


# what each holds once it runs: the taste space is loaded at the start
LOADS = {
    "api": "from keyart.models.embed.load import taste_space; taste_space('static')",
    "serve": "",
    "steps": "from keyart.models.embed.load import taste_space; taste_space('static')",
}


@pytest.mark.parametrize(
    ("process", "heavy"), [("api", HEAVY), ("serve", HEAVY + OTHERS), ("steps", HEAVY)]
)
def test_what_it_does_not_need_is_not_loaded(process: str, heavy: tuple[str, ...]) -> None:
    code = (
        f"import sys, keyart.services.processes.start, keyart.services.processes.{process}\n"
        f"{LOADS[process]}\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
