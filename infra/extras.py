"""Print, as JSON, which top-level module each optional dependency brings: {module: extra}."""

import json
import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = ("kafka", "onnx", "llm", "otel", "s3")


def normal(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def modules_of_extras() -> dict[str, str]:
    """Return the extra behind each module, for the extras that users install."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    extra_of = {
        normal(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]): extra
        for extra in RUNTIME
        for requirement in extras[extra]
    }
    return {
        module: extra_of[normal(distribution)]
        for module, distributions in packages_distributions().items()
        for distribution in distributions
        if normal(distribution) in extra_of
    }


if __name__ == "__main__":
    print(json.dumps(modules_of_extras(), indent=1, sort_keys=True))
