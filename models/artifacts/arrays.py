"""Arrays of a safetensors file, as many and of such shapes as whoever reads it needs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from keyart.schemas.errors import ModelRejected

Arrays = dict[str, NDArray[Any]]


def read_arrays(path: Path) -> Arrays:
    """Return the arrays of a file, whatever they are.

    Raises
    ------
    ModelRejected
        It cannot be read.
    """
    try:
        return load_file(path)
    except (SafetensorError, OSError) as unread:
        raise ModelRejected(f"{path.name}: {unread}") from None


def check_arrays(
    held: Arrays, shapes: Mapping[str, tuple[int, ...]], *, path: Path, of: str
) -> None:
    """Check that arrays are there, of these shapes, and that every number is finite.

    Parameters
    ----------
    path, of
        Where they come from, and what they have to be of: for the message.

    Raises
    ------
    ModelRejected
        One of them is not.
    """
    for name, shape in shapes.items():
        if name not in held or held[name].shape != shape or not np.isfinite(held[name]).all():
            raise ModelRejected(f"{path.name}: {name} is not of {of}")
