"""What the api loads: nothing that reads tables, trains, or talks to Kafka."""

import subprocess
import sys

HEAVY = (
    *("pandas", "polars", "pyarrow", "sklearn", "matplotlib"),
    *("torch", "transformers", "trl", "datasets", "onnxruntime"),
    *("faust", "kafka", "aiokafka"),
)
"""Top-level names of packages; each is installed where the tests run, so each could be loaded."""


def test_the_app_is_made_without_them() -> None:
    code = f"import sys, keyart.services.api.app; print([x for x in {HEAVY!r} if x in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "[]"
