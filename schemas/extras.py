"""Whether an optional dependency is here, asked before the work that would end for want of it."""

import importlib.util
from typing import Final

from keyart.schemas.errors import MissingExtra

MODULES: Final = {
    "kafka": ("aiokafka", "faust", "kafka"),
    "onnx": ("onnx", "onnxruntime"),
    "s3": ("boto3",),
    "llm": ("torch", "transformers", "trl", "peft", "accelerate"),
}
"""What has to be importable for an extra to be installed."""

LEFT_OUT: Final = ("polars",)
"""Of the base install, what an image without `FULL` leaves out, as `infra/slim` does."""
FULL: Final = "kafka-onnx"
"""EXTRAS of an image that can read the training log."""


def need_polars(needed_for: str) -> None:
    """Find, without importing it, what reads tables; the smallest image has none.

    Raises
    ------
    MissingExtra
        It is not there, and which image has it.
    """
    if importlib.util.find_spec("polars") is None:
        raise left_out("polars", needed_for)


def left_out(module: str, needed_for: str) -> MissingExtra:
    """Return what says which image has a module that this one leaves out."""
    return MissingExtra(
        FULL,
        needed_for,
        f"{module}, which this image leaves out: build it with EXTRAS={FULL}, or use keyart:llm",
    )


def need_extra(extra: str, needed_for: str) -> None:
    """Find, without importing them, the modules of an extra.

    Raises
    ------
    MissingExtra
        One is not installed.
    """
    if any(importlib.util.find_spec(module) is None for module in MODULES[extra]):
        raise MissingExtra(extra, needed_for)
