"""Whether an optional dependency is here, asked before the work that would end for want of it."""

import importlib.util
from typing import Final

from keyart.schemas.errors import MissingExtra

MODULES: Final = {
    "kafka": ("aiokafka", "faust", "kafka"),
    "onnx": ("onnx", "onnxruntime"),
    "llm": ("torch", "transformers", "trl", "peft", "accelerate"),
}
"""What has to be importable for an extra to be installed."""


def need_extra(extra: str, needed_for: str) -> None:
    """Find, without importing them, the modules of an extra.

    Raises
    ------
    MissingExtra
        One is not installed.
    """
    if any(importlib.util.find_spec(module) is None for module in MODULES[extra]):
        raise MissingExtra(extra, needed_for)
