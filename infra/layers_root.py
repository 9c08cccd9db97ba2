"""import-linter reads keyart from infra/import_root, as mypy does: one package of all folders.

It has no setting for where a package lies, and an editable install maps each folder by itself. What
it does first is to import the contract types that pyproject.toml names, so one is named from here.
"""

import sys
from pathlib import Path

from importlinter.contracts.layers import LayersContract

__all__ = ["LayersContract"]

sys.path.insert(0, str(Path(__file__).resolve().parent / "import_root"))
