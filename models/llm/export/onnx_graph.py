"""The scoring graph as an ONNX file."""

from pathlib import Path
from typing import Any, Final

import torch

from keyart.models.llm.scoring.graph import OptionGraph, SpanGraph, empty_past
from keyart.models.llm.scoring.span_reader import SpanReader
from keyart.schemas.errors import ModelRejected

OUTPUTS = ("logits", "present")


MOST_IN_ONE: Final = 2_000_000_000
"""Bytes of a graph with its weights in it: a protobuf is smaller than 2 GiB."""


def into_one(path: Path) -> None:
    """Take the weights that stand beside a graph into its file.

    Raises
    ------
    ModelRejected
        They are too large for one file.
    """
    import onnx

    beside = path.with_name(path.name + ".data")
    if not beside.is_file():
        return
    size = path.stat().st_size + beside.stat().st_size
    if size > MOST_IN_ONE:
        raise ModelRejected(
            f"{path.name} with its weights has {size:,} bytes; one file holds {MOST_IN_ONE:,}: "
            "quantise it, or take a smaller model"
        )
    onnx.save_model(onnx.load(str(path)), str(path), save_as_external_data=False)
    beside.unlink()


def export_graph(model: Any, marks: tuple[int, ...], path: Path) -> int:
    """Write the graph and return its opset. Batch, length and prefix are dynamic.

    The weights stand in `path.name + .data` beside it where they are large.

    Parameters
    ----------
    model
        A causal language model, read at the marks, or a `SpanReader`.
    """
    spanned = isinstance(model, SpanReader)
    graph = (SpanGraph(model, len(marks)) if spanned else OptionGraph(model, marks)).eval()
    empty = empty_past(model.decoder if spanned else model)
    layers, _, heads, _, size = empty.shape
    batch, length, before = 3, 5, 7  # distinct, so that no two dynamic sizes are taken for one
    rows, tokens, prefix = torch.export.Dim("B"), torch.export.Dim("T"), torch.export.Dim("P")
    ids = torch.ones((batch, length), dtype=torch.int64)
    inputs = {
        "input_ids": (ids, {0: rows, 1: tokens}),
        "attention_mask": (
            torch.ones((batch, before + length), dtype=torch.int64),
            {0: rows, 1: torch.export.Dim.AUTO},
        ),
        "spans": (torch.zeros_like(ids), {0: rows, 1: tokens}),
        "past": (torch.zeros((layers, 1, heads, before, size), dtype=empty.dtype), {3: prefix}),
    }
    if not spanned:
        del inputs["spans"]
    with torch.no_grad():
        program = torch.onnx.export(
            graph,
            tuple(example for example, _ in inputs.values()),
            dynamo=True,
            dynamic_shapes=tuple(shape for _, shape in inputs.values()),
            input_names=list(inputs),
            output_names=list(OUTPUTS),
            external_data=True,
            verbose=False,  # it prints, and standard output is the manifest's alone
        )
    if program is None:
        raise RuntimeError("torch.onnx.export(dynamo=True) returns a program")
    program.save(str(path), external_data=True)
    return int(program.model.opset_imports[""])
