"""`keyart.client` is what sites import: small, stable, and light."""

import subprocess
import sys
from pathlib import Path

import keyart.services.client

TREE = Path(__file__).parents[4] / "infra/import_root"
HEAVY = ("litestar", "polars", "redis", "scipy", "uvicorn")
NAMES = [
    "AsyncClient",
    "Away",
    "Choice",
    "Client",
    "Counts",
    "ErrorAnswer",
    "Event",
    "NotNow",
    "Page",
    "Proposal",
    "Proposals",
]


def test_what_sites_import_is_there_and_brings_no_server() -> None:
    code = (
        "import sys\n"
        f"sys.path.insert(0, {str(TREE)!r})\n"
        "import keyart.client as client\n"
        f"print(*client.__all__, [name for name in {HEAVY} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [*NAMES, "[]"]
    assert keyart.services.client.__all__ == NAMES
