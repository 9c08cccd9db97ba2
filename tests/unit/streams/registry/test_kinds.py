"""Which files are kept: by what they are, and not by what they begin with or are called."""

import pickle

import numpy as np
import pytest
from safetensors.numpy import save

from keyart.schemas.errors import ModelRejected
from keyart.streams.registry.kinds import PICKLED, check_kind

ARRAYS = {"weights": np.zeros(3, np.float32)}


def padded(size: int) -> bytes:
    """Return a safetensors file whose header has exactly this length."""
    for room in range(size):
        content = save(ARRAYS, metadata={"note": "x" * room})
        if int.from_bytes(content[:8], "little") == size:
            return content
    raise AssertionError(f"no header of {size} bytes")


@pytest.mark.parametrize("size", [0x0280, 0x0380, 0x0480, 0x0580])
def test_a_header_as_long_as_the_first_bytes_of_a_pickle_is_kept(size: int) -> None:
    content = padded(size)
    assert content[:2] in PICKLED
    check_kind("weights.safetensors", content)


@pytest.mark.parametrize("name", ["weights.safetensors", "graph.onnx", "facts.json"])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_refused_whatever_it_is_called(name: str, protocol: int) -> None:
    with pytest.raises(ModelRejected, match="is a pickle or an archive"):
        check_kind(name, pickle.dumps({"a": [1, 2]}, protocol))


@pytest.mark.parametrize("at", [8, 9, 40])
def test_a_header_that_is_damaged_is_none(at: int) -> None:
    content = bytearray(save(ARRAYS))
    content[at] = 0
    with pytest.raises(ModelRejected, match="no safetensors file"):
        check_kind("weights.safetensors", bytes(content))


def test_other_kinds_of_files_are_refused() -> None:
    with pytest.raises(ModelRejected, match="only"):
        check_kind("weights.bin", save(ARRAYS))
    with pytest.raises(ModelRejected, match="no JSON"):
        check_kind("facts.json", b"{")
