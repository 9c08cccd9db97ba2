"""The scoring graph as an ONNX file."""

from pathlib import Path
from typing import Any

import torch

from keyart.models.llm.scoring.graph import OptionGraph, empty_past

INPUTS = ("input_ids", "attention_mask", "past")
OUTPUTS = ("logits", "present")


def export_graph(model: Any, marks: tuple[int, ...], path: Path) -> int:
    """Write the graph and return its opset. Batch, length and prefix are dynamic.

    The weights stand in `path.name + .data` beside it where they are large.
    """
    graph = OptionGraph(model, marks).eval()
    empty = empty_past(model)
    layers, _, heads, _, size = empty.shape
    batch, length, before = 3, 5, 7  # distinct, so that no two dynamic sizes are taken for one
    past = torch.zeros((layers, 1, heads, before, size), dtype=empty.dtype)
    example = (
        torch.ones((batch, length), dtype=torch.int64),
        torch.ones((batch, before + length), dtype=torch.int64),
        past,
    )
    rows, tokens, prefix = torch.export.Dim("B"), torch.export.Dim("T"), torch.export.Dim("P")
    shapes = (
        {0: rows, 1: tokens},
        {0: rows, 1: torch.export.Dim.AUTO},
        {3: prefix},
    )
    with torch.no_grad():
        program = torch.onnx.export(
            graph,
            example,
            dynamo=True,
            dynamic_shapes=shapes,
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            external_data=True,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export(dynamo=True) returns a program")
    program.save(str(path), external_data=True)
    return int(program.model.opset_imports[""])
